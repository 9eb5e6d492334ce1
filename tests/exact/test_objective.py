"""The leader's objective at arbitrary policies: a plain solve on the arrays, and its identities."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.exact.objective import leader_value, objective_at
from tests.exact.cases import pair
from tests.helpers import oracle
from tests.support.strategies import distributions

GAME, ARRAYS, _ = pair(0, tau_l=0.2)
VALUE = jax.jit(lambda *arguments: leader_value(GAME, *arguments))
OBJECTIVE = jax.jit(lambda *arguments: objective_at(GAME, *arguments))


def by_hand(leader, follower, field, bonus=0.0):
    """V_l by a dense solve in NumPy on the oracle's tables."""
    rows = leader[ARRAYS.observation]
    transition, _, reward = ARRAYS.tables(field)
    chain = np.einsum("sb,sa,sabt->st", rows, follower, transition)
    earned = np.einsum("sb,sa,sab->s", rows, follower, reward) + ARRAYS.leader_temperature * oracle.entropy(rows)
    return np.linalg.solve(np.eye(4) - ARRAYS.discount * chain, earned + bonus)


@settings(max_examples=50)
@given(distributions(4, 2), distributions(4, 3), distributions(4), st.floats(-3.0, 3.0))
def test_values_are_those_of_a_plain_solve_and_a_bonus_everywhere_is_worth_its_horizon(leader, follower, field, bonus):
    found = np.asarray(VALUE(leader, follower, field))
    np.testing.assert_allclose(found, by_hand(leader, follower, field), rtol=0.0, atol=1e-11)
    assert float(OBJECTIVE(leader, follower, field)) == pytest.approx(ARRAYS.initial_distribution @ found, abs=1e-12)
    raised = VALUE(leader, follower, field, np.full(4, bonus))
    np.testing.assert_allclose(raised, found + bonus / (1.0 - ARRAYS.discount), rtol=0.0, atol=1e-11)


@settings(max_examples=50)
@given(distributions(4, 2), distributions(4, 3), distributions(4), distributions(4, 3))
def test_the_difference_of_two_follower_policies_is_the_occupancy_s_average_of_advantages(leader, one, field, other):
    """Performance difference: (1 - gamma) (J(pi') - J(pi)) = sum_s d'(s) sum_a (pi' - pi)(a|s) Q(s, a)."""
    rows = leader[ARRAYS.observation]
    transition, _, reward = ARRAYS.tables(field)
    values = np.asarray(VALUE(leader, one, field))
    moved = np.einsum("sb,sabt->sat", rows, transition)
    action_values = np.einsum("sb,sab->sa", rows, reward) + ARRAYS.discount * moved @ values
    chain = np.einsum("sa,sat->st", other, moved)
    start = (1.0 - ARRAYS.discount) * ARRAYS.initial_distribution
    occupancy = np.linalg.solve(np.eye(4) - ARRAYS.discount * chain.T, start)
    gained = float(OBJECTIVE(leader, other, field) - OBJECTIVE(leader, one, field))
    expected = occupancy @ np.sum((other - one) * action_values, axis=1) / (1.0 - ARRAYS.discount)
    assert gained == pytest.approx(expected, abs=1e-10)
