"""Checkpoints and seeds as asked for, and lanes that give back what was put into them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.games import load
from smfg_verify.stochastic.engine.initial import (
    ITERATE_FIELDS,
    MEMORY_PREFIX,
    check_checkpoints,
    check_seeds,
    from_lanes,
    seed_groups,
    to_lanes,
)

GAME = load("laffer-tax")


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
def test_seeds_fill_groups_of_one_width_in_order_and_doubled_ones_are_refused(seeds):
    checked = check_seeds(seeds)
    assert checked.tolist() == seeds
    groups = seed_groups(checked)
    assert len({len(group) for group in groups}) == 1
    assert np.concatenate(groups)[: len(seeds)].tolist() == seeds
    with pytest.raises(ValueError, match="more than once"):
        check_seeds([*seeds, seeds[0]])


@settings(max_examples=10)
@given(st.integers(1, 70), st.integers(0, 10**6))
def test_what_goes_into_lanes_comes_out_for_any_number_of_seeds(number, seed):
    random = np.random.default_rng(seed)
    shapes = dict.fromkeys(ITERATE_FIELDS, (2,)) | {"leader_logits": (1, 2), "follower_logits": (2, 3)}
    shapes |= {f"{MEMORY_PREFIX}rounds": (3, 2)}
    values = {name: random.standard_normal((number, *shape)) for name, shape in shapes.items()}
    values |= {name: random.integers(0, 2, number) for name in ("occupancy_state", "population_state")}
    carries = to_lanes(values)
    again = from_lanes(carries, number)
    assert again.keys() == values.keys()
    for name, array in values.items():
        np.testing.assert_array_equal(again[name], array)
        assert carries[0].memory.keys() == {"rounds"}
