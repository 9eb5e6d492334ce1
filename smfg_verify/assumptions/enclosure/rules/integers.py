"""Integers: whole numbers within the limits of their type, which the machine wraps around beyond them."""

import jax.numpy as jnp

from smfg_verify.assumptions.enclosure.affine_forms import between
from smfg_verify.assumptions.enclosure.rules.affine_operations import choose_form, with_error
from smfg_verify.assumptions.enclosure.rules.arithmetic import (
    ElementType,
    NoEnclosure,
    integer_limits,
    is_integer,
    rounding,
)
from smfg_verify.assumptions.enclosure.rules.conditions import apply_stairs, compare, number_of, unknown_slope
from smfg_verify.assumptions.enclosure.values import Enclosed, Truth, Value

# Above this an integer need not be a float.
_EXACT = 2.0**53


def wrapped(operand: Enclosed, kind: object) -> Enclosed:
    """The result of an operation on integers: what the real operation gives, where that fits the type.

    Elsewhere the machine's number is some number of the type, and it may jump. Where it fits, it is whole: the ends
    of its range are moved inward to whole numbers.
    """
    least, most = integer_limits(kind)
    low, high = operand.value.range
    low, high = jnp.ceil(low), jnp.floor(high)
    fits = (low >= least) & (high <= most) & (low <= high)
    scope = operand.value.scope
    value = between(scope, (jnp.where(fits, low, least), jnp.where(fits, high, most)))
    if operand.slope is None:
        return Enclosed(value, None)
    return Enclosed(value, choose_form(fits, unknown_slope(scope, value.shape), operand.slope))


def converted(operand: Value, source: ElementType, target: ElementType) -> Value:
    """A conversion between number types; to integers towards zero, and any number of the type out of its limits."""
    if isinstance(operand, Truth):
        return operand if target == jnp.bool_ else number_of(operand)
    assert isinstance(operand, Enclosed)
    if target == jnp.bool_:
        return compare("ne", operand, jnp.zeros(operand.value.shape))
    if is_integer(target):
        return operand if is_integer(source) else apply_stairs(jnp.trunc, operand)
    if is_integer(source):
        return _as_float(operand)
    if source != target:
        raise NoEnclosure(f"a conversion from {source} to {target} of a number that depends on the mean field")
    return operand


def _as_float(operand: Enclosed) -> Enclosed:
    low, high = operand.value.range
    large = jnp.maximum(jnp.abs(low), jnp.abs(high)) > _EXACT
    rounded = with_error(operand.value, rounding(1, operand.value.size))
    return Enclosed(choose_form(large, operand.value, rounded), operand.slope)
