"""Quartiles that count what has no number as the worst, which no seed can hide."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.comparison.quartiles import quartiles
from tests.support.strategies import tables

VALUES = tables((7, 3), 1e3)
LOST = st.lists(st.booleans(), min_size=7, max_size=7).map(np.array)


@given(VALUES, LOST, st.sampled_from([np.nan, np.inf, -np.inf]), st.permutations(range(7)))
def test_quartiles_are_values_that_shares_of_the_seeds_do_not_exceed(values, lost, what, order):
    spoilt = np.where(lost[:, None], what, values)
    for worst in (-np.inf, np.inf):
        found = quartiles(spoilt, worst)
        counted = np.where(lost[:, None], worst, values)
        for level, row in zip((0.25, 0.5, 0.75), found, strict=True):
            assert np.all(np.any(counted == row, axis=0))
            assert np.all(np.mean(counted <= row, axis=0) >= level)
            assert np.all(np.mean(counted < row, axis=0) < level)
        np.testing.assert_array_equal(quartiles(spoilt[order], worst), found)


@given(VALUES, LOST, LOST)
def test_another_seed_lost_never_improves_a_quartile(values, lost, more):
    """A larger value is better in one reading, a smaller one in the other, whatever the sign of the values."""
    few, many = (np.where(which[:, None], np.nan, values) for which in (lost, lost | more))
    assert np.all(quartiles(many, -np.inf) <= quartiles(few, -np.inf))
    assert np.all(quartiles(many, np.inf) >= quartiles(few, np.inf))
    np.testing.assert_array_equal(quartiles(-many, np.inf), -quartiles_from_above(many))


def quartiles_from_above(values):
    """Of a measure that is to be large, read from the other end: rows in falling order of level."""
    ordered = -np.sort(-np.where(np.isfinite(values), values, -np.inf), axis=0)
    return ordered[[1, 3, 5]]
