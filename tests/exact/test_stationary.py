"""The stationary law and its derivatives against 60-digit arithmetic and closed forms, however slow the chain."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from mpmath import mp

from smfg_verify.exact.stationary import law_response, stationary_distribution

LAW = jax.jit(stationary_distribution)
SLOPE = jax.jit(lambda chain, change: jax.jvp(stationary_distribution, (chain,), (change,))[1])


def law_in_sixty_digits(chain, change, step):
    """Law of chain + step * change from its off-diagonal entries, by solving the balance equations."""
    n = len(chain)
    balance, right = mp.matrix(n, n), mp.matrix(n, 1)
    for i in range(n):
        for j in range(n):
            if i != j:
                rate = mp.mpf(float(chain[i, j])) + step * mp.mpf(float(change[i, j]))
                balance[j, i] += rate
                balance[i, i] -= rate
    for j in range(n):
        balance[n - 1, j] = 1
    right[n - 1] = 1
    return list(mp.lu_solve(balance, right))


def grouped_chain(rng, n):
    """Groups of states that are left at rates down to 1e-15, and a change that is large only within the groups."""
    group = rng.integers(0, 3, n)
    within = group[:, None] == group
    chain = rng.dirichlet(np.ones(n), n) * np.where(within, 1.0, 10.0 ** -rng.uniform(3.0, 15.0, (n, n)))
    return chain, rng.normal(size=(n, n)) * np.where(within, 1.0, chain)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_each_entry_and_the_derivative_are_right_whatever_the_rates(n):
    rng = np.random.default_rng(n)
    with mp.workdps(60):
        step = mp.mpf(10) ** -25
        for _ in range(10):
            chain, change = grouped_chain(rng, n)
            expected = np.array([float(x) for x in law_in_sixty_digits(chain, change, 0)])
            np.testing.assert_allclose(LAW(chain), expected, rtol=20 * n * np.finfo(float).eps)
            ahead, behind = (law_in_sixty_digits(chain, change, sign * step) for sign in (1, -1))
            slope = np.array([float((a - b) / (2 * step)) for a, b in zip(ahead, behind, strict=True)])
            error = np.max(np.abs(SLOPE(chain, change) - slope))
            assert error <= 1e-13 * np.max(np.abs(slope))
    assert mpmath.mp.dps < 60


def test_the_diagonal_is_not_read():
    chain = np.random.default_rng(0).dirichlet(np.ones(4), 4)
    np.testing.assert_array_equal(LAW(chain), LAW(chain + np.diag([5.0, -1.0, 0.3, np.pi])))


def test_transient_states_are_exactly_empty_and_several_classes_have_no_law():
    transient = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    np.testing.assert_array_equal(LAW(transient), [0.5, 0.5, 0.0])
    np.testing.assert_array_equal(LAW(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])), [0.0, 0.0, 1.0])
    assert np.all(np.isnan(LAW(np.eye(3))))
    assert np.all(np.isnan(LAW(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]]))))


def test_reverse_mode_and_the_second_derivative():
    rng = np.random.default_rng(1)
    chain, change = jnp.asarray(rng.dirichlet(np.ones(4), 4)), jnp.asarray(rng.normal(size=(4, 4)))
    weights = jnp.arange(4.0)
    reverse = jax.grad(lambda chain: stationary_distribution(chain) @ weights)(chain)
    assert jnp.sum(reverse * change) == pytest.approx(float(SLOPE(chain, change) @ weights), rel=1e-12)
    slope = lambda t: SLOPE(chain + t * change, change)  # noqa: E731
    second = jax.jacfwd(slope)(0.0)
    difference = (slope(1e-5) - slope(-1e-5)) / 2e-5
    np.testing.assert_allclose(second, difference, atol=1e-7 * float(jnp.max(jnp.abs(second))))


@pytest.mark.parametrize("n", [1, 2, 6])
def test_the_worth_of_flows_gives_every_derivative_of_a_weighted_law(n):
    rng = np.random.default_rng(n)
    chain, change = (jnp.asarray(part) for part in grouped_chain(rng, n))
    response, weights = law_response(chain), jnp.asarray(rng.normal(size=n))
    worth = response.worth(weights)
    np.testing.assert_array_equal(worth, -worth.T)
    found = jnp.sum(response.law[:, None] * change * worth)
    along = response.along(change)
    np.testing.assert_allclose(found, weights @ along, rtol=0.0, atol=1e-13 * float(jnp.sum(jnp.abs(weights * along))))
