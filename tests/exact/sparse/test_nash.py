"""Equilibria without entropy by sparse factors: against the dense side, a judge elsewhere, and closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.peers import chain
from benchmarks.peers.judge import judge
from benchmarks.peers.our_games import crowded_chain
from smfg_verify import solve_nash
from smfg_verify.exact import NashStatus
from smfg_verify.exact.sparse.equations.local_moves import local_problem
from smfg_verify.exact.sparse.nash import population_under
from smfg_verify.game import traced
from tests.support.local_games import Crossing, TwoSinks

ONE = np.zeros((2, 1))


@pytest.mark.parametrize("size", [7, pytest.param(20, marks=pytest.mark.slow)])
def test_is_the_dense_equilibrium_and_bounds_what_a_judge_finds(size):
    game = crowded_chain(size)
    dense, sparse = (solve_nash(game, ONE, method=method, exploitability=1e-8) for method in ("dense", "sparse"))
    np.testing.assert_allclose(sparse.mean_field, dense.mean_field, rtol=0, atol=1e-8)
    np.testing.assert_allclose(sparse.follower_value, dense.follower_value, rtol=1e-9)
    verdict = judge(chain.stated(size), np.asarray(sparse.follower_policy), np.asarray(sparse.mean_field))
    assert verdict.exploitability <= float(sparse.largest_regret) + 1e-12
    assert verdict.consistency <= float(sparse.consistency) + 1e-15


def test_a_thousand_states_against_the_judge():
    unit = chain.stated(1000).scale
    found = solve_nash(crowded_chain(1000), ONE, exploitability=1e-6 * unit, method="sparse")
    verdict = judge(chain.stated(1000), np.asarray(found.follower_policy), np.asarray(found.mean_field))
    assert verdict.exploitability <= float(found.largest_regret)
    assert float(found.exploitability) <= 1e-6 * unit
    assert int(found.steps) <= 12
    assert verdict.consistency < 1e-12


def test_moves_that_read_the_mean_field_make_the_population_of_a_policy():
    """It repeats itself under the policy, checked by rows of the dense chain."""
    game, policy = traced(Crossing()), np.tile([0.3, 0.7], (9, 1))
    local = local_problem(game, jnp.full((2, 2), 0.5))
    field, law = population_under(game, local, policy, np.full(18, 1 / 18))
    rows = np.zeros((9, 9))
    for state, action, lead in np.ndindex(9, 2, 2):
        chances = np.asarray(game.transition(state, action, lead, field.reshape(9, 2)))
        targets = np.asarray(game.successors(state, action, lead))
        np.add.at(rows[state], targets, 0.5 * policy[state, action] * chances)
    states = field.reshape(9, 2).sum(axis=1)
    np.testing.assert_allclose(field.reshape(9, 2), states[:, None] * policy, atol=1e-15)
    np.testing.assert_allclose(states @ rows, states, atol=1e-12)
    np.testing.assert_allclose(states, law.law, atol=1e-11)


def test_what_has_no_population_has_no_equilibrium():
    found = solve_nash(TwoSinks(), np.zeros((6, 1)), method="sparse", throw=False)
    assert int(found.status) == NashStatus.NOT_FOUND
    assert np.all(np.isnan(found.mean_field))
    assert np.isnan(found.exploitability)


def test_a_target_below_rounding_is_not_reached():
    found = solve_nash(crowded_chain(7), ONE, exploitability=1e-16, method="sparse", throw=False)
    assert int(found.status) == NashStatus.FLOOR
    assert float(found.exploitability) > 1e-16
    assert np.all(np.isnan(found.follower_policy))
