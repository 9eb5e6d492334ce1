"""The unrolled adjoint against the implicit gradient."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact.gradient.stackelberg import stackelberg_gradient
from smfg_verify.game import mean_field_shape, traced
from smfg_verify.stochastic.baselines.unrolled_adjoint import unrolled_answer
from tests.stochastic.games_for_runs import array_game

answer = eqx.filter_jit(unrolled_answer)


@pytest.mark.parametrize(
    "name",
    [
        "laffer-tax",
        pytest.param("states", marks=pytest.mark.slow),
        pytest.param("state_actions", marks=pytest.mark.slow),
    ],
)
def test_the_unrolled_adjoint_tends_to_the_implicit_gradient_as_sweeps_are_added(name):
    game = games.load(name) if name == "laffer-tax" else array_game(5, sizes=(2, 3, 2), gamma=0.6, support=name)[1]
    logits = np.array([[0.2, -0.1]]) if name == "laffer-tax" else np.random.default_rng(0).normal(size=(2, 2))
    exact = stackelberg_gradient(game, logits)
    total, at, game = np.asarray(exact.total), exact.equilibrium, traced(game)
    size = np.linalg.norm(total)
    errors = [
        np.linalg.norm(answer(game, jnp.asarray(logits), at.mean_field, at.follower_value, sweeps).gradient - total)
        for sweeps in (1, 4, 80)
    ]
    assert errors[0] > 1e-3 * size
    assert errors[1] < 0.5 * errors[0]
    assert errors[2] < 1e-9 * size

    shape = mean_field_shape(game)
    start = jnp.full(shape, 1.0 / np.prod(shape)), jnp.zeros(game.num_states)
    far = answer(game, jnp.asarray(logits), *start, 80)
    np.testing.assert_allclose(far.gradient, total, atol=1e-6 * size)
    np.testing.assert_allclose(far.mean_field, at.mean_field, atol=1e-8)
    np.testing.assert_allclose(far.follower_policy, at.follower_policy, atol=1e-8)
