"""One dialect for values: what goes in comes back with every bit, through strict JSON, and nothing else is built."""

import dataclasses
import enum
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smfg_verify.assumptions.report import AssumptionReport
from smfg_verify.bounds import BoundReport, PowerPlan, Residuals
from smfg_verify.bounds.drift.validate_drift import DriftReport
from smfg_verify.bounds.steps.sweep_record import Laboratory
from smfg_verify.cases.record import CaseRecord
from smfg_verify.comparison import Comparison
from smfg_verify.records.codec import decode, encode, kept, number, plain
from smfg_verify.records.documents import document, headed, line, parsed
from smfg_verify.records.frozen import FrozenMapping, frozen
from smfg_verify.records.status import NamedStatus

TYPES = ("bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
TYPES += ("float16", "float32", "float64", "complex64", "complex128")
# Words of the dialect are among the texts, so that none is taken for what it is not.
WORDS = ("NaN", "Infinity", "-Infinity")
TEXTS = st.text(max_size=6) | st.sampled_from([*WORDS, "$array", "$text", "$", "values", "null"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS


@kept
class ColourOfTheTests(NamedStatus, enum.IntEnum):
    DEEP_RED = 3
    BLUE = 4


@kept
class WordOfTheTests(enum.StrEnum):
    SAID = "what is said"


@kept
class PairOfTheTests(NamedTuple):
    left: Any
    right: Any


@kept
@dataclasses.dataclass(frozen=True, eq=False)
class RecordOfTheTests:
    number: float
    content: Any


class Stranger(NamedTuple):
    left: int


def any_array(types=TYPES):
    return st.sampled_from(types).flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, min_side=0)))


def containers(inner):
    keys = TEXTS | st.integers() | st.tuples(TEXTS, st.integers())
    return (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXTS, inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.builds(PairOfTheTests, inner, inner)
        | st.builds(RecordOfTheTests, st.floats(), inner)
    )


ENUMS = st.sampled_from([*ColourOfTheTests, *WordOfTheTests])
VALUES = st.recursive(SCALARS | ENUMS | any_array(), containers, max_leaves=8)
FROZEN = st.dictionaries(
    TEXTS,
    st.recursive(
        SCALARS | any_array(tuple(kind for kind in TYPES if "complex" not in kind)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


def through_json(value):
    return decode(parsed(document({"value": encode(value)}))["value"])


def assert_same(one, other):
    """Of one type throughout, with every bit of every number but the sign and payload of NaN."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
        for part in (np.real, np.imag) if one.dtype.kind in "fc" else ():
            left, right = part(one), part(other)
            np.testing.assert_array_equal(np.signbit(left)[~np.isnan(left)], np.signbit(right)[~np.isnan(right)])
    elif isinstance(one, Mapping):
        for left, right in zip(one.items(), other.items(), strict=True):
            assert_same(left, right)
    elif dataclasses.is_dataclass(one):
        assert_same(vars(one), vars(other))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, float):
        assert (one != one and other != other) or one.hex() == other.hex()
    else:
        assert one == other


@given(VALUES)
def test_every_value_comes_back_through_strict_json(value):
    assert_same(through_json(value), value)
    assert encode(through_json(value)) == encode(value)


@given(any_array())
def test_arrays_of_every_type_and_shape_come_back(array):
    assert_same(through_json(array), array)
    turned = array.T  # not contiguous
    assert_same(through_json(turned), np.array(turned))


@given(any_array(("bool", "int32", "int64", "uint64", "float32", "float64")))
def test_an_array_of_jax_comes_back_as_one_with_its_precision(array):
    with jax.enable_x64(True):
        value = jnp.asarray(array)
    with jax.enable_x64(False):  # as in a new process
        again = through_json(value)
    assert isinstance(again, jax.Array)
    assert_same(np.asarray(again), np.asarray(value))


@given(FROZEN)
def test_a_frozen_mapping_comes_back_frozen(record):
    again = through_json(frozen(record))
    assert isinstance(again, FrozenMapping)
    assert_same(again, frozen(record))


@given(VALUES)
def test_the_plain_form_is_strict_json_of_which_no_number_is_lost(value):
    written = parsed(document(headed("smfg-verify part", 1, {"value": plain(value)})))["value"]
    assert written == plain(value)


@given(st.floats() | st.integers(-(2**53), 2**53))
def test_a_number_is_read_as_it_was_written(value):
    assert_same(number(parsed(line(plain(value)))), float(value))
    assert_same(decode(plain(float(value))), float(value))


@given(
    SCALARS.filter(lambda value: isinstance(value, bool | str | None) and value not in ("NaN", "Infinity", "-Infinity"))
)
def test_what_is_no_number_is_refused_as_one(value):
    with pytest.raises(ValueError, match="expected a number"):
        number(value)


@given(TEXTS)
def test_an_unknown_class_is_refused(name):
    for tag in ("$record", "$enum"):
        with pytest.raises(ValueError, match="record: got unknown name"):
            decode({tag: name, "fields": {}, "name": "SAID"})
    for value in (Stranger(1), object(), Stranger, {1}, np.array(["text"]), np.longdouble(1.0)):
        with pytest.raises(TypeError, match="expected"):
            encode([name, value])


@given(st.sampled_from(ColourOfTheTests))
def test_a_status_names_itself_in_one_way(status):
    assert plain(status) == status.label == status.name.lower().replace("_", "-")
    assert type(status).labelled(status.label) is status
    with pytest.raises(ValueError, match=r"got 'green', expected one of: deep-red, blue\."):
        type(status).labelled("green")


def test_a_name_is_that_of_one_class():
    with pytest.raises(ValueError, match="got the name 'RecordOfTheTests'"):
        kept(type("RecordOfTheTests", (), {"__module__": "elsewhere"}))


def records_in(kind, found):
    """The records and enumerations that a declared type can hold, into `found`."""
    for inner in typing.get_args(kind):
        records_in(inner, found)
    of_ours = isinstance(kind, type) and kind.__module__.startswith("smfg_verify") and kind not in found
    if of_ours and (dataclasses.is_dataclass(kind) or issubclass(kind, enum.Enum) or hasattr(kind, "_fields")):
        found.add(kind)
        for declared in typing.get_type_hints(kind).values():
            records_in(declared, found)


def test_everything_that_a_part_of_a_job_can_hold_is_kept():
    found = set()
    for kind in (AssumptionReport, BoundReport, CaseRecord, Comparison, DriftReport, Laboratory, PowerPlan, Residuals):
        records_in(kind, found)
    assert len(found) > 25
    for kind in found:
        with pytest.raises(ValueError, match="it belongs to"):
            kept(type(kind.__name__, (), {"__module__": "elsewhere"}))  # were it not known, this would be
