"""Structure of chains, decided on their graphs, against powers and eigenvalues."""

import numpy as np
import pytest

from smfg_verify.assumptions.ergodicity.worst_chains import dobrushin, never_mixing, recurrent_structure, second_modulus
from tests.assumptions.chain_games import walk


def cycle(n):
    return np.roll(np.eye(n), 1, axis=1)


def test_random_sparse_chains_never_mix_exactly_where_their_powers_do_not_settle():
    """One eigenvalue on the unit circle, and a single one, is the same as mixing."""
    rng = np.random.default_rng(0)
    mixing = []
    for n in (2, 3, 5):
        for _ in range(200):
            kernel = np.where(rng.uniform(size=(n, n)) < 0.3, rng.uniform(0.2, 1.0, (n, n)), 0.0)
            kernel[np.arange(n), rng.integers(n, size=n)] += 1.0
            kernel /= kernel.sum(axis=1, keepdims=True)
            on_circle = np.sum(np.abs(np.linalg.eigvals(kernel)) > 1.0 - 1e-6)
            never = never_mixing(kernel[None])[0]
            assert never == (on_circle > 1)
            classes, periods = recurrent_structure(kernel)
            assert never == (len(classes) > 1 or periods[0] > 1)
            assert on_circle == sum(periods)
            mixing.append(not never)
    assert 50 < sum(mixing) < 550


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_a_cycle_has_its_length_as_period(n):
    classes, periods = recurrent_structure(cycle(n))
    np.testing.assert_array_equal(classes, [np.arange(n)])
    assert periods == [n]
    assert never_mixing(cycle(n)[None])[0]
    assert not never_mixing(walk(n)[None])[0]


def test_slowest_primitive_graph_is_not_taken_for_periodic():
    """Wielandt's graph: a cycle with one chord; its powers fill up only after (n - 1)^2 + 1 steps."""
    n = 9
    kernel = cycle(n)
    kernel[-1, 1] = kernel[-1, 0] = 0.5
    assert not never_mixing(kernel[None])[0]
    assert np.any(np.linalg.matrix_power(kernel, (n - 1) ** 2) == 0.0)


def test_coefficients_and_moduli_of_two_state_chains():
    """P = [[1-p, p], [q, 1-q]]: both are |1 - p - q|, its power of m steps for m steps."""
    p, q = np.random.default_rng(1).uniform(size=(2, 20))
    kernels = np.stack([np.stack([1 - p, p], -1), np.stack([q, 1 - q], -1)], axis=1)
    np.testing.assert_allclose(second_modulus(kernels), np.abs(1 - p - q), atol=1e-12)
    np.testing.assert_allclose(dobrushin(kernels, 3), np.abs(1 - p - q) ** 3, atol=1e-12)
