"""Entrywise bounds of a transition as a witness: those of the corners hold for an affine game, narrower ones do not."""

import numpy as np
import pytest

from smfg_verify.assumptions.constants.transition_interval import interval_of
from smfg_verify.exact.gradient.at_leaders import checked
from tests.exact.cases import pair


@pytest.fixture(scope="module")
def affine():
    """An affine game, and the smallest and largest of each probability at the corners of the simplex."""
    game, arrays, _ = pair(0)
    corners = np.stack([arrays.tables(corner)[0] for corner in np.eye(4)])
    return checked(game), {"lower": corners.min(axis=0), "upper": corners.max(axis=0)}


def test_an_affine_transition_stays_within_its_corners(affine):
    game, witness = affine
    lower, upper = interval_of(game, witness)
    np.testing.assert_array_equal(lower, witness["lower"])
    np.testing.assert_array_equal(upper, witness["upper"])


@pytest.mark.parametrize(("side", "inwards"), [("lower", 1e-6), ("upper", -1e-6)])
def test_a_bound_that_one_entry_leaves_is_refused(affine, side, inwards):
    game, witness = affine
    narrower = witness[side].copy()
    narrower[2, 1, 0, 3] += inwards
    with pytest.raises(ValueError, match="leaves the bounds of the witness; likely cause: the finding is about"):
        interval_of(game, {**witness, side: narrower})


def test_bounds_of_another_shape_are_refused(affine):
    game, witness = affine
    with pytest.raises(ValueError, match=r"got bounds of shape \(3, 3, 2, 4\), expected \(4, 3, 2, 4\)"):
        interval_of(game, {**witness, "lower": witness["lower"][:3], "upper": witness["upper"][:3]})
