"""Groups of runs hold every run once, in order, and give back what was put into their lanes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.games import load
from smfg_verify.stochastic.engine.groups import ITERATE_FIELDS, LANES, MEMORY_PREFIX, Groups, capacity, one_lane


@given(st.integers(1, 300), st.integers(1, 40), st.booleans())
def test_groups_hold_every_run_once_and_in_turn_they_are_even(number, most, in_turn):
    groups = Groups.of(number, most, in_turn=in_turn)
    assert sum(groups.sizes) == number
    assert min(groups.sizes) >= 1
    assert max(groups.sizes) <= most
    parts = groups.split(np.arange(number))
    assert {len(part) for part in parts} == {most}
    np.testing.assert_array_equal(groups.join(parts, 0), np.arange(number))
    if in_turn:
        assert max(groups.sizes) - min(groups.sizes) <= 1
    else:
        assert len(groups.sizes) == -(-number // most)


@settings(max_examples=10)
@given(st.integers(1, 70), st.integers(0, 10**6), st.booleans())
def test_what_goes_into_lanes_comes_out_for_any_number_of_seeds(number, seed, in_turn):
    random = np.random.default_rng(seed)
    shapes = dict.fromkeys(ITERATE_FIELDS, (2,)) | {"leader_logits": (1, 2), "follower_logits": (2, 3)}
    shapes |= {f"{MEMORY_PREFIX}rounds": (3, 2)}
    values = {name: random.standard_normal((number, *shape)) for name, shape in shapes.items()}
    values |= {name: random.integers(0, 2, number) for name in ("occupancy_state", "population_state")}
    groups = Groups.of(number, LANES, in_turn=in_turn)
    carries = groups.to_lanes(values)
    again = groups.from_lanes(carries)
    assert again.keys() == values.keys()
    for name, array in values.items():
        np.testing.assert_array_equal(again[name], array)
    assert carries[0].memory.keys() == {"rounds"}
    np.testing.assert_array_equal(one_lane(values).memory["rounds"][..., 0], values[f"{MEMORY_PREFIX}rounds"][0])


def test_the_lanes_of_a_group_are_a_function_of_the_game():
    assert capacity(load("market-entrance")) == LANES
    assert [capacity(load("congestion-pricing", side=side)) for side in (100, 300, 1000)] == [LANES, 5, 1]
