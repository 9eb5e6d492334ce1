"""The population's laws on random chains, reducible and nearly so: balance, identities, and exact fractions."""

from fractions import Fraction

import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.exact.population import chain, discounted_occupancy, solve_linear, stationary_distribution
from tests.support.strategies import distributions, tables

LAW, OCCUPANCY, CHAIN = jax.jit(stationary_distribution), jax.jit(discounted_occupancy), jax.jit(chain)
SOLVE = jax.jit(solve_linear)
DISCOUNTS = st.floats(0.0, 0.999)


def recurrent_classes(transition):
    """Closed communicating classes of a chain, by reachability alone."""
    size = len(transition)
    reach = (transition > 0.0) | np.eye(size, dtype=bool)
    for _ in range(size):
        reach = reach @ reach
    closed = [frozenset(np.flatnonzero(reach[s])) for s in range(size) if np.all(reach[np.flatnonzero(reach[s]), s])]
    return set(closed)


def exact_law(transition, states):
    """Stationary law of an irreducible chain of the float entries off the diagonal, by elimination in fractions."""
    rates = {(i, j): Fraction(float(transition[i, j])) for i in states for j in states if i != j}
    left, done = list(states), []
    while len(left) > 1:
        gone = left.pop()
        leaving = sum(rates[gone, j] for j in left)
        done.append((gone, {i: rates[i, gone] / leaving for i in left}))
        for i in left:
            for j in left:
                if i != j:
                    rates[i, j] += rates[i, gone] * rates[gone, j] / leaving
    masses = {left[0]: Fraction(1)}
    for gone, entering in reversed(done):
        masses[gone] = sum(masses[i] * share for i, share in entering.items())
    total = sum(masses.values())
    return np.array([float(masses.get(s, Fraction(0)) / total) for s in range(len(transition))])


@given(distributions(5, 5))
def test_the_law_is_that_of_exact_fractions_where_there_is_one_and_none_where_there_are_several(transition):
    classes = recurrent_classes(transition)
    found = np.asarray(LAW(transition))
    if len(classes) > 1:
        assert np.all(np.isnan(found))
        return
    (states,) = classes
    np.testing.assert_allclose(found, exact_law(transition, sorted(states)), rtol=1e-13, atol=0.0)
    assert np.all(found[[s for s in range(5) if s not in states]] == 0.0)


@given(distributions(5, 5), st.permutations(range(5)))
def test_the_law_follows_a_renaming_of_the_states(transition, order):
    np.testing.assert_allclose(LAW(transition[np.ix_(order, order)]), LAW(transition)[np.array(order)], rtol=1e-13)


@given(distributions(5, 5), distributions(5), DISCOUNTS)
def test_the_occupancy_is_a_law_that_flows_into_itself_and_repeats_the_stationary_one(transition, initial, discount):
    occupancy = np.asarray(OCCUPANCY(transition, initial, discount))
    # Solutions of (I - gamma P) x = b lose 1 / (1 - gamma) of their digits at most.
    slack = 1e-14 / (1.0 - discount)
    assert np.all(occupancy >= -slack)
    np.testing.assert_allclose(occupancy.sum(), 1.0, atol=slack)
    flows = (1.0 - discount) * initial + discount * occupancy @ transition
    np.testing.assert_allclose(occupancy, flows, rtol=0.0, atol=slack)
    law = np.asarray(LAW(transition))
    if np.all(np.isfinite(law)):
        np.testing.assert_allclose(OCCUPANCY(transition, law, discount), law, atol=slack)


@given(distributions(4, 3), distributions(4, 3, 4), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_the_chain_of_a_policy_mixes_those_of_its_actions(policy, transition, actions):
    mixed = np.asarray(CHAIN(policy, transition))
    np.testing.assert_allclose(mixed.sum(axis=1), 1.0, atol=1e-14)
    low, high = transition.min(axis=1), transition.max(axis=1)
    assert np.all((low - 1e-15 <= mixed) & (mixed <= high + 1e-15))
    pure = np.eye(3)[actions]
    np.testing.assert_array_equal(CHAIN(pure, transition), transition[np.arange(4), actions])


@settings(max_examples=50)
@given(tables((4, 4), 1.0), tables((4,), 1.0))
def test_a_solved_system_is_solved_to_rounding(noise, right):
    """Diagonally dominant, so that its condition number is below 10."""
    matrix = 5.0 * np.eye(4) + noise
    found = np.asarray(SOLVE(matrix, right))
    np.testing.assert_allclose(matrix @ found, right, rtol=0.0, atol=4e-15)
