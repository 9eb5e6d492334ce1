"""Weighted norms: between the spectral radius and the Euclidean norm, and never on a solver's word."""

import numpy as np
import pytest

from smfg_verify import conic
from smfg_verify.assumptions.contraction.weighted_norm import (
    LARGEST_SIZE,
    LYAPUNOV,
    find_weighted_norm,
    verified_modulus,
)


def triangular(size, radius, seed=0, above=1.0):
    """A non-normal matrix of known spectral radius and larger norm."""
    matrix = above * np.triu(np.random.default_rng(seed).normal(size=(size, size)), 1)
    return matrix + np.diag(np.linspace(-radius, 0.5 * radius, size))


def radius_of(matrix):
    return np.max(np.abs(np.linalg.eigvals(matrix)))


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_bisection_comes_close_to_the_spectral_radius(size):
    matrix = triangular(size, 0.8)
    found = find_weighted_norm(matrix[None])
    assert found.solved
    assert found.second_status == conic.SOLVED
    assert radius_of(matrix) - 1e-9 <= found.modulus <= 1.05 * radius_of(matrix)


def test_the_modulus_is_the_largest_stretch_of_vectors():
    matrix = triangular(4, 0.8)
    weight = find_weighted_norm(matrix[None]).weight
    length = lambda x: np.sqrt(np.einsum("ik,ij,jk->k", x, weight, x))  # noqa: E731
    vectors = np.random.default_rng(1).normal(size=(4, 20000))
    stretch = np.max(length(matrix @ vectors) / length(vectors))
    modulus = verified_modulus(matrix[None], weight)
    assert 0.97 * modulus <= stretch <= modulus + 1e-12


def test_one_norm_for_two_matrices_and_none_for_an_impossible_pair():
    """Both have radius 0, but their product has 9: no norm makes both contract by less than 3."""
    first, second = np.array([[0.0, 3.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 0.0]])
    assert find_weighted_norm(np.stack([first, second])).modulus == pytest.approx(3.0, rel=0.05)
    assert find_weighted_norm(np.stack([first, 0.5 * first])).modulus < 0.1


def test_many_rows_go_by_the_lyapunov_equation():
    matrix = triangular(LARGEST_SIZE + 4, 0.8, seed=3, above=0.1)
    assert np.linalg.norm(matrix, 2) > 1.1
    found = find_weighted_norm(matrix[None])
    assert found.statuses == (LYAPUNOV,)
    assert radius_of(matrix) <= found.modulus <= 1.06 * radius_of(matrix)


@pytest.mark.parametrize("weight", [np.diag([1.0, -1.0]), np.full((2, 2), np.nan), np.array([[1.0, 0.5], [0.0, 1.0]])])
def test_what_is_no_norm_verifies_nothing(weight):
    assert verified_modulus(np.zeros((1, 2, 2)), weight) == np.inf
