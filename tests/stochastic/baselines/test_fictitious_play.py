"""Fictitious play: do the followers reach the equilibrium of a leader, and does the leader answer them?"""

import collections

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify import games
from smfg_verify.bounds.rates.tracking_residuals import tracking_residuals
from smfg_verify.exact import solve_equilibrium
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic import fictitious_play
from smfg_verify.stochastic.baselines.fictitious_play import lattice
from smfg_verify.stochastic.iterate import Iterate
from tests.exact.cases import SUPPORTS_ONE_QUICK
from tests.stochastic.games_for_runs import array_game

# An iterate of many runs whose first axis counts them; in an `Iterate` it is the last.
Point = collections.namedtuple("Point", tuple(Iterate.__dataclass_fields__))


@eqx.filter_jit
def follower_gaps(game, points):
    return jax.vmap(lambda point: tracking_residuals(game, point, 1e-16).e_theta)(points)


def optimality_gaps(game, trace, column=-1):
    """How much one follower could gain by a best response, for every seed at one checkpoint, (seeds,)."""
    points = {name: jnp.asarray(getattr(trace, name)[:, column]) for name in Iterate.__dataclass_fields__}
    return np.asarray(follower_gaps(game, Point(**points)))


@SUPPORTS_ONE_QUICK
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
