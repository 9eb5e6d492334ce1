"""The noise of the updates against sums of simulated directions, and the directions it keeps to."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.bounds.local.components import Components, movable_directions, step_constants
from smfg_verify.bounds.local.update_noise import update_noise
from smfg_verify.game import TabularGame, traced
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.samples import num_uniforms
from smfg_verify.stochastic.schedules import StepSizes
from smfg_verify.stochastic.updates import update
from smfg_verify.stochastic.value_bounds import ValueBounds
from tests.bounds.local.test_predicted_errors import SLOW_LEADER
from tests.stochastic.games_for_runs import array_game, interior_iterate


@eqx.filter_jit
def summed_directions(game, x, sampling, key, blocks, length):
    """Sums of `length` successive update directions at a frozen iterate, chains moving on: (blocks * lanes, N)."""
    lanes, step = 2048, 1e-3
    steps = StepSizes(*(jnp.asarray(step) for _ in range(4)))
    wide = ValueBounds(*(jnp.asarray(bound) for bound in (-1e6, 1e6, -1e6, 1e6)))
    frozen = [jnp.repeat(jnp.asarray(part)[..., None], lanes, axis=-1) for part in x]

    def one(carry, key):
        states, total = carry
        before = Iterate(*frozen, *states)
        after = update(
            game, wide, steps, sampling, before, jax.random.uniform(key, (num_uniforms(game, sampling), lanes))
        )
        moved = [(getattr(after, name) - part) / step for name, part in zip(Components._fields, frozen, strict=True)]
        total = total + jnp.concatenate([part.reshape(-1, lanes) for part in moved])
        return (after.occupancy_state, after.population_state), total

    def block(states, key):
        start = (states, jnp.zeros((sum(np.size(part) for part in x), lanes)))
        (states, total), _ = jax.lax.scan(lambda c, k: ((one(c, k)), None), start, jax.random.split(key, length))
        return states, total

    first = (jnp.zeros(lanes, jnp.int32), jnp.zeros(lanes, jnp.int32))
    _, sums = jax.lax.scan(block, first, jax.random.split(key, blocks + 1))
    return jnp.moveaxis(sums[1:], 1, 2).reshape(blocks * lanes, -1)


def scores(sums, length, covariance):
    """Entries of the sampled covariance of the sums minus those predicted, in standard errors."""
    sampled = np.cov(np.asarray(sums).T) / length
    variances = np.diag(covariance)
    error = np.sqrt((np.outer(variances, variances) + covariance**2) / len(sums))
    return np.abs(sampled - covariance) / np.maximum(error, 1e-12)


def sticky_game(support):
    """A random game that stays where it is three times out of four, so that successive states are alike."""
    arrays, _ = array_game(3, (3, 2, 2), support=support, observations=2, tau_l=0.4, gamma=0.7)
    stay = np.eye(3)[:, None, None, :]
    kernel, slope = 0.75 * stay + 0.25 * arrays.kernel, 0.25 * arrays.kernel_mean_field
    arrays = dataclasses.replace(arrays, kernel=kernel, kernel_mean_field=slope)
    return arrays, TabularGame.from_arrays(**arrays.from_arrays_arguments())


@pytest.mark.parametrize(
    ("support", "sampling"),
    [
        ("state_actions", "markov"),
        pytest.param("states", "markov", marks=pytest.mark.slow),
        pytest.param("states", "iid", marks=pytest.mark.slow),
        pytest.param("state_actions", "iid", marks=pytest.mark.slow),
    ],
)
def test_the_covariance_is_that_of_sums_of_simulated_directions(support, sampling):
    """Away from limit points too, where successive directions of the learners are correlated as well."""
    arrays, game = sticky_game(support)
    game, x = traced(game), Components(**interior_iterate(arrays, 3))
    noise = update_noise(game, x, step_constants(game, SLOW_LEADER), sampling)
    length = 150 if sampling == "markov" else 50
    sums = summed_directions(game, x, sampling, jax.random.key(0), 2, length)
    assert np.max(scores(sums, length, noise.covariance)) < 5.0
    assert noise.poisson_residual < 1e-12
    if sampling == "markov":
        assert np.max(scores(sums, length, noise.one_step)) > 8.0, "the covariances over time are seen"
    else:
        np.testing.assert_array_equal(noise.covariance, noise.one_step)
        assert not noise.drift.any()


def test_the_noise_keeps_to_the_movable_directions_and_to_its_block():
    arrays, game = array_game(3, (3, 2, 2), support="state_actions", observations=2, tau_l=0.4, gamma=0.7)
    x, basis = Components(**interior_iterate(arrays, 3)), movable_directions(game)
    noise = update_noise(game, x, step_constants(game, SLOW_LEADER), "markov")
    np.testing.assert_allclose(basis @ (basis.T @ noise.covariance), noise.covariance, atol=1e-12)
    np.testing.assert_array_equal(noise.covariance[-6:, :-6], 0.0)
    assert np.min(np.linalg.eigvalsh(noise.covariance)) > -1e-12
    np.testing.assert_allclose(basis @ (basis.T @ noise.drift), noise.drift, atol=1e-12)
