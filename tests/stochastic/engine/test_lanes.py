"""Tables of many runs side by side do in every lane what one run does alone, by plain indexing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.stochastic.engine import lanes
from tests.support.strategies import tables

N, A, LANES = 4, 3, 2
TABLES, VALUES = tables((N, A, LANES), 10.0), tables((N, LANES), 10.0)
INDICES = st.lists(st.integers(0, N - 1), min_size=LANES, max_size=LANES).map(np.array)
ADDED = jax.jit(lanes.add_to_row)


def scattered(table, index, value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "_MAX_MASKED_ROWS", 0)
        return lanes.add_to_row(table, index, value)


SCATTERED = jax.jit(scattered)


@given(TABLES, VALUES, INDICES, INDICES)
def test_rows_and_entries_are_those_of_each_chain_in_each_lane(table, values, first, second):
    index = np.stack([first, second])
    found, entries = lanes.rows(jnp.asarray(table), index), lanes.entry(jnp.asarray(values), index)
    for chain in range(2):
        for lane in range(LANES):
            np.testing.assert_array_equal(found[:, chain, lane], table[index[chain, lane], :, lane])
            assert entries[chain, lane] == values[index[chain, lane], lane]
    np.testing.assert_array_equal(lanes.entry(jnp.asarray(values), first), values[first, np.arange(LANES)])
    np.testing.assert_array_equal(lanes.one_hot(first, jnp.asarray(values)), np.eye(N)[first].T)


@given(TABLES, VALUES, INDICES, tables((A, LANES), 10.0), st.sampled_from([ADDED, SCATTERED]))
def test_what_is_added_to_a_row_leaves_all_others_whether_it_is_swept_or_scattered(table, values, index, more, add):
    found, single = add(table, index, more), add(values, index, more[0])
    expected, alone = table.copy(), values.copy()
    for lane in range(LANES):
        expected[index[lane], :, lane] += more[:, lane]
        alone[index[lane], lane] += more[0, lane]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(single, alone)
