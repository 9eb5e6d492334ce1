"""Softmax, entropy and distributions: what holds for every table of logits, up to roundings that are named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.policies import checked_distribution, entropy, observed_rows, softmax_policy
from tests.support.strategies import distributions, tables

SOFTMAX, ENTROPY = jax.jit(softmax_policy), jax.jit(entropy)


@given(tables((3, 4), 700.0), st.floats(-1e4, 1e4))
def test_softmax_is_a_distribution_that_a_shift_of_a_row_does_not_change(logits, shift):
    policy = np.asarray(SOFTMAX(logits))
    assert np.all(policy >= 0.0)
    np.testing.assert_allclose(policy.sum(axis=1), 1.0, rtol=0.0, atol=4e-16 * 4)
    np.testing.assert_allclose(policy, scipy.special.softmax(logits, axis=1), rtol=1e-12, atol=1e-300)
    # The shifted logits are rounded by up to 1e4 * 2^-53, and so is the logarithm of the policy.
    shifted = logits + shift * np.array([[1.0], [0.0], [-1.0]])
    np.testing.assert_allclose(SOFTMAX(shifted), policy, rtol=1e-11, atol=1e-300)


@given(tables((3, 4), 700.0), st.permutations(range(4)))
def test_softmax_keeps_the_order_of_logits_and_follows_a_renaming_of_actions(logits, order):
    policy = np.asarray(SOFTMAX(logits))
    larger = logits[:, :, None] > logits[:, None, :]
    assert np.all((policy[:, :, None] >= policy[:, None, :])[larger])
    np.testing.assert_allclose(SOFTMAX(logits[:, order]), policy[:, order], rtol=1e-14, atol=1e-300)


@given(tables((3, 4), 700.0), st.permutations(range(4)))
def test_entropy_is_shannons_between_nothing_and_the_uniform_whatever_the_actions_are_called(logits, order):
    policy = np.asarray(SOFTMAX(logits))
    found = np.asarray(ENTROPY(policy))
    np.testing.assert_allclose(found, scipy.stats.entropy(policy, axis=1), rtol=1e-12, atol=1e-13)
    assert np.all(found >= -1e-15)
    assert np.all(found <= np.log(4.0) + 1e-14)
    np.testing.assert_allclose(ENTROPY(policy[:, order]), found, rtol=1e-13, atol=1e-15)


@given(tables((3, 2), 5.0), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_every_state_has_the_row_of_its_observation(table, observation):
    spread = observed_rows(jnp.asarray(table), tuple(observation))
    for row, seen in zip(np.asarray(spread), observation, strict=True):
        np.testing.assert_array_equal(row, table[seen])


@given(distributions(4), st.integers(0, 3), st.floats(2e-6, 10.0))
def test_a_distribution_is_handed_back_as_it_is_and_one_with_mass_added_or_taken_is_refused(masses, place, change):
    np.testing.assert_array_equal(checked_distribution("rho", masses, (4,), "a law"), masses)
    for sign in (1.0, -1.0):
        spoilt = masses.copy()
        spoilt[place] += sign * change
        with pytest.raises(ValueError, match="rho: got minimum"):
            checked_distribution("rho", spoilt, (4,), "a law")
    np.testing.assert_array_equal(checked_distribution("phi", masses[None], (1, 4), "a table", rows=True), masses[None])


def test_rows_of_a_table_are_distributions_each_and_not_together():
    halves = np.full((2, 2), 0.25)
    assert checked_distribution("mu", halves, (2, 2), "a mean field").shape == (2, 2)
    with pytest.raises(ValueError, match="in every row"):
        checked_distribution("phi", halves, (2, 2), "a policy", rows=True)
