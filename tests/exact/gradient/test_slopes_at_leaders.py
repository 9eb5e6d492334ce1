"""Slopes of weighted gradients at many leaders, against differences of the gradients themselves."""

import numpy as np

from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.exact.gradient.slopes_at_leaders import gradient_slopes, held_field_slopes
from smfg_verify.games import load


def weighed(points, name, weights):
    return np.sum(getattr(points, name) * weights, axis=(1, 2))


def test_slopes_of_all_three_gradients_are_those_of_differences_leader_by_leader():
    game, rng = checked(load("laffer-tax")), np.random.default_rng(0)
    leaders, move, total, direct = rng.normal(size=(4, 3, 1, 2))
    step = 1e-5
    here, ahead, behind = (evaluate_leaders(game, leaders + t * move) for t in (0.0, step, -step))
    found = {
        "total": gradient_slopes(game, here, total),
        "direct": gradient_slopes(game, here, total, direct) - gradient_slopes(game, here, total),
        "held": held_field_slopes(game, here, direct),
    }
    for name, weights in {"total": total, "direct": direct, "held": direct}.items():
        expected = (weighed(ahead, name, weights) - weighed(behind, name, weights)) / (2.0 * step)
        np.testing.assert_allclose(np.sum(found[name] * move, axis=(1, 2)), expected, rtol=1e-6, err_msg=name)
    # The Hessian is symmetric: u . H v = v . H u.
    crossed = np.sum(gradient_slopes(game, here, move) * total, axis=(1, 2))
    np.testing.assert_allclose(np.sum(found["total"] * move, axis=(1, 2)), crossed, rtol=1e-9)
