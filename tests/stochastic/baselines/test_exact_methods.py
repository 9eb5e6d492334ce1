"""The two methods that read the model."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact.gradient import stackelberg_gradient
from smfg_verify.exact.leader import optimise_leader
from smfg_verify.game import mean_field_shape, traced
from smfg_verify.stochastic import exact_ascent
from smfg_verify.stochastic.baselines.unrolled_adjoint import unrolled_answer
from tests.stochastic.games_for_runs import array_game


def test_the_objective_never_falls_and_ends_where_the_exact_ascent_of_the_leader_ends():
    game, start = games.load("laffer-tax"), np.array([[2.0, -2.0]])
    trace = exact_ascent(game, num_iterations=60, seeds=[0], initial={"leader_logits": start}, checkpoints=range(61))
    initial = np.asarray(game.initial_distribution)
    objective = trace.leader_critic[0, 1:] @ initial
    assert np.all(np.diff(objective) >= -1e-13 * np.max(objective))
    best = optimise_leader(game, start)
    np.testing.assert_allclose(objective[-1], float(best.gradient.objective), rtol=1e-11)

    # The first iteration finds the equilibrium, the second takes the first step.
    np.testing.assert_array_equal(trace.leader_logits[0, 1], start)
    for k in (1, 20, 60):
        found = stackelberg_gradient(game, trace.leader_logits[0, k])
        np.testing.assert_allclose(objective[k - 1], float(found.objective), rtol=1e-11)
        np.testing.assert_allclose(trace.mean_field[0, k], found.equilibrium.mean_field, atol=1e-11)
        policy = jnp.exp(trace.follower_logits[0, k])
        np.testing.assert_allclose(policy, found.equilibrium.follower_policy, atol=1e-9)
        if k < 60:
            step = trace.leader_logits[0, k + 1] - trace.leader_logits[0, k]
            np.testing.assert_allclose(step, (1.0 - float(game.discount)) * found.total, rtol=1e-7, atol=1e-13)
    assert float(found.policy_gap) < 1e-8


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
