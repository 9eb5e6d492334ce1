"""Weights or an obstruction, never both and never a claim that the matrix does not bear out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.bounds.drift.inequalities import RESIDUALS
from smfg_verify.bounds.drift.lyapunov import certify
from tests.support.strategies import tables

# Off the diagonal rates feed, on it they contract; many are exactly zero.
FEEDING = st.sampled_from([0.0, 0.0, 0.01, 0.3, 1.0])
RATES = st.lists(FEEDING, min_size=25, max_size=25).map(lambda entries: np.array(entries).reshape(5, 5))
CONTRACTION = tables((5,), 4.0, 0.0).map(lambda entries: np.round(entries, 2))


def matrix(feeding, contraction):
    rates = feeding.copy()
    rates[np.diag_indices(5)] = -contraction
    return rates


@given(RATES, CONTRACTION)
def test_what_is_certified_holds_for_the_matrix_as_it_is(feeding, contraction):
    rates = matrix(feeding, contraction)
    found = certify(rates)
    weights, obstruction = (np.array(list(part.values())) for part in (found.weights, found.obstruction))
    assert (weights.size > 0) == found.exists
    assert [weights.size > 0, obstruction.size > 0, found.reason != ""].count(True) == 1
    if found.exists:
        assert np.all(weights >= 0.0)
        assert weights.sum() == pytest.approx(1.0)
        assert np.max(weights @ rates) == pytest.approx(-found.margin)
        assert found.margin > 0.0
    elif obstruction.size:
        assert np.all(obstruction >= 0.0)
        assert obstruction.sum() == pytest.approx(1.0)
        assert np.all(rates @ obstruction >= -1e-8 * (np.abs(rates) @ obstruction))


@given(RATES, CONTRACTION, tables((5,), 8.0, -8.0), tables((5,), 8.0, -8.0), st.permutations(range(5)))
def test_units_of_residuals_and_of_lines_and_their_order_decide_nothing(feeding, contraction, lines, units, order):
    """Away from the border, where a matrix is stable or not by more than rounding."""
    rates = matrix(feeding, contraction)
    edge = np.max(np.linalg.eigvals(rates).real)
    if abs(edge) < 1e-3:
        return
    plain = certify(rates)
    assert plain.exists == (edge < 0.0)
    scaled = np.exp2(np.round(lines))[:, None] * rates * np.exp2(np.round(units))
    assert certify(scaled).exists == plain.exists
    assert certify(rates[np.ix_(order, order)]).exists == plain.exists
    assert set(plain.weights or plain.obstruction) == set(RESIDUALS)
