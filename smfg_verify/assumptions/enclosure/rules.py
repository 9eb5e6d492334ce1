r"""Operations on enclosed values: the image of the value, and the chain rule for its slope."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from smfg_verify.assumptions.enclosure.forms import (
    Form,
    NoEnclosure,
    Scope,
    between,
    bilinear,
    choose_form,
    compose,
    linear,
    minus,
    plus,
    scaled_form,
)
from smfg_verify.assumptions.enclosure.functions import (
    INFINITY,
    RELU,
    Function,
    integer_power,
    intersection,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Enclosed:
    """A value that depends on the variables.

    Attributes:
        value: its form, (*shape).
        slope: form of its (generalised) derivative in each variable, (D, *shape); None where none is carried.
    """

    value: Form
    slope: Form | None


@dataclasses.dataclass(frozen=True, eq=False)
class Truth:
    """A condition on the variables: whether it may hold somewhere in the domain, and whether it may fail somewhere."""

    can_hold: Bool[Array, "*shape"]
    can_fail: Bool[Array, "*shape"]
    scope: Scope | None = None

    @property
    def decided(self) -> Bool[Array, "*shape"]:
        """Whether only one of the two is possible."""
        return ~(self.can_hold & self.can_fail)


Value = Enclosed | Truth | Array


def scope_of(operands: Sequence[Value]) -> Scope:
    """The computation that the enclosed operands belong to."""
    return next(operand.value.scope for operand in operands if isinstance(operand, Enclosed))


def _value(operand: Value) -> Form | Array:
    return operand.value if isinstance(operand, Enclosed) else jnp.asarray(operand, dtype=float)


def _slope(operand: Value, size: int) -> Form | Array:
    if isinstance(operand, Enclosed):
        assert operand.slope is not None
        return operand.slope
    return jnp.zeros((size, *jnp.shape(operand)))  # type: ignore[arg-type]


# --- linear maps ------------------------------------------------------------------------------------------------------


def map_linear(apply: Callable, operands: Sequence[Value], *, moves: bool = True) -> Enclosed:
    """Image under a map that moves entries (or adds them up: `moves` False), linear jointly in all operands."""

    def bounds(lower, upper):
        return apply(*lower), apply(*upper)

    scope = scope_of(operands)
    value = linear(apply, [_value(operand) for operand in operands], bounds=bounds, moves=moves)
    if not scope.slopes:
        return Enclosed(value, None)
    slopes = [_slope(operand, scope.domain.size) for operand in operands]
    return Enclosed(value, linear(jax.vmap(apply), slopes, bounds=jax.vmap(bounds), moves=moves))


def scale(operand: Enclosed, constant: Array) -> Enclosed:
    """Product with a constant array of the same shape."""
    constant = jnp.asarray(constant, dtype=float)
    slope = None if operand.slope is None else scaled_form(operand.slope, constant)
    return Enclosed(scaled_form(operand.value, constant), slope)


def add(first: Value, second: Value) -> Value:
    """Sum of two values of one shape."""
    if not isinstance(first, Enclosed) and not isinstance(second, Enclosed):
        return jnp.asarray(first) + jnp.asarray(second)
    if isinstance(first, Enclosed) and isinstance(second, Enclosed):
        slope = None if first.slope is None or second.slope is None else plus(first.slope, second.slope)
        return Enclosed(plus(first.value, second.value), slope)
    enclosed, constant = (first, second) if isinstance(first, Enclosed) else (second, first)
    assert isinstance(enclosed, Enclosed)
    # A constant has no slope, so that of the other stays as it is.
    return Enclosed(_shifted_form(enclosed.value, jnp.asarray(constant, dtype=float)), enclosed.slope)


def _shifted_form(form: Form, constant: Array) -> Form:
    interval = None if form.interval is None else (form.interval[0] + constant, form.interval[1] + constant)
    return dataclasses.replace(form, centre=form.centre + constant, interval=interval)


def negate(operand: Value) -> Value:
    """Minus a value."""
    if isinstance(operand, Enclosed):
        return Enclosed(minus(operand.value), None if operand.slope is None else minus(operand.slope))
    return -jnp.asarray(operand)


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


def apply_stairs(function: Callable, operand: Enclosed) -> Enclosed:
    """A non-decreasing function that is constant between jumps; the slope is unbounded where it may jump."""
    ends = tuple(function(end) for end in operand.value.range)
    return _with_jumps(operand.value.scope, ends, ends[0] < ends[1])


def _with_jumps(scope: Scope, ends, jumps) -> Enclosed:
    slope = None
    if scope.slopes:
        size = jnp.broadcast_to(jnp.where(jumps, INFINITY, 0.0), (scope.domain.size, *jnp.shape(ends[0])))
        slope = between(scope, (-size, size))
    return Enclosed(between(scope, ends), slope)


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


def contraction(apply: Callable, first: Value, second: Value) -> Enclosed:
    """A contraction of two values, such as `dot_general`."""
    if not isinstance(first, Enclosed):
        return _contract_constant(lambda value, constant: apply(constant, value), second, first)  # type: ignore[arg-type]
    if not isinstance(second, Enclosed):
        return _contract_constant(apply, first, second)  # type: ignore[arg-type]
    value = bilinear(apply, first.value, second.value, elementwise=False)
    if first.slope is None or second.slope is None:
        return Enclosed(value, None)
    left = bilinear(jax.vmap(apply, in_axes=(0, None)), first.slope, second.value, elementwise=False)
    right = bilinear(jax.vmap(apply, in_axes=(None, 0)), first.value, second.slope, elementwise=False)
    return Enclosed(value, plus(left, right))


def _contract_constant(act: Callable, operand: Enclosed, constant: Array) -> Enclosed:
    constant = jnp.asarray(constant, dtype=float)

    def image(form: Form, apply: Callable) -> Form:
        return linear(lambda part: apply(part, constant), [form], size=lambda part: apply(part, jnp.abs(constant)))

    slope = None if operand.slope is None else image(operand.slope, jax.vmap(act, in_axes=(0, None)))
    return Enclosed(image(operand.value, act), slope)


# --- maxima and conditions --------------------------------------------------------------------------------------------


def maximum(first: Value, second: Value) -> Enclosed:
    """The larger of two values of one shape, as $y + \\max(x - y, 0)$; at a tie the slope is anything between."""
    if not isinstance(first, Enclosed):
        first, second = second, first
    assert isinstance(first, Enclosed)
    ends = first.value.range
    if not isinstance(second, Enclosed):
        # Far below the range a constant changes nothing; -inf is what maxima over an axis start from.
        second = jnp.maximum(second, ends[0] - 1.0)  # type: ignore[arg-type]
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
        rest = _shifted_form(minus(share), jnp.ones(share.shape))
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
    value = between(scope, (jnp.max(low, axis=axes), jnp.max(high, axis=axes)))
    if operand.slope is None:
        return Enclosed(value, None)
    candidate = high >= jnp.max(low, axis=axes, keepdims=True)
    shifted = tuple(axis + 1 for axis in axes)
    ends = operand.slope.range
    least = jnp.min(jnp.where(candidate, ends[0], INFINITY), axis=shifted)
    most = jnp.max(jnp.where(candidate, ends[1], -INFINITY), axis=shifted)
    return Enclosed(value, between(scope, (least, most)))


def compare(name: str, first: Value, second: Value) -> Truth:
    """A comparison of two values of one shape."""
    difference = add(first, negate(second)).value  # type: ignore[union-attr]
    # A comparison with infinity itself depends on more than a bound.
    low, high = difference.scope.noted(difference.range)
    always = jnp.ones(low.shape, dtype=bool)
    outcomes = {
        "lt": (low < 0.0, high >= 0.0),
        "le": (low <= 0.0, high > 0.0),
        "gt": (high > 0.0, low <= 0.0),
        "ge": (high >= 0.0, low < 0.0),
        "eq": ((low <= 0.0) & (high >= 0.0), always),
        "ne": (always, (low <= 0.0) & (high >= 0.0)),
    }
    return Truth(*outcomes[name], difference.scope)


def truth_of(operand: Value) -> Truth:
    """A condition, or a constant one."""
    if isinstance(operand, Truth):
        return operand
    if isinstance(operand, Enclosed):
        raise NoEnclosure("bits of a number that depends on the mean field have no rule")
    return Truth(jnp.asarray(operand, dtype=bool), ~jnp.asarray(operand, dtype=bool))


def conjunction(first: Value, second: Value) -> Truth:
    """First and second."""
    first, second = truth_of(first), truth_of(second)
    scope = first.scope or second.scope
    return Truth(first.can_hold & second.can_hold, first.can_fail | second.can_fail, scope)


def opposite(operand: Value) -> Truth:
    """Not the operand."""
    truth = truth_of(operand)
    return Truth(truth.can_fail, truth.can_hold, truth.scope)


def disjunction(first: Value, second: Value) -> Truth:
    """First or second."""
    return opposite(conjunction(opposite(first), opposite(second)))


def number_of(truth: Truth) -> Enclosed:
    """A condition as 0 or 1."""
    assert truth.scope is not None
    ends = jnp.where(truth.can_fail, 0.0, 1.0), jnp.where(truth.can_hold, 1.0, 0.0)
    return _with_jumps(truth.scope, ends, ~truth.decided)


def choose(condition: Truth, otherwise: Value, then: Value) -> Value:
    """`then` where a condition holds; where it is open, anything of the two, with unbounded slope (a jump)."""
    if isinstance(otherwise, Truth) or isinstance(then, Truth):
        return disjunction(conjunction(condition, then), conjunction(opposite(condition), otherwise))
    scope = condition.scope or scope_of((otherwise, then))
    cases = [case if isinstance(case, Enclosed) else _constant(case, scope) for case in (otherwise, then)]
    values, slopes = [case.value for case in cases], [case.slope for case in cases]
    lows, highs = zip(*(form.range for form in values), strict=True)
    open_value = between(scope, (jnp.minimum(*lows), jnp.maximum(*highs)))
    value = choose_form(condition.decided, open_value, choose_form(condition.can_hold, *values))
    if not scope.slopes:
        return Enclosed(value, None)
    size = jnp.full((scope.domain.size, *value.shape), INFINITY)
    known = choose_form(condition.can_hold, *slopes)  # type: ignore[arg-type]
    return Enclosed(value, choose_form(condition.decided, between(scope, (-size, size)), known))


def _constant(array: Value, scope: Scope) -> Enclosed:
    array = jnp.asarray(array, dtype=float)  # type: ignore[arg-type]
    slope = Form(scope, jnp.zeros((scope.domain.size, *array.shape))) if scope.slopes else None
    return Enclosed(Form(scope, array), slope)
