"""The best-response map of mean fields against the oracle, and its derivatives against differences."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact.equilibrium.solve import solve_equilibrium
from smfg_verify.exact.response import mean_field_response, response_jacobian, setting_of
from smfg_verify.game import TabularGame, traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import SUPPORTS, SUPPORTS_ONE_QUICK, pair
from tests.helpers import oracle


def problem(support, seed=3):
    game, arrays, logits = pair(seed, sizes=(3, 2, 2), support=support)
    size = 3 if support == "states" else 6
    field = np.random.default_rng(seed).dirichlet(np.ones(size))
    return setting_of(traced(game), softmax_policy(jnp.asarray(logits))), arrays, logits, field


@SUPPORTS
def test_image_is_the_oracles(support):
    setting, arrays, logits, field = problem(support)
    phi = oracle.leader_rows(arrays, logits)
    policy = oracle.best_response(arrays, phi, field)[1]
    expected = np.ravel(oracle.population(arrays, phi, policy, field))
    np.testing.assert_allclose(mean_field_response(setting, jnp.asarray(field)), expected, atol=1e-12)


@SUPPORTS_ONE_QUICK
def test_equilibria_are_fixed_points(support):
    setting, _, logits, _ = problem(support)
    field = jnp.ravel(solve_equilibrium(setting.game, logits).mean_field)
    np.testing.assert_allclose(mean_field_response(setting, field), field, atol=1e-12)


@SUPPORTS_ONE_QUICK
@pytest.mark.parametrize("highest", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_derivatives_to_the_third_against_differences(support, highest):
    """Each derivative of the Jacobian along a tangent is the difference quotient of the one below it."""
    setting, _, _, field = problem(support)
    move = np.random.default_rng(0).normal(size=field.size)
    move = jnp.asarray(0.1 * (move - move.mean()))
    rungs = [lambda t: mean_field_response(setting, jnp.asarray(field) + t * move)]
    for _ in range(highest):
        rungs.append(jax.jit(jax.jacfwd(rungs[-1])))
    step = 1e-4
    for below, above in itertools.pairwise(rungs):
        difference = (below(step) - below(-step)) / (2.0 * step)
        np.testing.assert_allclose(above(0.0), difference, atol=1e-6 * max(1.0, float(jnp.max(jnp.abs(difference)))))


def test_jacobian_takes_tangents_to_tangents():
    setting, _, _, field = problem("states")
    matrix = response_jacobian(setting, jnp.asarray(field))
    columns = matrix - jnp.mean(matrix, axis=1, keepdims=True)
    np.testing.assert_allclose(jnp.sum(columns, axis=0), 0.0, atol=1e-12)


def test_several_recurrent_classes_give_no_number():
    stay = np.eye(2)[:, None, None, :]
    zero = np.zeros((2, 1, 1))
    game = TabularGame.from_arrays(
        kernel=stay, follower_rewards=zero, leader_rewards=zero, discount=0.9, temperature=1.0
    )
    image = mean_field_response(setting_of(traced(game), jnp.ones((2, 1))), jnp.array([0.5, 0.5]))
    assert not np.all(np.isfinite(image))
