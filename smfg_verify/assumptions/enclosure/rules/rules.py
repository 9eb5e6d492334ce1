r"""Arithmetic of enclosed values: the image of the value, and the chain rule for its slope."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

from smfg_verify.assumptions.enclosure.affine_forms import Form, between
from smfg_verify.assumptions.enclosure.rules.affine_operations import (
    bilinear,
    compose,
    contracted,
    linear,
    minus,
    plus,
    scaled_form,
    shifted,
)
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.assumptions.enclosure.rules.functions import (
    INFINITY,
    RELU,
    ArrayMap,
    Ends,
    Function,
    integer_power,
    intersection,
)
from smfg_verify.assumptions.enclosure.values import Enclosed, Truth, Value, number, scope_of


def _value(operand: Value) -> Form | Array:
    return operand.value if isinstance(operand, Enclosed) else number(operand)


def _slope(operand: Value, size: int) -> Form | Array:
    if isinstance(operand, Enclosed):
        assert operand.slope is not None
        return operand.slope
    return jnp.zeros((size, *jnp.shape(operand)))  # type: ignore[arg-type]


# --- linear maps ------------------------------------------------------------------------------------------------------


def map_linear(apply: ArrayMap, operands: Sequence[Value], *, terms: int = 0) -> Enclosed:
    """Image under a map that moves entries (or adds up so many of them: `terms`), linear jointly in all operands."""

    def bounds(lower: list[Array], upper: list[Array]) -> Ends:
        return apply(*lower), apply(*upper)

    scope = scope_of(operands)
    value = linear(apply, [_value(operand) for operand in operands], bounds=bounds, terms=terms)
    if not scope.slopes:
        return Enclosed(value, None)
    slopes = [_slope(operand, scope.domain.size) for operand in operands]
    return Enclosed(value, linear(jax.vmap(apply), slopes, bounds=jax.vmap(bounds), terms=terms))


def scale(operand: Enclosed, constant: Array) -> Enclosed:
    """Product with a constant array of the same shape."""
    constant = number(constant)
    slope = None if operand.slope is None else scaled_form(operand.slope, constant)
    return Enclosed(scaled_form(operand.value, constant), slope)


def add(first: Value, second: Value) -> Value:
    """Sum of two values of one shape."""
    if not isinstance(first, Enclosed) and not isinstance(second, Enclosed):
        return number(first) + number(second)
    if isinstance(first, Enclosed) and isinstance(second, Enclosed):
        slope = None if first.slope is None or second.slope is None else plus(first.slope, second.slope)
        return Enclosed(plus(first.value, second.value), slope)
    enclosed, constant = (first, second) if isinstance(first, Enclosed) else (second, first)
    assert isinstance(enclosed, Enclosed)
    # A constant has no slope, so that of the other stays as it is.
    return Enclosed(shifted(enclosed.value, number(constant)), enclosed.slope)


def negate(operand: Value) -> Value:
    """Minus a value."""
    if isinstance(operand, Enclosed):
        return Enclosed(minus(operand.value), None if operand.slope is None else minus(operand.slope))
    return -number(operand)


def spread(operand: Value, shape: tuple[int, ...]) -> Value:
    """A scalar beside an array, as an array; anything else as it is."""
    if isinstance(operand, Truth):
        hold, fail = (jnp.broadcast_to(part, shape) for part in (operand.can_hold, operand.can_fail))
        return Truth(hold, fail, operand.scope)
    if not isinstance(operand, Enclosed):
        return jnp.broadcast_to(operand, shape)
    if operand.value.shape == shape:
        return operand
    return map_linear(lambda array: jnp.broadcast_to(array, shape), [operand])


# --- functions of one variable, and products --------------------------------------------------------------------------


def apply_function(function: Function, operand: Enclosed) -> Enclosed:
    """A function of one variable, with the chain rule."""
    value = compose(function, operand.value)
    if operand.slope is None:
        return Enclosed(value, None)
    if function.derivative is None:
        raise NoEnclosure("a slope was asked of a function whose derivative has no rule")
    outer = compose(function.derivative(), operand.value)
    return Enclosed(value, bilinear(jnp.multiply, outer, operand.slope, elementwise=True))


def product_of(first: Value, second: Value) -> Enclosed:
    """Product of two values of one shape."""
    if not isinstance(first, Enclosed):
        assert isinstance(second, Enclosed)
        return scale(second, first)  # type: ignore[arg-type]
    if not isinstance(second, Enclosed):
        return scale(first, second)  # type: ignore[arg-type]
    if first is second:
        return apply_function(integer_power(2), first)
    value = bilinear(jnp.multiply, first.value, second.value, elementwise=True)
    if first.slope is None or second.slope is None:
        return Enclosed(value, None)
    left = bilinear(jnp.multiply, second.value, first.slope, elementwise=True)
    right = bilinear(jnp.multiply, first.value, second.slope, elementwise=True)
    return Enclosed(value, plus(left, right))


def contraction(apply: ArrayMap, first: Value, second: Value, terms: int) -> Enclosed:
    """A contraction of two values, such as `dot_general`: sums of so many products."""
    if not isinstance(first, Enclosed):
        return _contract_constant(lambda value, constant: apply(constant, value), second, first, terms)  # type: ignore[arg-type]
    if not isinstance(second, Enclosed):
        return _contract_constant(apply, first, second, terms)  # type: ignore[arg-type]
    value = bilinear(apply, first.value, second.value, elementwise=False, terms=terms)
    if first.slope is None or second.slope is None:
        return Enclosed(value, None)
    left = bilinear(jax.vmap(apply, in_axes=(0, None)), first.slope, second.value, elementwise=False, terms=terms)
    right = bilinear(jax.vmap(apply, in_axes=(None, 0)), first.value, second.slope, elementwise=False, terms=terms)
    return Enclosed(value, plus(left, right))


def _contract_constant(act: ArrayMap, operand: Enclosed, constant: Array, terms: int) -> Enclosed:
    constant = number(constant)
    slope = operand.slope
    if slope is not None:
        slope = contracted(jax.vmap(act, in_axes=(0, None)), slope, constant, terms)
    return Enclosed(contracted(act, operand.value, constant, terms), slope)


# --- maxima -----------------------------------------------------------------------------------------------------------


def maximum(first: Value, second: Value) -> Enclosed:
    """The larger of two values of one shape, as $y + \\max(x - y, 0)$; at a tie the slope is anything between."""
    if not isinstance(first, Enclosed):
        first, second = second, first
    assert isinstance(first, Enclosed)
    ends = first.value.range
    if not isinstance(second, Enclosed):
        # Far below the range a constant changes nothing; -inf is what maxima over an axis start from.
        second = jnp.maximum(number(second), ends[0] - 1.0)
    other = second.value.range if isinstance(second, Enclosed) else (second, second)
    excess = add(first, negate(second))
    assert isinstance(excess, Enclosed)
    value = add(second, Enclosed(compose(RELU, excess.value), None))
    bounds = jnp.maximum(ends[0], other[0]), jnp.maximum(ends[1], other[1])
    assert isinstance(value, Enclosed)
    form = dataclasses.replace(value.value, interval=intersection(value.value.range, bounds))
    if first.slope is None:
        return Enclosed(form, None)
    share = compose(RELU.derivative(), excess.value)  # type: ignore[misc]
    slope = bilinear(jnp.multiply, share, first.slope, elementwise=True)
    if isinstance(second, Enclosed) and second.slope is not None:
        rest = shifted(minus(share), jnp.ones(share.shape))
        slope = plus(slope, bilinear(jnp.multiply, rest, second.slope, elementwise=True))
    return Enclosed(form, slope)


def minimum(first: Value, second: Value) -> Enclosed:
    """The smaller of two values of one shape."""
    negative = negate(maximum(negate(first), negate(second)))
    assert isinstance(negative, Enclosed)
    return negative


def largest(operand: Enclosed, axes: tuple[int, ...]) -> Enclosed:
    """Maximum over axes; the slope is one of those of the entries that may be the largest."""
    low, high = operand.value.range
    scope = operand.value.scope
    error = None if operand.value.error is None else jnp.max(operand.value.error, axis=axes)
    value = between(scope, (jnp.max(low, axis=axes), jnp.max(high, axis=axes)), error)
    if operand.slope is None:
        return Enclosed(value, None)
    candidate = high >= jnp.max(low, axis=axes, keepdims=True)
    shifted = tuple(axis + 1 for axis in axes)
    ends = operand.slope.range
    least = jnp.min(jnp.where(candidate, ends[0], INFINITY), axis=shifted)
    most = jnp.max(jnp.where(candidate, ends[1], -INFINITY), axis=shifted)
    return Enclosed(value, between(scope, (least, most)))
