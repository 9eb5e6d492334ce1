"""Bisection of radii: found as wide as trials allow, told narrower than proved, and none where the narrowest fails."""

import numpy as np

from smfg_verify.assumptions.along.radii import the_same, widest


def test_radii_come_near_the_widest_that_is_proved_and_do_not_exceed_it():
    true = np.array([0.3, 2.0**-9.3, 1e-4, 0.999, 0.0])

    def prove(at, width):
        return np.where(width <= true[at], 1.0 - width, np.nan)

    radius, proved = widest(the_same(5, (-16.0, 0.0)), 9, prove)
    assert np.all(radius < true + (true == 0.0))
    assert np.all(radius[:4] >= true[:4] * 2.0 ** (-16.0 / 2**7))
    np.testing.assert_array_equal(radius[4], 0.0)
    assert np.isnan(proved[4])
    # What is told is what was proved of a wider radius.
    assert np.all(proved[:4] < 1.0 - radius[:4])
    np.testing.assert_allclose(proved[:4], 1.0 - radius[:4], atol=2e-6)


def test_a_point_that_fails_at_the_narrowest_is_asked_once():
    asked = []

    def prove(at, width):
        asked.append(list(at))
        return np.where(at == 1, 1.0, np.nan)

    radius, _ = widest(the_same(3, (-4.0, 0.0)), 3, prove)
    assert asked == [[0, 1, 2], [1], [1]]
    assert radius[1] > 0.3
    assert widest(the_same(0, (-4.0, 0.0)), 3, prove)[0].shape == (0,)
