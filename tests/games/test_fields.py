"""Which values a field takes: what its words say, and no others."""

import math
import re

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.games import LafferTax
from smfg_verify.games._fields import (
    Choice,
    Indices,
    Integer,
    Numbers,
    as_number,
    broadcast_number,
    check_integer,
    check_rows,
    is_size,
    uniform_unless_given,
)

GAME = LafferTax()
ENDS = st.floats(-10.0, 10.0)


def accepted(values, value) -> bool:
    """Whether the values take it; a refusal has to say what was got, what was expected and the likely cause."""
    try:
        values.check("field", value, GAME)
    except ValueError as error:
        return re.match(r"field: got .*expected .*likely cause: .", str(error)) is None
    return True


@given(
    ENDS, ENDS, st.booleans(), st.booleans(), ENDS | st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 3)
)
def test_a_number_is_taken_exactly_within_its_interval(low, high, low_open, high_open, drawn, at_end):
    value = {1: low, 2: high}.get(at_end, drawn)
    above = value > low if low_open else value >= low
    below = value < high if high_open else value <= high
    values = Numbers(low, high, low_open, high_open)
    assert accepted(values, as_number(value)) == (above and below and math.isfinite(value))


@given(st.integers(-3, 6) | st.booleans() | st.sampled_from([1.0, "1", None]))
def test_a_whole_number_is_no_boolean_and_below_the_size_it_names(value):
    whole = isinstance(value, int) and not isinstance(value, bool)
    assert accepted(Integer(0, below="num_states"), value) == (whole and 0 <= value < GAME.num_states)
    assert is_size(value) == (whole and value >= 1)
    assert accepted(Choice(("1", "2")), value) == (value == "1")


@given(st.lists(st.integers(-1, 2), max_size=3))
def test_indices_are_as_many_as_asked_for_and_each_in_range(entries):
    inside = all(0 <= entry < GAME.num_states for entry in entries)
    assert accepted(Indices("num_states"), tuple(entries)) == (inside and len(entries) > 0)
    assert accepted(Indices("num_states", "num_states"), tuple(entries)) == (inside and len(entries) == GAME.num_states)


def test_shapes_follow_the_game_and_laws_sum_to_one():
    law = Numbers(low=0.0, shape=("num_states",), sums_to_one=True)
    assert accepted(law, jnp.array([0.25, 0.75]))
    assert not accepted(law, jnp.array([0.25, 0.25]))
    assert not accepted(law, jnp.array([0.25, 0.25, 0.5]))
    assert not accepted(law, "0.5")
    np.testing.assert_array_equal(uniform_unless_given(None, 4), 0.25)
    np.testing.assert_array_equal(broadcast_number(3.0, 2), [3.0, 3.0])
    assert broadcast_number(True, 2) is True
    check_rows("rows", jnp.full((2, 4), 0.25))
    with pytest.raises(ValueError, match=r"rows: got rows that miss the sum one by up to 0\.5"):
        check_rows("rows", jnp.array([[0.5, 0.5], [1.0, 0.5]]))
    with pytest.raises(ValueError, match="count: got 7, expected an integer, at least 1, at most 6"):
        check_integer("count", 7, low=1, high=6)
