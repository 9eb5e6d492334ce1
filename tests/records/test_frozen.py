"""Records that cannot be changed: the same numbers, read-only all the way down, and again after a copy or a pickle."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smfg_verify.records.frozen import FrozenMapping, frozen, thawed

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
ARRAYS = arrays.arrays(st.sampled_from([float, int, bool]), arrays.array_shapes(max_dims=2, max_side=3))
RECORDS = st.recursive(
    LEAVES | ARRAYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def assert_same(one, other):
    if isinstance(other, dict):
        assert dict(one).keys() == other.keys()
        for key, value in other.items():
            assert_same(one[key], value)
    elif isinstance(other, list):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            assert_same(first, second)
    else:
        np.testing.assert_array_equal(one, other)
        assert type(one) is type(other)


def assert_read_only(value):
    if isinstance(value, FrozenMapping):
        with pytest.raises(TypeError):
            value["new"] = 1
        with pytest.raises(AttributeError):
            value._items = {}
        for key in value:
            assert_read_only(value[key])
    elif isinstance(value, tuple):
        for entry in value:
            assert_read_only(entry)
    elif isinstance(value, np.ndarray):
        assert not value.flags.writeable
    else:
        assert not isinstance(value, dict | list)


@given(RECORDS)
def test_a_frozen_record_is_read_only_and_thaws_to_what_it_was(record):
    found = frozen(record)
    assert_read_only(found)
    assert_same(thawed(found), record)
    for again in (frozen(thawed(found)), frozen(found)):
        assert_read_only(again)
        assert_same(thawed(again), record)


@given(st.dictionaries(st.text(max_size=3), RECORDS, max_size=3))
def test_copies_and_pickles_stay_read_only(record):
    for again in (copy.deepcopy(frozen(record)), pickle.loads(pickle.dumps(frozen(record)))):
        assert_read_only(again)
        assert_same(thawed(again), record)


@given(ARRAYS)
def test_what_is_done_to_an_array_later_does_not_reach_the_record(array):
    found = frozen({"x": array})
    before = array.copy()
    array[...] = 1 - array if array.dtype != bool else ~array
    np.testing.assert_array_equal(found["x"], before)


@pytest.mark.parametrize("bad", [{1: 2}, object(), np.array(["a"]), {"x": {2.0: 1}}, 1j])
def test_what_no_record_holds_is_refused(bad):
    with pytest.raises(ValueError, match="record: got"):
        frozen(bad)
