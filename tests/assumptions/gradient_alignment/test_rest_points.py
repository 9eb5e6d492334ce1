"""Flows end where the field they follow vanishes, and say so by measures that are found there again."""

import numpy as np
import pytest

from smfg_verify.assumptions.gradient_alignment.rest_points import _next_lengths, follow
from smfg_verify.exact import stackelberg_gradient
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.games import load

TOLERANCE = 1e-7
STARTS = np.array([[-1.0, 1.0], [0.3, -0.3]])[:, None, :]


@pytest.mark.slow
@pytest.mark.parametrize("field", ["total", "direct"])
def test_an_end_that_is_said_to_rest_has_no_field_and_no_gap(field):
    game = load("laffer-tax")
    ends = follow(checked(game), STARTS, field, tolerance=TOLERANCE)
    assert ends.reached.all()
    for logits in ends.points.logits:
        gradient = stackelberg_gradient(game, logits)
        gap = gradient.policy_gap if field == "total" else gradient.direct_policy_gap
        assert np.linalg.norm(getattr(gradient, field)) <= TOLERANCE
        assert 0.0 <= gap <= TOLERANCE
    # Whoever stands there already takes no step, and whoever may take none stays where it is.
    again = follow(checked(game), ends.points.logits, field, tolerance=TOLERANCE)
    np.testing.assert_array_equal(again.num_steps, 0)
    still = follow(checked(game), STARTS, field, tolerance=TOLERANCE, max_steps=0)
    np.testing.assert_array_equal(still.points.logits, STARTS)
    assert not still.reached.any()


def test_a_row_grows_while_its_field_keeps_its_direction_and_shrinks_where_it_turns():
    logits, slope = np.zeros((1, 2, 2)), np.array([[[0.1, -0.1], [0.2, -0.2]]])
    first = _next_lengths(logits, slope, None, None)
    np.testing.assert_allclose(first * np.max(np.abs(slope), axis=2), first[0, 0] * 0.1)
    turned = slope * np.array([1.0, -1.0])[None, :, None]
    np.testing.assert_array_less([[1.0]], _next_lengths(logits, turned, slope, first)[:, :1] / first[:, :1])
    np.testing.assert_array_less(_next_lengths(logits, turned, slope, first)[:, 1:] / first[:, 1:], [[1.0]])
