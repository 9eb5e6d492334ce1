"""Integers within the limits of their type, against the machine's own wrapping."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.assumptions.enclosure.affine_forms import Scope, between
from smfg_verify.assumptions.enclosure.domain import Domain
from smfg_verify.assumptions.enclosure.rules.integers import converted, wrapped
from smfg_verify.assumptions.enclosure.values import Enclosed

KINDS = [np.dtype(kind) for kind in ("int8", "uint8", "int16", "int32", "uint32", "int64")]


def enclosed(ends):
    scope = Scope(Domain(jnp.zeros(1), jnp.ones(1), False))
    return Enclosed(between(scope, (ends[0], ends[1])), None)


WRAPPED = {kind: jax.jit(lambda ends, kind=kind: wrapped(enclosed(ends), kind).value.range) for kind in KINDS}
TO_INTEGER = jax.jit(lambda ends: converted(enclosed(ends), jnp.dtype("float64"), jnp.dtype("int32")).value.range)
TO_FLOAT = jax.jit(lambda ends: converted(enclosed(ends), jnp.dtype("int64"), jnp.dtype("float64")).value.range)


@given(st.sampled_from(KINDS), st.lists(st.integers(-(2**34), 2**34), min_size=2, max_size=2).map(sorted), st.data())
def test_what_the_machine_s_integers_come_to_lies_in_the_range(kind, ends, data):
    """A whole number of the interval as the machine stores it: wrapped around where the type is too small."""
    low, high = (float(end) for end in WRAPPED[kind](np.array(ends, dtype=float)))
    exact = data.draw(st.integers(*ends))
    info = np.iinfo(kind)
    stored = (exact - int(info.min)) % 2 ** (8 * kind.itemsize) + int(info.min)
    assert low <= stored <= high
    if info.min <= ends[0] <= ends[1] <= info.max:
        assert (low, high) == tuple(ends)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2).map(sorted), st.floats(0.0, 1.0))
def test_a_conversion_to_integers_goes_towards_zero(ends, share):
    point = min(max(ends[0] + share * (ends[1] - ends[0]), ends[0]), ends[1])
    low, high = (float(end) for end in TO_INTEGER(np.array(ends)))
    assert low <= int(point) <= high
    assert (low, high) == (int(ends[0]), int(ends[1]))


@given(st.integers(2**53 + 2, 2**62), st.sampled_from([1, -1]))
def test_an_integer_that_is_no_float_is_held_with_its_rounding(size, sign):
    """The interval ends at the nearest floats on both sides; the machine rounds to one of them, in some direction."""
    number, near = sign * size, float(sign * size)
    other = np.nextafter(near, np.inf if int(near) < number else -np.inf)
    low, high = (float(end) for end in TO_FLOAT(np.sort([near, other])))
    assert low < min(near, other)
    assert max(near, other) < high
    assert int(low) < number < int(high)
