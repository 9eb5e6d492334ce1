"""Growth in a weighted norm: the generalised eigenvalue problem that it is, and what vectors show."""

import numpy as np
import pytest
import scipy.linalg

from smfg_verify.assumptions.one_sided.growth import abscissas, fastest, frame_of, framed, growths, norms
from smfg_verify.exact.response_jacobian import tangent_basis


def case(size, seed):
    """Jacobians whose columns sum to zero, and a weight on the tangents."""
    rng = np.random.default_rng(seed)
    jacobians = rng.normal(size=(3, size, size))
    root = rng.normal(size=(size - 1, size - 1))
    return jacobians - jacobians.mean(axis=1, keepdims=True), root @ root.T + 0.1 * np.eye(size - 1)


@pytest.mark.parametrize("size", [2, 3, 6])
def test_growth_is_the_largest_generalised_eigenvalue(size):
    jacobians, weight = case(size, size)
    basis = tangent_basis(size)
    inner = [weight @ basis.T @ jacobian @ basis for jacobian in jacobians]
    expected = [scipy.linalg.eigh(0.5 * (matrix + matrix.T), weight, eigvals_only=True)[-1] for matrix in inner]
    np.testing.assert_allclose(growths(jacobians, frame_of(size, weight)), expected, rtol=1e-9)


def test_no_tangent_grows_faster_and_the_fastest_does_so():
    jacobians, weight = case(5, 0)
    frame, basis = frame_of(5, weight), tangent_basis(5)
    metric = basis @ weight @ basis.T
    quotient = lambda v: np.einsum("ik,ij,jk->k", v, metric @ jacobians[0], v) / np.einsum("ik,ij,jk->k", v, metric, v)  # noqa: E731
    growth = growths(jacobians, frame)[0]
    tangents = np.random.default_rng(1).normal(size=(5, 20000))
    assert np.max(quotient(tangents - tangents.mean(axis=0))) <= growth + 1e-10
    assert quotient(fastest(jacobians[0], frame)[:, None])[0] == pytest.approx(growth, rel=1e-10)


def test_real_parts_lie_below_every_growth_and_growth_below_the_norm():
    jacobians, _ = case(4, 2)
    for seed in range(5):
        frame = frame_of(4, case(4, seed)[1])
        assert np.all(abscissas(jacobians) <= growths(jacobians, frame) + 1e-10)
        assert np.all(growths(jacobians, frame) <= norms(jacobians, frame) + 1e-10)


def test_a_frame_and_its_way_back_are_inverse_and_a_jacobian_keeps_its_eigenvalues():
    jacobians, weight = case(4, 3)
    frame, plain = frame_of(4, weight), frame_of(4)
    np.testing.assert_allclose(frame.left @ frame.right, np.eye(3), atol=1e-12)
    found = (np.sort_complex(np.linalg.eigvals(framed(jacobians[0], each))) for each in (frame, plain))
    np.testing.assert_allclose(*found, rtol=1e-9)


@pytest.mark.parametrize("weight", [np.diag([1.0, -1.0]), np.full((2, 2), np.nan), np.array([[1.0, 0.5], [0.0, 1.0]])])
def test_what_is_no_norm_has_no_frame(weight):
    with pytest.raises(np.linalg.LinAlgError):
        frame_of(3, weight)


def test_what_is_no_number_stays_none():
    jacobians = np.stack([np.full((3, 3), np.nan), np.eye(3)])
    for found in (growths(jacobians, frame_of(3)), norms(jacobians, frame_of(3)), abscissas(jacobians)):
        np.testing.assert_array_equal(np.isnan(found), [True, False])
