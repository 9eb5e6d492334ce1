"""The rounding terms against exact fractions, and the limits of integer types."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.assumptions.enclosure.rules.arithmetic import (
    NoEnclosure,
    integer_limits,
    require_known_types,
    rounding,
)
from tests.support.strategies import tables

INTEGERS = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]


@given(tables((6,), 1e8), tables((6,), 1e8), st.permutations(range(6)))
def test_a_sum_of_products_in_any_order_is_as_near_as_its_rounding_term_says(first, second, order):
    exact = sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(first, second, strict=True))
    size = float(np.abs(first) @ np.abs(second))
    bound = Fraction(float(rounding(6, np.asarray(size))))
    total = 0.0
    for place in order:
        total += first[place] * second[place]
    for found in (total, float(first @ second), float(jnp.dot(first, second))):
        assert abs(Fraction(found) - exact) <= bound
    assert bound <= Fraction(size) * Fraction(1, 10**13) + Fraction(1, 10**200)


@pytest.mark.parametrize("kind", INTEGERS)
def test_limits_are_the_outermost_floats_that_are_numbers_of_the_type(kind):
    least, most = integer_limits(kind)
    info = np.iinfo(kind)
    assert info.min <= int(least)
    assert int(most) <= info.max
    assert int(np.nextafter(least, -np.inf)) < info.min or least - 1.0 < info.min
    assert int(np.nextafter(most, np.inf)) > info.max or most + 1.0 > info.max


@pytest.mark.parametrize("kind", [jnp.float32, jnp.bfloat16, jnp.complex128])
def test_other_precisions_have_no_rounding_term(kind):
    require_known_types("add", (np.dtype("float64"), np.dtype("int8"), np.dtype("bool")), {})
    with pytest.raises(NoEnclosure, match="add"):
        require_known_types("add", (np.dtype("float64"), np.dtype(kind)), {})
