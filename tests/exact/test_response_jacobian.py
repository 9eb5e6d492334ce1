"""Norms and spectra on the tangents of the simplex: their definitions, and what renaming the entries leaves alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.exact.response_jacobian import (
    on_tangents,
    scheme_ratio,
    steepest_pair,
    tangent_basis,
    tangent_norms,
    tangent_radius,
    tangent_spectrum,
)
from tests.support.strategies import tables

JACOBIANS = tables((4, 4), 5.0)


def tangential(matrix):
    """A Jacobian that takes tangents to tangents: columns that sum to zero."""
    return matrix - matrix.mean(axis=0)


@given(st.integers(1, 12))
def test_the_basis_is_orthonormal_and_sums_to_zero(size):
    basis = tangent_basis(size)
    assert basis.shape == (size, size - 1)
    np.testing.assert_allclose(basis.T @ basis, np.eye(size - 1), atol=1e-14)
    np.testing.assert_allclose(basis.sum(axis=0), 0.0, atol=1e-14)


@given(JACOBIANS, tables((4,), 1.0), st.permutations(range(4)))
def test_the_tangent_norm_bounds_every_tangent_and_is_attained_by_its_pair(jacobian, direction, order):
    norm, first, second = steepest_pair(jacobian)
    tangent = direction - direction.mean()
    slack = 1e-12
    assert np.abs(jacobian @ tangent).sum() <= norm * np.abs(tangent).sum() + slack
    edge = np.eye(4)[first] - np.eye(4)[second]
    assert np.abs(jacobian @ edge).sum() == pytest.approx(2.0 * norm, abs=slack)
    # What is added to all entries of a row moves no tangent.
    again = tangent_norms(np.stack([jacobian + 3.0 * np.arange(4.0)[:, None], jacobian[np.ix_(order, order)]]))
    np.testing.assert_allclose(again, norm, atol=slack)


@given(JACOBIANS.map(tangential), st.permutations(range(4)))
def test_the_spectrum_is_the_matrix_s_own_but_for_one_zero_whatever_the_entries_are_called(jacobian, order):
    powers = np.arange(1, 4)
    # Traces of powers are symmetric functions of the eigenvalues, and well conditioned where eigenvalues are not.
    traces = [np.trace(np.linalg.matrix_power(jacobian, power)) for power in powers]
    spectrum = tangent_spectrum(jacobian)
    assert len(spectrum) == 3
    scale = (1.0 + np.abs(jacobian).sum()) ** powers
    np.testing.assert_allclose([np.sum(spectrum**power) for power in powers] / scale, traces / scale, atol=1e-11)
    assert tangent_radius(jacobian) <= np.linalg.norm(on_tangents(jacobian), 2) + 1e-9
    assert tangent_radius(jacobian) <= steepest_pair(jacobian)[0] + 1e-9
    again = tangent_spectrum(jacobian[np.ix_(order, order)])
    np.testing.assert_allclose([np.sum(again**power) for power in powers] / scale, traces / scale, atol=1e-11)


@given(JACOBIANS.map(tangential), st.floats(-0.9, 0.9))
def test_the_scheme_s_ratio_is_the_radius_where_nothing_is_frozen_and_that_of_a_shift_otherwise(matrix, share):
    """With A = c I on tangents the ratio is that of (D - c I) / (1 - c)."""
    nothing = np.zeros((4, 4))
    assert scheme_ratio(matrix, nothing) == pytest.approx(tangent_radius(matrix), rel=1e-9, abs=1e-9)
    frozen = tangential(share * np.eye(4))
    expected = np.max(np.abs(tangent_spectrum(matrix) - share)) / (1.0 - share)
    assert scheme_ratio(matrix, frozen) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_what_is_not_finite_stays_unknown():
    lost = np.full((3, 3), np.nan)
    assert np.isnan([steepest_pair(lost)[0], tangent_radius(lost), scheme_ratio(lost, np.eye(3))]).all()
    assert scheme_ratio(2.0 * np.eye(3), np.eye(3)) > 1e12
