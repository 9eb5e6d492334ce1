"""Plain records are read by the types that they declare."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from jaxtyping import Bool, Float, Int

from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, parsed
from smfg_verify.records.typed import structured
from tests.records.test_codec import SCALARS, TEXTS, ColourOfTheTests, WordOfTheTests, assert_same


@dataclasses.dataclass(frozen=True, eq=False)
class Typed:
    number: float
    count: int
    flag: bool
    text: str
    colour: ColourOfTheTests
    word: WordOfTheTests | None
    several: tuple[float, ...]
    two: tuple[int, float]
    named: dict[str, float]
    options: Mapping[str, Any]
    table: Float[np.ndarray, "A B"]
    steps: Int[np.ndarray, " A"]
    seen: Bool[np.ndarray, " A"]
    inner: "tuple[Typed, ...]"


def typed(inner):
    table = arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1))
    vector = arrays.array_shapes(min_dims=1, max_dims=1, min_side=0)
    return st.builds(
        Typed,
        number=st.floats(),
        count=st.integers(),
        flag=st.booleans(),
        text=TEXTS,
        colour=st.sampled_from(ColourOfTheTests),
        word=st.none() | st.sampled_from(WordOfTheTests),
        several=st.lists(st.floats(), max_size=3).map(tuple),
        two=st.tuples(st.integers(), st.floats()),
        named=st.dictionaries(st.text("ab", max_size=2), st.floats(), max_size=2),
        options=st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS, max_size=2), max_size=2),
        table=table,
        steps=arrays.arrays(np.int64, vector),
        seen=arrays.arrays(bool, vector),
        inner=inner,
    )


@given(typed(st.lists(typed(st.just(())), max_size=1).map(tuple)))
def test_a_plain_record_is_read_by_the_types_it_declares(record):
    written = parsed(document(plain(record)))
    assert_same(structured(Typed, written), record)


@given(typed(st.just(())), st.sampled_from([field.name for field in dataclasses.fields(Typed)]))
def test_a_plain_record_with_a_field_missing_unknown_or_of_another_type_is_refused(record, name):
    written = plain(record)
    without = {key: value for key, value in written.items() if key != name}
    for damaged in (without, {**written, "surplus": 1}, {**written, name: {"$odd": 1}}, {**written, name: object()}):
        with pytest.raises((ValueError, TypeError)):
            structured(Typed, damaged)
