"""Temperatures for contraction and for closeness: against a crowd whose map and gains are known in closed form."""

import numpy as np
import pytest

from smfg_verify.assumptions import check, temperature_conflict
from smfg_verify.assumptions.contraction.temperature_conflict import Conflict
from smfg_verify.exact.equilibrium.entropy_bias import entropy_bias
from tests.assumptions.crowds import crowd

ATTRACTION, BIAS, INERTIA, DISCOUNT = 1.0, 0.2, 0.1, 0.5
# The map's slope is largest where both places are worth the same.
STEEPEST = (1.0 - INERTIA) * ATTRACTION / 2.0


def gain_of(temperature):
    """Of the better place over a follower's mixture of both, at the equilibrium that a hot one is followed to."""
    share = 0.5
    for tau in np.geomspace(100.0, temperature, 60):
        for _ in range(4000):
            apart = ATTRACTION * (2.0 * share - 1.0) + BIAS
            likely = 1.0 / (1.0 + np.exp(-apart / tau))
            share = (1.0 - INERTIA) * likely + 0.5 * INERTIA
    return apart * (1.0 - likely) / (1.0 - DISCOUNT)


@pytest.fixture(scope="module")
def checked_crowd():
    game = crowd(ATTRACTION, 0.3, inertia=INERTIA, discount=DISCOUNT, bias=BIAS)
    return game, check(game, "contraction", budget="quick")


def test_gains_are_those_of_the_closed_form(checked_crowd):
    found = entropy_bias(checked_crowd[0], np.zeros((2, 2, 2)), [0.1, 2.0, 0.4])
    np.testing.assert_array_equal(found.temperature, [2.0, 0.4, 0.1])
    expected = [gain_of(tau) for tau in found.temperature]
    np.testing.assert_allclose(found.gain, np.tile(expected, (2, 1)).T, rtol=1e-9)
    assert np.max(found.consistency) < 1e-12


def test_thresholds_are_where_the_closed_forms_have_them(checked_crowd):
    game, report = checked_crowd
    allowed = 0.05
    found = temperature_conflict(game, report, allowed=allowed)
    assert found.found_from == pytest.approx(STEEPEST, rel=1e-3)
    assert found.found_from <= found.certified_from
    assert gain_of(found.close_up_to) <= allowed * (1.0 + 1e-9)
    hotter = found.temperature[found.temperature > found.close_up_to][0]
    assert gain_of(hotter) > allowed
    assert hotter < 1.1 * found.close_up_to < STEEPEST
    assert found.conflict is Conflict.CONFLICT


def test_what_is_allowed_decides_and_more_of_it_never_takes_a_temperature_away(checked_crowd):
    game, report = checked_crowd
    found = [temperature_conflict(game, report, allowed=allowed) for allowed in (0.0, 0.05, 0.28, 10.0)]
    close = [one.close_up_to for one in found]
    assert close == sorted(close)
    assert close[0] == 0.0
    assert [one.conflict for one in found] == [*[Conflict.CONFLICT] * 2, Conflict.OPEN, Conflict.NONE]
    # At what is allowed third, contraction is found and not proved at a temperature that is close enough.
    assert found[2].found_from < close[2] < found[2].certified_from
    assert found[-1].close_up_to == found[-1].temperature[-1]


@pytest.mark.parametrize(("allowed", "words"), [(-0.1, "gain >= 0"), (np.nan, "gain >= 0")])
def test_what_is_no_gain_is_refused(checked_crowd, allowed, words):
    with pytest.raises(ValueError, match=words):
        temperature_conflict(*checked_crowd, allowed=allowed)


def test_a_report_of_another_game_is_refused(checked_crowd):
    other = crowd(ATTRACTION, 0.4, inertia=INERTIA, discount=DISCOUNT, bias=BIAS)
    with pytest.raises(ValueError, match="other parameters"):
        temperature_conflict(other, checked_crowd[1], allowed=0.1)
