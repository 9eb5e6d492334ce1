"""Linear-quadratic game: the discretisation against quadrature, its moments, its order against the closed form."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from experiments.linear_quadratic_order import grid_errors, observed_orders
from smfg_verify.exact import solve_equilibrium, tabulate
from smfg_verify.games import LinearQuadratic

ODD = dict(num_states=6, num_follower_actions=4, half_width=1.5, max_action=2.0, drift=0.7, control=-1.3)


def uniform(game):
    return jnp.full(game.num_states, 1.0 / game.num_states)


@pytest.mark.parametrize("noise", [0.05, 0.4, 3.0])
def test_transition_is_linear_interpolation_averaged_over_the_noise(noise):
    game = LinearQuadratic(noise=noise, **ODD)
    grid, efforts = np.linspace(-1.5, 1.5, 6), np.linspace(-2.0, 2.0, 4)
    # Midpoints of equally likely pieces of the noise, then NumPy's own interpolation of each unit vector.
    draws = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    found = np.asarray(tabulate(game, uniform(game)).transition)
    for s, a in np.ndindex(6, 4):
        stopped = np.clip(0.7 * grid[s] - 1.3 * efforts[a] + noise * draws, -1.5, 1.5)
        expected = [np.interp(stopped, grid, unit).mean() for unit in np.eye(6)]
        np.testing.assert_allclose(found[s, a], [expected] * 2, atol=2e-5)


def test_moments_far_from_the_walls():
    """The mean is exact; sharing between neighbours adds h^2 / 6 to the variance."""
    game = LinearQuadratic(num_states=33, num_follower_actions=5, half_width=4.0, drift=0.3, noise=0.3)
    grid, efforts, h = np.linspace(-4.0, 4.0, 33), np.linspace(-0.5, 0.5, 5), 0.25
    rows = np.asarray(tabulate(game, uniform(game)).transition)[:, :, 0]
    mean = rows @ grid
    np.testing.assert_allclose(mean, 0.3 * grid[:, None] + efforts, atol=1e-12)
    # Aliasing of the interpolation with the noise, exp(-2 pi^2 sigma^2 / h^2).
    np.testing.assert_allclose(rows @ grid**2 - mean**2, 0.09 + h**2 / 6, atol=1e-12)


def test_rare_moves_to_either_side_have_all_their_digits():
    """A probability of 1e-30 below the drift is as accurate as its mirror image above it."""
    game = LinearQuadratic(num_states=21, noise=0.1, max_action=0.31)
    rows = np.asarray(tabulate(game, uniform(game)).transition)[:, :, 0]
    mirrored = rows[::-1, ::-1, ::-1]
    np.testing.assert_allclose(mirrored[rows > 1e-60], rows[rows > 1e-60], rtol=1e-9)
    assert np.sum((rows > 1e-60) & (rows < 1e-20)) > 100


@pytest.mark.parametrize("noise", [1e-3, 1e-7])
def test_little_noise_leaves_the_interpolation_of_the_drift(noise):
    game = LinearQuadratic(num_states=3, half_width=1.0, max_action=0.6, noise=noise)
    np.testing.assert_allclose(game.transition(1, 2, 0, uniform(game)), [0.0, 0.4, 0.6], atol=1e-12)
    np.testing.assert_allclose(game.transition(0, 0, 0, uniform(game)), [1.0, 0.0, 0.0], atol=noise)


def test_reward_values():
    game = LinearQuadratic(targets=(0.2, 0.8), goal=-0.4)
    mean_field = jnp.asarray([0.1, 0.2, 0.3, 0.4, 0.0])
    mean = -0.1 - 0.1 + 0.2
    follower = float(game.follower_reward(3, 0, 1, mean_field + 0.1 * (jnp.eye(5)[4] - jnp.eye(5)[0])))
    assert follower == pytest.approx(-0.5 * 0.3**2 - 0.5 * 0.5 * (mean + 0.2) - 0.5 * 0.25)
    assert float(game.leader_reward(1, 0, 1, mean_field)) == pytest.approx(-(0.1**2) - 0.1 * 0.64)


def test_reflection_is_a_symmetry():
    """Turning the line and the targets round turns the equilibrium round."""
    logits, options = np.array([[0.3, -0.4]]), dict(num_states=6, half_width=1.5)
    ours = solve_equilibrium(LinearQuadratic(targets=(0.1, 0.9), **options), logits)
    theirs = solve_equilibrium(LinearQuadratic(targets=(-0.1, -0.9), **options), logits)
    np.testing.assert_allclose(theirs.mean_field[::-1], ours.mean_field, atol=1e-12)
    np.testing.assert_allclose(theirs.follower_policy[::-1, ::-1], ours.follower_policy, atol=1e-12)
    assert abs(ours.mean_field[0] - ours.mean_field[-1]) > 0.05


@pytest.mark.slow
def test_grids_meet_the_closed_form_with_order_two():
    """A first-order scheme would halve its errors here; these are the h^2 / 6 of the variance and nothing else."""
    coarse, floor = grid_errors(13)
    fine, fine_floor = grid_errors(25)
    assert coarse.spacing == pytest.approx(2.0 * fine.spacing)
    np.testing.assert_allclose(observed_orders(coarse, fine), 2.0, atol=2e-3)
    assert max(fine_floor.variance, fine_floor.policy, *fine_floor.value, fine.mean) < 1e-11
    # At h = 2 sigma aliasing still shows: exp(-2 pi^2 / 4) = 0.007 of the h^2 / 6.
    assert 1e-8 < max(floor.policy, *floor.value) < 1e-3


@pytest.mark.slow
def test_order_two_holds_on_finer_grids():
    errors = [grid_errors(resolution)[0] for resolution in (25, 49, 97)]
    for coarse, fine in itertools.pairwise(errors):
        np.testing.assert_allclose(observed_orders(coarse, fine), 2.0, atol=1e-6)
