"""Exact ascent: where it ends, and that it never falls."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact.gradient.stackelberg import stackelberg_gradient
from smfg_verify.exact.leader.optimise import optimise_leader
from smfg_verify.stochastic import exact_ascent


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
