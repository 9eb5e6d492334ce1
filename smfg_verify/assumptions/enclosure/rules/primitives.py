"""The table of JAX primitives: which operation on enclosed values each of them is."""

import dataclasses
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from smfg_verify.assumptions.enclosure.affine_forms import between
from smfg_verify.assumptions.enclosure.rules.affine_operations import choose_form
from smfg_verify.assumptions.enclosure.rules.arithmetic import ElementType, NoEnclosure
from smfg_verify.assumptions.enclosure.rules.conditions import (
    apply_stairs,
    choose,
    compare,
    conjunction,
    disjunction,
    opposite,
    truth_of,
)
from smfg_verify.assumptions.enclosure.rules.functions import (
    ELEMENTWISE,
    INFINITY,
    RECIPROCAL,
    STAIRS,
    UNBOUNDED,
    ArrayMap,
    Function,
    integer_power,
    power,
)
from smfg_verify.assumptions.enclosure.rules.integers import converted
from smfg_verify.assumptions.enclosure.rules.rules import (
    add,
    apply_function,
    contraction,
    largest,
    map_linear,
    maximum,
    minimum,
    negate,
    product_of,
    scale,
    spread,
)
from smfg_verify.assumptions.enclosure.values import Enclosed, Truth, Value, number
from smfg_verify.records.entries import Arguments


@dataclasses.dataclass(frozen=True)
class Equation:
    """One equation of a program.

    Attributes:
        name: of its primitive.
        bind: the primitive with its parameters, on arrays.
        params: the parameters.
        shape: of its (first) result.
        kind: number type of that.
        kinds: number types of its operands.
        shapes: shapes of its operands.
    """

    name: str
    bind: Callable[..., Array]
    params: Arguments
    shape: tuple[int, ...]
    kind: ElementType
    kinds: tuple[ElementType, ...]
    shapes: tuple[tuple[int, ...], ...]


Rule = Callable[[Equation, list[Value]], Value]

# Primitives that move entries about or add them up, and which of their operands they are linear in (None for all).
_MOVING: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(
        ("broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "slice", "rev", "tile", "copy"), (0,)
    ),
    **dict.fromkeys(("reduce_sum", "cumsum", "stop_gradient", "dynamic_slice", "gather"), (0,)),
    **dict.fromkeys(("pad", "dynamic_update_slice"), (0, 1)),
    **dict.fromkeys(("scatter", "scatter-add"), (0, 2)),
    **dict.fromkeys(("concatenate", "stack", "add_any"), None),
}
# Those that add up, and how many numbers an entry of the result adds at most.
_TERMS: dict[str, Callable[[Equation], int]] = {
    "reduce_sum": lambda equation: math.prod(equation.shapes[0][axis] for axis in equation.params["axes"]),
    "cumsum": lambda equation: equation.shapes[0][equation.params["axis"]],
    "scatter-add": lambda equation: 1 + math.prod(equation.shapes[2]),
    "add_any": lambda equation: len(equation.shapes),
}


def _moving(equation: Equation, operands: list[Value]) -> Value:
    positions = _MOVING[equation.name]
    positions = tuple(range(len(operands))) if positions is None else positions
    for k, operand in enumerate(operands):
        if k not in positions and isinstance(operand, Enclosed | Truth):
            raise NoEnclosure(f"primitive '{equation.name}' with an index that depends on the mean field has no rule")

    def apply(*parts: Array) -> Array:
        whole = list(operands)
        for position, part in zip(positions, parts, strict=True):
            whole[position] = part
        return equation.bind(*whole)

    moved = [operands[k] for k in positions]
    if any(isinstance(operand, Truth) for operand in moved):
        truths = [truth_of(operand) for operand in moved]
        if equation.name in (*_TERMS, "pad", "gather", "scatter"):
            raise NoEnclosure(f"primitive '{equation.name}' of conditions has no rule")
        scope = next(truth.scope for truth in truths if truth.scope is not None)
        return Truth(apply(*(t.can_hold for t in truths)), apply(*(t.can_fail for t in truths)), scope)
    terms = _TERMS[equation.name](equation) if equation.name in _TERMS else 0
    result = map_linear(apply, moved, terms=terms)
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
    return scale(first, 1.0 / number(second))


def _power(base: Value, exponent: Value) -> Enclosed:
    if isinstance(exponent, Enclosed):
        if isinstance(base, Enclosed):
            return apply_function(ELEMENTWISE["exp"], product_of(exponent, apply_function(ELEMENTWISE["log"], base)))
        return apply_function(ELEMENTWISE["exp"], scale(exponent, jnp.log(number(base))))
    assert isinstance(base, Enclosed)
    return apply_function(power(number(exponent)), base)


def _convert(equation: Equation, operands: list[Value]) -> Value:
    return converted(operands[0], equation.kinds[0], equation.kind)


def _contract(equation: Equation, operands: list[Value]) -> Value:
    (contracted, _), _ = equation.params["dimension_numbers"]
    first, second = operands
    return contraction(equation.bind, first, second, math.prod(equation.shapes[0][axis] for axis in contracted))


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


def _stairs_rule(function: ArrayMap) -> Rule:
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
    "dot_general": _contract,
    "reduce_max": lambda equation, operands: largest(operands[0], equation.params["axes"]),  # type: ignore[arg-type]
    "reduce_min": lambda equation, operands: negate(largest(negate(operands[0]), equation.params["axes"])),  # type: ignore[arg-type]
    "select_n": _select,
    "round": lambda equation, operands: apply_stairs(
        lambda x: jax.lax.round(x, equation.params["rounding_method"]),
        operands[0],  # type: ignore[arg-type]
    ),
    "convert_element_type": _convert,
    "and": _elementwise(conjunction),
    "or": _elementwise(disjunction),
    "not": _elementwise(opposite),
    "reduce_and": _reduce_truth,
    "reduce_or": _reduce_truth,
    "is_finite": _elementwise(_finite),
}

# Primitives that take conditions, and what those of arithmetic are to them: truth values add up to "or".
OF_CONDITIONS: dict[str, Rule] = {
    **{name: RULES[name] for name in _MOVING},
    **{name: _comparison(name) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
    **dict.fromkeys(("add", "max", "or"), _elementwise(disjunction)),
    **dict.fromkeys(("mul", "min", "and"), _elementwise(conjunction)),
    "xor": _comparison("ne"),
    **{name: RULES[name] for name in ("not", "reduce_and", "reduce_or", "select_n", "convert_element_type")},
}
# Arithmetic that has a rule for integers, which wrap around; the others are for floats alone.
OF_INTEGERS = frozenset(
    (*_MOVING, "add", "sub", "neg", "mul", "max", "min", "clamp", "abs", "sign", "square", "dot_general")
) | frozenset(("reduce_max", "reduce_min", "select_n", "convert_element_type"))
