"""The nested loop and fictitious play: do the followers reach the equilibrium of a leader?"""

import collections

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.bounds.rates.tracking_residuals import tracking_residuals
from smfg_verify.exact import solve_equilibrium
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic import Schedule, fictitious_play, nested_loop
from smfg_verify.stochastic.baselines.fictitious_play import lattice
from smfg_verify.stochastic.updates import Iterate, exact_laws
from tests.helpers import oracle
from tests.stochastic.games_for_runs import array_game, interior_iterate

# An iterate of many runs whose first axis counts them; in an `Iterate` it is the last.
Point = collections.namedtuple("Point", tuple(Iterate.__dataclass_fields__))


@eqx.filter_jit
def follower_gaps(game, points):
    return jax.vmap(lambda point: tracking_residuals(game, point, 1e-16).e_theta)(points)


def optimality_gaps(game, trace, column=-1):
    """How much one follower could gain by a best response, for every seed at one checkpoint, (seeds,)."""
    points = {name: jnp.asarray(getattr(trace, name)[:, column]) for name in Iterate.__dataclass_fields__}
    return np.asarray(follower_gaps(game, Point(**points)))


def mean_field_errors(game, trace):
    """Squared distance of every seed's last mean field from the equilibrium of its last leader, (seeds,)."""
    exact = [solve_equilibrium(game, logits[-1]).mean_field for logits in trace.leader_logits]
    return np.array([np.sum((field[-1] - mu) ** 2) for field, mu in zip(trace.mean_field, exact, strict=True)])


def test_a_long_inner_loop_tracks_the_equilibrium_of_the_leader():
    _, game = array_game(2, gamma=0.5)
    arguments = {"num_iterations": 30, "seeds": range(4), "schedule": Schedule(leader=0.1), "checkpoints": 2}
    short, long = (nested_loop(game, inner_iterations=count, **arguments) for count in (1, 400))
    assert np.mean(optimality_gaps(game, long)) < 0.01 < 0.1 < np.mean(optimality_gaps(game, short))
    assert np.mean(mean_field_errors(game, long)) < 0.003 < 0.01 < np.mean(mean_field_errors(game, short))
    assert np.all(np.any(long.leader_logits[:, -1] != 0.0, axis=(1, 2)))


@pytest.mark.slow
def test_the_leader_step_is_the_mean_of_increments_at_one_policy():
    """Where only the leader learns: its mean increment is the direct part of the mean dynamics, less noisy in a batch.

    The chain's first state is drawn from the occupancy, so every state of it follows that law.
    """
    arrays, game = array_game(1, sizes=(3, 2, 2), gamma=0.7, observations=2)
    start = interior_iterate(arrays, 1)
    names = ("leader_logits", "follower_logits", "follower_critic", "leader_critic", "mean_field")
    h = oracle.mean_dynamics(arrays, *(start[name] for name in names))
    law = np.asarray(exact_laws(game, start["leader_logits"], start["follower_logits"], start["mean_field"])[0])
    chain = {"occupancy_state": np.random.default_rng(0).choice(3, 4000, p=law / law.sum())}

    def increments(samples):
        trace = nested_loop(
            game,
            num_iterations=1,
            seeds=range(4000),
            inner_iterations=1,
            leader_samples=samples,
            schedule=Schedule(leader=0.01, mean_field=0.0, follower=0.0, critic=0.0),
            initial={**start, **chain},
            checkpoints=[0, 1],
        )
        return (trace.leader_logits[:, 1] - start["leader_logits"]) / 0.01

    single, batch = increments(1), increments(16)
    for found in (single, batch):
        z = (found.mean(axis=0) - h.leader_logits) / (found.std(axis=0) / np.sqrt(len(found)))
        assert np.max(np.abs(z)) < 4.5
    assert np.all(batch.std(axis=0) < 0.6 * single.std(axis=0))


@pytest.mark.parametrize("support", ["states", pytest.param("state_actions", marks=pytest.mark.slow)])
def test_under_a_fixed_leader_the_population_ends_at_its_equilibrium(support):
    _, game = array_game(2, gamma=0.5, support=support)
    logits = np.random.default_rng(1).normal(size=(4, 2))
    arguments = {"num_iterations": 200, "seeds": range(8), "leader_weight": 0.0, "checkpoints": [0, 50]}
    trace = fictitious_play(game, initial={"leader_logits": logits}, **arguments)
    np.testing.assert_allclose(softmax_policy(trace.leader_logits[:, -1]), softmax_policy(np.stack([logits] * 8)))
    exact = solve_equilibrium(game, logits)
    early, late = (np.sum((trace.mean_field[:, k] - exact.mean_field) ** 2) / 8.0 for k in (1, 2))
    # From 50 to 200 iterations; how fast depends on the slope of the population's answer to itself.
    assert late < 0.5 * early
    assert late < 3e-3
    np.testing.assert_allclose(trace.follower_critic[:, -1].mean(axis=0), exact.follower_value, atol=0.1)
    # From 1.05 for uniform policies to 9e-4; from 0.48 to 7e-4 on state-action pairs.
    assert np.mean(optimality_gaps(game, trace)) < 0.005 < 0.4 < np.mean(optimality_gaps(game, trace, column=0))


def test_the_leader_answers_the_population_as_it_is():
    """No answer of the population to a tax enters, so the tax rises to its top: a Nash point, not the Laffer peak."""
    trace = fictitious_play(games.load("laffer-tax"), num_iterations=100, seeds=range(4), checkpoints=2)
    assert np.all(softmax_policy(trace.leader_logits[:, -1])[:, 0, 1] > 0.9)


def test_the_lattice_holds_every_mixture_once():
    for actions, parts, size in ((1, 5, 1), (2, 10, 11), (3, 4, 15), (4, 2, 10)):
        found = lattice(actions, parts)
        assert found.shape == (size, actions)
        assert len(np.unique(found, axis=0)) == size
        assert found.min() >= 0.0
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        np.testing.assert_allclose(found * parts, np.rint(found * parts), atol=1e-12)
