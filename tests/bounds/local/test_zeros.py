"""Zeros of the mean dynamics: found again from beside them, and told from others by their Jacobian."""

import numpy as np

from smfg_verify.bounds.local.components import Components, flattened, movable_directions, unflattened
from smfg_verify.bounds.local.mean_dynamics import mean_dynamics
from smfg_verify.bounds.local.zeros import zero_near
from smfg_verify.game import traced
from tests.bounds.local.test_predicted_errors import GAMES, limit_of


def test_newton_comes_back_to_a_zero_along_movable_directions_and_keeps_what_no_update_moves():
    game, limit = GAMES["laffer-tax"], limit_of("laffer-tax").iterate
    basis = movable_directions(game)
    beside = 0.01 * basis @ np.random.default_rng(0).normal(size=basis.shape[1])
    found = zero_near(traced(game), unflattened(game, flattened(limit) + beside))
    np.testing.assert_allclose(flattened(found.iterate), flattened(limit), atol=1e-8)
    assert found.residual <= 1e-10
    assert found.steps > 0
    assert found.is_isolated(game)
    assert not found._replace(slope=np.zeros_like(found.slope)).is_isolated(game)


def test_without_a_step_residual_and_place_are_those_of_the_start():
    game, limit = GAMES["laffer-tax"], limit_of("laffer-tax").iterate
    start = Components(*limit)._replace(follower_critic=np.asarray(limit.follower_critic) + 0.3)
    found = zero_near(traced(game), start, max_steps=0)
    assert found.steps == 0
    np.testing.assert_allclose(flattened(found.iterate), flattened(start), atol=1e-15)
    np.testing.assert_allclose(found.residual, np.linalg.norm(flattened(mean_dynamics(game, start))), rtol=1e-10)
