"""Tables of many runs side by side do in every lane what one run does alone, by plain indexing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.stochastic.engine import lanes

N, A = 4, 3
WIDTHS = st.sampled_from([1, 2])
SEEDS = st.integers(0, 10**6)


def drawn(lanes_wide, seed):
    """Tables (n, A, lanes) and (n, lanes), rows to put in them, and two indices a lane."""
    random = np.random.default_rng(seed)
    shapes = ((N, A, lanes_wide), (N, lanes_wide), (A, lanes_wide))
    return (*(random.normal(size=shape) for shape in shapes), random.integers(0, N, (2, lanes_wide)))


def scattered(change):
    def call(table, index, value):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lanes, "_MAX_MASKED_ROWS", 0)
            return change(table, index, value)

    return call


CHANGES = {
    False: (jax.jit(lanes.add_to_row), jax.jit(lanes.put_in_row)),
    True: (jax.jit(scattered(lanes.add_to_row)), jax.jit(scattered(lanes.put_in_row))),
}


@given(WIDTHS, SEEDS)
def test_rows_and_entries_are_those_of_each_chain_in_each_lane(width, seed):
    table, values, _, index = drawn(width, seed)
    found, entries = lanes.rows(jnp.asarray(table), index), lanes.entry(jnp.asarray(values), index)
    for chain in range(2):
        for lane in range(width):
            np.testing.assert_array_equal(found[:, chain, lane], table[index[chain, lane], :, lane])
            assert entries[chain, lane] == values[index[chain, lane], lane]
    np.testing.assert_array_equal(lanes.entry(jnp.asarray(values), index[0]), values[index[0], np.arange(width)])
    np.testing.assert_array_equal(lanes.one_hot(index[0], jnp.asarray(values)), np.eye(N)[index[0]].T)


@pytest.mark.parametrize("scatter", [False, True])
@given(WIDTHS, SEEDS)
def test_what_changes_a_row_leaves_all_others_whether_it_is_swept_or_scattered(scatter, width, seed):
    table, values, more, (index, _) = drawn(width, seed)
    add, put = CHANGES[scatter]
    added, replaced, alone, single = table.copy(), table.copy(), values.copy(), values.copy()
    for lane in range(width):
        added[index[lane], :, lane] += more[:, lane]
        replaced[index[lane], :, lane] = more[:, lane]
        alone[index[lane], lane] += more[0, lane]
        single[index[lane], lane] = more[0, lane]
    for found, expected in (
        (add(table, index, more), added),
        (put(table, index, more), replaced),
        (add(values, index, more[0]), alone),
        (put(values, index, more[0]), single),
    ):
        np.testing.assert_array_equal(found, expected)


@given(WIDTHS, SEEDS)
def test_a_function_over_lanes_meets_each_run_alone(width, seed):
    table, values, _, (index, _) = drawn(width, seed)
    found = lanes.over_lanes(lambda t, v, i: (t[i] * v[i], v.sum()))(table, values, index)
    for lane in range(width):
        row = table[index[lane], :, lane] * values[index[lane], lane]
        np.testing.assert_allclose(found[0][:, lane], row, rtol=1e-14)
        np.testing.assert_allclose(found[1][lane], values[:, lane].sum(), rtol=1e-13)
