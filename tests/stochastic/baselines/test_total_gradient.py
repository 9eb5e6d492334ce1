"""The three methods that follow the total gradient, two of them by reading the model."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact.gradient.stackelberg import stackelberg_gradient
from smfg_verify.exact.leader.optimise import optimise_leader
from smfg_verify.game import mean_field_shape, traced
from smfg_verify.stochastic import Schedule, exact_ascent, total_derivative
from smfg_verify.stochastic.baselines.unrolled_adjoint import unrolled_answer
from tests.stochastic.games_for_runs import array_game


@pytest.mark.slow
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


STEP = 1e-3


def estimates(game, exact, logits, rounds, **options):
    """One estimate of the total gradient a seed, at the equilibrium of the logits."""
    equilibrium = exact.equilibrium
    trace = total_derivative(
        game,
        num_iterations=1,
        seeds=range(32),
        schedule=Schedule(leader=STEP, mean_field=STEP, follower=STEP, critic=STEP),
        model_rounds=rounds,
        initial={
            "leader_logits": logits,
            "follower_logits": np.log(equilibrium.follower_policy),
            "follower_critic": equilibrium.follower_value,
            "mean_field": equilibrium.mean_field,
        },
        **options,
    )
    return (trace.leader_logits[:, -1] - logits) / (STEP * (1.0 - float(game.discount)))


def cosines(found, exact):
    return np.sum(found * exact, axis=(1, 2)) / np.linalg.norm(found, axis=(1, 2)) / np.linalg.norm(exact)


def test_many_samples_give_the_total_gradient_where_the_direct_one_points_the_other_way():
    game, logits = games.load("laffer-tax"), np.array([[0.0, 1.0]])
    exact = stackelberg_gradient(game, logits)
    total = np.asarray(exact.total)
    found = estimates(game, exact, logits, rounds=400)
    assert np.sum(total * exact.direct) < 0.0
    assert cosines(found, total).min() > 0.99
    np.testing.assert_allclose(found.mean(axis=0), total, rtol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_in_many_dimensions_the_error_falls_with_samples_and_a_wide_spacing_does_not_hurt(support):
    _, game = array_game(6, sizes=(2, 2, 3), gamma=0.7, support=support)
    logits = np.random.default_rng(0).normal(size=(2, 3))
    exact = stackelberg_gradient(game, logits)
    total = np.asarray(exact.total)
    few, many, wide = (
        estimates(game, exact, logits, rounds, spacing=h) for rounds, h in ((20, 0.5), (500, 0.5), (500, 1.0))
    )
    assert cosines(many, total).min() > 0.99
    errors = [np.sqrt(np.mean(np.sum((found - total) ** 2, axis=(1, 2)))) for found in (few, many, wide)]
    # Noise falls as one over the square root of the samples, here 5; a wider spacing of an affine game only helps.
    assert 3.0 < errors[0] / errors[1] < 8.0
    assert errors[2] < 1.1 * errors[1]
