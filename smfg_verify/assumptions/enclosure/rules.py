r"""What each JAX primitive does to enclosed values: the image of the value, and the chain rule for its slope."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

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
    ELEMENTWISE,
    INFINITY,
    RECIPROCAL,
    RELU,
    STAIRS,
    UNBOUNDED,
    Function,
    integer_power,
    intersection,
    power,
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
    excess = apply_function(RELU, add(first, negate(second)))  # type: ignore[arg-type]
    found = add(second, excess)
    assert isinstance(found, Enclosed)
    bounds = jnp.maximum(ends[0], other[0]), jnp.maximum(ends[1], other[1])
    value = dataclasses.replace(found.value, interval=intersection(found.value.range, bounds))
    return Enclosed(value, found.slope)


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
    low, high = difference.range
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


# --- the table of primitives ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Equation:
    """One equation of a program: its primitive, parameters and the shape and type of its (first) result."""

    name: str
    bind: Callable
    params: dict[str, Any]
    shape: tuple[int, ...]
    dtype: Any


Rule = Callable[[Equation, list[Value]], Value]

# Primitives that move entries about or add them up, and which of their operands they are linear in (None for all).
_MOVING: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(
        ("broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "slice", "rev", "copy", "copy_p"), (0,)
    ),
    **dict.fromkeys(("reduce_sum", "cumsum", "stop_gradient", "dynamic_slice", "gather"), (0,)),
    **dict.fromkeys(("pad", "dynamic_update_slice"), (0, 1)),
    **dict.fromkeys(("scatter", "scatter-add"), (0, 2)),
    **dict.fromkeys(("concatenate", "add_any"), None),
}
_ADDING = ("reduce_sum", "cumsum", "scatter-add", "add_any")


def _moving(equation: Equation, operands: list[Value]) -> Value:
    positions = _MOVING[equation.name]
    positions = tuple(range(len(operands))) if positions is None else positions
    for k, operand in enumerate(operands):
        if k not in positions and isinstance(operand, Enclosed | Truth):
            raise NoEnclosure(f"primitive '{equation.name}' with an index that depends on the mean field has no rule")

    def apply(*parts):
        whole = list(operands)
        for position, part in zip(positions, parts, strict=True):
            whole[position] = part
        return equation.bind(*whole)

    moved = [operands[k] for k in positions]
    if any(isinstance(operand, Truth) for operand in moved):
        truths = [truth_of(operand) for operand in moved]
        if equation.name in (*_ADDING, "pad", "gather", "scatter"):
            raise NoEnclosure(f"primitive '{equation.name}' of conditions has no rule")
        scope = next(truth.scope for truth in truths if truth.scope is not None)
        return Truth(apply(*(t.can_hold for t in truths)), apply(*(t.can_fail for t in truths)), scope)
    adds = equation.name in _ADDING
    result = map_linear(apply, moved, moves=not adds)
    fills = "fill_value" in equation.params and "FILL" in str(equation.params.get("mode"))
    return _with_holes(equation, operands, result) if fills else result


def _with_holes(equation: Equation, operands: list[Value], result: Enclosed) -> Enclosed:
    """`gather` puts a fill value, NaN if none is given, where an index is out of bounds: there nothing is known."""
    inside = equation.bind(jnp.ones(operands[0].value.shape), *operands[1:]) == 1.0  # type: ignore[union-attr]
    size = jnp.full(result.value.shape, INFINITY)
    value = choose_form(inside, between(result.value.scope, (-size, size)), result.value)
    return Enclosed(value, result.slope)


def _elementwise(rule: Callable[..., Value]) -> Rule:
    """A rule for operands of one shape; scalars beside arrays are spread first."""
    return lambda equation, operands: rule(*(spread(operand, equation.shape) for operand in operands))


def _divide(first: Value, second: Value) -> Enclosed:
    if isinstance(second, Enclosed):
        return product_of(first, apply_function(RECIPROCAL, second))
    assert isinstance(first, Enclosed)
    return scale(first, 1.0 / jnp.asarray(second, dtype=float))  # type: ignore[arg-type]


def _power(base: Value, exponent: Value) -> Enclosed:
    if isinstance(exponent, Enclosed):
        if isinstance(base, Enclosed):
            return apply_function(ELEMENTWISE["exp"], product_of(exponent, apply_function(ELEMENTWISE["log"], base)))
        return apply_function(ELEMENTWISE["exp"], scale(exponent, jnp.log(jnp.asarray(base, dtype=float))))
    assert isinstance(base, Enclosed)
    return apply_function(power(jnp.asarray(exponent, dtype=float)), base)  # type: ignore[arg-type]


def _convert(equation: Equation, operands: list[Value]) -> Value:
    operand = operands[0]
    if isinstance(operand, Truth):
        return operand if equation.dtype == jnp.bool_ else number_of(operand)
    assert isinstance(operand, Enclosed)
    if jnp.issubdtype(equation.dtype, jnp.floating) and jnp.finfo(equation.dtype).bits >= 64:
        return operand
    if jnp.issubdtype(equation.dtype, jnp.integer):
        return apply_stairs(jnp.trunc, operand)
    raise NoEnclosure(f"a conversion to {equation.dtype} of a number that depends on the mean field has no rule")


def _select(equation: Equation, operands: list[Value]) -> Value:
    which, *cases = operands
    if isinstance(which, Enclosed):
        raise NoEnclosure("primitive 'select_n' with an index that depends on the mean field has no rule")
    if not isinstance(which, Truth) and not any(isinstance(case, Truth) for case in cases):
        return map_linear(lambda *parts: equation.bind(which, *parts), cases)
    if len(cases) != 2:
        raise NoEnclosure("primitive 'select_n' of more than two cases has no rule")
    condition = truth_of(spread(which, equation.shape))
    return choose(condition, *cases)


def _reduce_truth(equation: Equation, operands: list[Value]) -> Value:
    truth, axes = truth_of(operands[0]), equation.params["axes"]
    if equation.name == "reduce_and":
        return Truth(jnp.all(truth.can_hold, axis=axes), jnp.any(truth.can_fail, axis=axes), truth.scope)
    return Truth(jnp.any(truth.can_hold, axis=axes), jnp.all(truth.can_fail, axis=axes), truth.scope)


def _finite(operand: Value) -> Truth:
    assert isinstance(operand, Enclosed)
    low, high = operand.value.range
    bounded = (low > -UNBOUNDED) & (high < UNBOUNDED)
    return Truth(jnp.ones_like(bounded), ~bounded, operand.value.scope)


def _function_rule(function: Function) -> Rule:
    return lambda equation, operands: apply_function(function, operands[0])  # type: ignore[arg-type]


def _stairs_rule(function: Callable) -> Rule:
    return lambda equation, operands: apply_stairs(function, operands[0])  # type: ignore[arg-type]


def _comparison(name: str) -> Rule:
    return _elementwise(lambda first, second: compare(name, first, second))


RULES: dict[str, Rule] = {
    **dict.fromkeys(_MOVING, _moving),
    **{name: _function_rule(function) for name, function in ELEMENTWISE.items()},
    **{name: _stairs_rule(function) for name, function in STAIRS.items()},
    **{name: _comparison(name) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
    "add": _elementwise(add),
    "sub": _elementwise(lambda first, second: add(first, negate(second))),
    "neg": _elementwise(negate),
    "mul": _elementwise(product_of),
    "div": _elementwise(_divide),
    "max": _elementwise(maximum),
    "min": _elementwise(minimum),
    "clamp": _elementwise(lambda low, operand, high: minimum(maximum(operand, low), high)),
    "pow": _elementwise(_power),
    "integer_pow": lambda equation, operands: apply_function(integer_power(equation.params["y"]), operands[0]),  # type: ignore[arg-type]
    "dot_general": lambda equation, operands: contraction(equation.bind, *operands),
    "reduce_max": lambda equation, operands: largest(operands[0], equation.params["axes"]),  # type: ignore[arg-type]
    "reduce_min": lambda equation, operands: negate(largest(negate(operands[0]), equation.params["axes"])),  # type: ignore[arg-type]
    "select_n": _select,
    "convert_element_type": _convert,
    "and": _elementwise(conjunction),
    "or": _elementwise(disjunction),
    "not": _elementwise(opposite),
    "reduce_and": _reduce_truth,
    "reduce_or": _reduce_truth,
    "is_finite": _elementwise(_finite),
}
