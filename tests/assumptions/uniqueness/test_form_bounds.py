"""Bounds of quadratic forms hold in rational arithmetic, on the kernel as it is, and are near what is attained."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from smfg_verify.assumptions.uniqueness.form_bounds import (
    equations_of,
    form_bound,
    range_bound,
    skew_bound,
    upper_eigenvalue,
    weakest,
)

SEEDS = range(6)


def exact(matrix):
    return sympy.Matrix(*matrix.shape, lambda i, j: sympy.Rational(*Fraction(float(matrix[i, j])).as_integer_ratio()))


def is_nonnegative(form):
    """Whether a symmetric rational form has no negative value, by elimination without a rounding."""
    form = form.copy()
    while form.rows:
        k = max(range(form.rows), key=lambda i: form[i, i])
        if form[k, k] < 0:
            return False
        if form[k, k] == 0:
            return all(entry == 0 for entry in form)
        column = form[:, k]
        form = form - column * column.T / form[k, k]
        form.row_del(k)
        form.col_del(k)
    return True


def drawn(seed, size=4):
    """A form, two equations of small integers, and a marginal, whose rows add up entries."""
    rng = np.random.default_rng(seed)
    equations = np.concatenate([np.ones((1, size)), rng.integers(-2, 3, size=(1, size))])
    return rng.normal(size=(size, size)), equations, np.kron(np.eye(size // 2), np.ones((1, 2)))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_eigenvalue_is_above_its_bound(seed):
    matrix = drawn(seed)[0]
    symmetric = 0.5 * (matrix + matrix.T)
    bound = upper_eigenvalue(symmetric)
    assert is_nonnegative(exact(bound * np.eye(4)) - exact(symmetric))
    assert bound <= np.linalg.eigvalsh(symmetric)[-1] + 1e-12
    assert not is_nonnegative(exact((bound - 1e-11) * np.eye(4)) - exact(symmetric))


def test_a_sharp_eigenvalue_of_a_large_multiple_is_not_undercut():
    """All entries one: the largest eigenvalue is the size, which rounding may miss from below."""
    for size in (3, 7, 12):
        assert 3.0 * size <= upper_eigenvalue(np.full((size, size), 3.0)) <= 3.0 * size * (1.0 + 1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_form_is_below_its_bound_on_the_whole_kernel(seed):
    form, equations, moved = drawn(seed)
    form -= 8.0 * moved.T @ moved * (seed % 2)
    found = form_bound(form, moved, equations_of(equations, 0.0))
    kernel = sympy.Matrix.hstack(*exact(equations).nullspace())
    strength, slack = (sympy.Rational(*Fraction(value).as_integer_ratio()) for value in found[:2])
    moves = exact(moved).T * exact(moved)
    symmetric = (exact(form) + exact(form).T) / 2
    assert is_nonnegative(kernel.T * (slack * sympy.eye(4) - strength * moves - symmetric) * kernel)


def test_what_the_marginal_decides_alone_has_its_strength_and_no_slack():
    _, _, moved = drawn(0)
    found = form_bound(-2.5 * moved.T @ moved, moved, equations_of(np.ones((1, 4)), 0.0))
    assert found.strength == pytest.approx(2.5, rel=1e-12)
    assert found.proves


def test_an_unknown_equation_leaks_into_the_slack():
    form, equations, moved = drawn(1)
    form = -moved.T @ moved * 3.0
    known, unsure = (form_bound(form, moved, equations_of(equations, error)) for error in (0.0, 1e-11))
    assert known.slack < 1e-11
    assert unsure.slack > 1e-10
    assert form_bound(form, moved, equations_of(equations, 1e-6)).slack == np.inf


@pytest.mark.parametrize("seed", SEEDS)
def test_a_range_is_bounded_at_each_of_its_matrices(seed):
    low, equations, _ = drawn(seed)
    high = low + np.abs(drawn(seed + 10)[0])
    bound = range_bound(low, high, equations_of(equations, 0.0))
    kernel = sympy.Matrix.hstack(*exact(equations).nullspace())
    for corner in (low, high, np.where(np.eye(4) > 0, high, low), np.where(np.eye(4) > 0, low, high)):
        form = exact(bound * np.eye(4)) - (exact(corner) + exact(corner).T) / 2
        assert is_nonnegative(kernel.T * form * kernel)
    assert range_bound(low, np.where(np.eye(4) > 0, np.inf, high), equations_of(equations, 0.0)) == np.inf


def test_skewness_counts_on_the_kernel_alone():
    """A skew part that the sum of entries hides: x^T (1 c^T - c 1^T) y is zero where x and y sum to zero."""
    weights = np.arange(4.0)
    hidden = np.outer(np.ones(4), weights) - np.outer(weights, np.ones(4))
    equations = equations_of(np.ones((1, 4)), 0.0)
    assert skew_bound(hidden, equations).proves
    shift = np.roll(np.eye(4), 1, axis=1)
    turned = np.linalg.norm(equations.kernel.T @ (shift - shift.T) @ equations.kernel, 2)
    found = skew_bound(hidden + shift, equations)
    assert found.largest >= turned > 1.0
    assert not found.proves


@pytest.mark.parametrize("positive", [1e-9, 1e-11])
def test_a_form_that_is_positive_by_more_than_rounding_is_not_taken_for_one(positive):
    _, _, moved = drawn(0)
    still = np.array([1.0, -1.0, 0.0, 0.0]) / np.sqrt(2.0)
    found = form_bound(positive * np.outer(still, still) - moved.T @ moved, moved, equations_of(np.ones((1, 4)), 0.0))
    assert not found.proves
    good = form_bound(-moved.T @ moved, moved, equations_of(np.ones((1, 4)), 0.0))
    assert good.proves
    assert not weakest([good, found]).proves


@pytest.mark.parametrize("size", [3, 5, 8])
def test_an_eigenvalue_of_zero_beside_large_ones_is_not_undercut(size):
    """-B^T B of integers with one row less than columns: the largest eigenvalue is zero without a rounding."""
    for seed in range(20):
        rows = np.random.default_rng(seed).integers(-99, 100, (size - 1, size)).astype(float)
        assert 0.0 <= upper_eigenvalue(-rows.T @ rows) <= 1e-11 * np.sum(rows**2)


@pytest.mark.parametrize("seed", SEEDS)
def test_eigenvectors_that_are_none_cost_width_and_no_truth(seed, monkeypatch):
    """Any orthonormal basis gives a bound: what it leaves beside the diagonal is in the discs."""
    rng = np.random.default_rng(seed)
    matrix = -np.diag(np.arange(4.0))
    basis = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    monkeypatch.setattr(np.linalg, "eigh", lambda _: (np.zeros(4), basis))
    assert upper_eigenvalue(matrix) >= 0.0


def test_equations_that_nearly_depend_on_others_give_no_kernel():
    """Two of three rows are told apart by 1e-12 alone: what solves the other two need not solve all."""
    rows = np.array(
        [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, -1.0, -1.0], [1.0, 1.0, -1.0, -1.0 + 1e-12], [2.0, 2.0, 0.0, 0.0]]
    )
    assert equations_of(rows, 0.0).kernel.shape[1] == 0
    assert equations_of(rows[[0, 1, 3]], 0.0).kernel.shape[1] == 2
