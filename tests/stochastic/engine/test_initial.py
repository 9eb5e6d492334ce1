"""Checkpoints and seeds as asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.stochastic.engine.initial import check_checkpoints, check_seeds


@given(st.integers(2, 60), st.integers(1, 10**7))
def test_a_count_of_checkpoints_begins_at_zero_ends_at_the_last_and_is_even_in_the_logarithm(count, last):
    found = check_checkpoints(count, last)
    assert (found[0], found[-1]) == (0, last)
    assert np.all(np.diff(found) > 0)
    assert len(found) <= count + 1
    # Steps of log k differ by roundings of k alone.
    inner = found[found >= 100]
    if len(inner) > 3 and count > 3:
        steps = np.diff(np.log(inner))
        assert np.max(steps) <= np.log(last) / (count - 2) + 0.02


@given(st.lists(st.integers(0, 500), max_size=12))
def test_iterations_that_are_listed_are_kept_in_order_with_the_last(listed):
    found = check_checkpoints(listed, 500)
    assert found.tolist() == sorted({*listed, 500})
    with pytest.raises(ValueError, match="checkpoints"):
        check_checkpoints([*listed, 501], 500)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=80, unique=True))
def test_seeds_are_kept_in_order_and_doubled_ones_are_refused(seeds):
    checked = check_seeds(seeds)
    assert checked.tolist() == seeds
    with pytest.raises(ValueError, match="more than once"):
        check_seeds([*seeds, seeds[0]])
