"""The linear-quadratic game on the line: the grid's rewards and law of the first state, and moments of a move."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.games import LafferTax, LinearQuadratic
from smfg_verify.games.continuous_linear_quadratic import ContinuousLinearQuadratic

LAW = np.array([0.1, 0.3, 0.25, 0.2, 0.15])
GRID = LinearQuadratic(drift=0.7, control=-1.3, targets=(-0.2, 0.6, 0.9), goal=-0.4, initial_distribution=LAW)
GAME = ContinuousLinearQuadratic(GRID)


def test_rewards_are_those_of_the_grid_at_its_points():
    mean_field = jnp.asarray([0.3, 0.1, 0.2, 0.1, 0.3])
    crowd = mean_field @ GRID.positions
    for s, a, b in np.ndindex(5, 3, 3):
        position, action = GRID.positions[s], GRID.efforts[a]
        expected = GRID.follower_reward(s, a, b, mean_field), GRID.leader_reward(s, a, b, mean_field)
        found = GAME.follower_reward(position, action, b, crowd), GAME.leader_reward(position, b)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_rewards_between_the_points():
    follower = GAME.follower_reward(0.33, -1.7, jnp.asarray(1), jnp.asarray(0.2))
    assert float(follower) == pytest.approx(-0.5 * 0.27**2 - 0.5 * 0.33 * 0.2 - 0.5 * 1.7**2)
    assert float(GAME.leader_reward(0.33, jnp.asarray(2))) == pytest.approx(-(0.73**2) - 0.1 * 0.81)


def test_a_move_is_affine_with_the_noise_of_the_game_and_has_no_walls():
    noise = jax.random.normal(jax.random.key(0), (200_000,))
    moved = np.asarray(GAME.next_position(jnp.full(200_000, 30.0), jnp.full(200_000, 2.0), noise))
    assert moved.mean() == pytest.approx(0.7 * 30.0 - 1.3 * 2.0, abs=4 * 0.4 / np.sqrt(200_000))
    assert moved.std() == pytest.approx(0.4, rel=0.01)


def test_first_positions_follow_the_law_of_the_grid():
    uniforms = (np.arange(2000) + 0.5) / 2000
    found = np.asarray(GAME.first_position(jnp.asarray(uniforms)))
    shares = [(found == position).mean() for position in np.linspace(-1.0, 1.0, 5)]
    np.testing.assert_allclose(shares, LAW, atol=1e-3)
    assert float(GAME.first_position(jnp.asarray(1.0))) == 1.0


@pytest.mark.wrong_types
def test_refusals():
    with pytest.raises(ValueError, match="got LafferTax"):
        ContinuousLinearQuadratic(LafferTax())
    with pytest.raises(ValueError, match="2 observations"):
        ContinuousLinearQuadratic(LinearQuadratic(observation=(0, 0, 1, 1, 1)))
