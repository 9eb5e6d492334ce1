"""Conditions on the variables: comparisons, their logic, choices between values, and functions that jump."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array

from smfg_verify.assumptions.enclosure.affine_forms import Form, Scope, between
from smfg_verify.assumptions.enclosure.rules.affine_operations import choose_form
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.assumptions.enclosure.rules.functions import INFINITY, ArrayMap, Ends
from smfg_verify.assumptions.enclosure.rules.rules import add, negate
from smfg_verify.assumptions.enclosure.values import Enclosed, Truth, Value, constant_value, number, scope_of


def compare(name: str, first: Value, second: Value) -> Truth:
    """A comparison of two values of one shape: of truth values by logic, of numbers by their ranges.

    The machine compares the values it has, exactly. So ranges that do not meet decide, and so does the range of the
    difference, which knows what both have in common and carries the roundings of both.
    """
    if isinstance(first, Truth) or isinstance(second, Truth):
        return _compare_truths(name, truth_of(first), truth_of(second))
    difference = add(first, negate(second)).value  # type: ignore[union-attr]
    # A comparison with infinity itself depends on more than a bound.
    by_form = _outcomes(name, difference.scope.noted(difference.range))
    low, high = (_ends(operand) for operand in (first, second))
    by_ends = _outcomes(name, (low[0] - high[1], low[1] - high[0]))
    return Truth(by_form[0] & by_ends[0], by_form[1] & by_ends[1], difference.scope)


def _ends(operand: Value) -> Ends:
    return operand.value.range if isinstance(operand, Enclosed) else (number(operand), number(operand))


def _outcomes(name: str, ends: Ends) -> tuple[Array, Array]:
    """Whether a difference within these ends may pass the comparison with zero, and whether it may fail."""
    low, high = ends
    # Equal ends of zero are one number only where it is exactly known, so equality is never concluded from them.
    always = jnp.ones(low.shape, dtype=bool)
    outcomes = {
        "lt": (low < 0.0, high >= 0.0),
        "le": (low <= 0.0, high > 0.0),
        "gt": (high > 0.0, low <= 0.0),
        "ge": (high >= 0.0, low < 0.0),
        "eq": ((low <= 0.0) & (high >= 0.0), always),
        "ne": (always, (low <= 0.0) & (high >= 0.0)),
    }
    return outcomes[name]


def _compare_truths(name: str, first: Truth, second: Truth) -> Truth:
    """Comparisons of truth values, of which false is the smaller."""
    both = conjunction(first, second), conjunction(opposite(first), opposite(second))
    outcomes: dict[str, Callable[[], Truth]] = {
        "eq": lambda: disjunction(*both),
        "ne": lambda: opposite(disjunction(*both)),
        "lt": lambda: conjunction(opposite(first), second),
        "le": lambda: disjunction(opposite(first), second),
        "gt": lambda: conjunction(first, opposite(second)),
        "ge": lambda: disjunction(first, opposite(second)),
    }
    return outcomes[name]()


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


def apply_stairs(function: ArrayMap, operand: Enclosed) -> Enclosed:
    """A non-decreasing function that is constant between jumps; the slope is unbounded where it may jump."""
    low, high = operand.value.range
    ends = function(low), function(high)
    return _with_jumps(operand.value.scope, ends, ends[0] < ends[1])


def _with_jumps(scope: Scope, ends: Ends, jumps: Array) -> Enclosed:
    slope = None
    if scope.slopes:
        size = jnp.broadcast_to(jnp.where(jumps, INFINITY, 0.0), (scope.domain.size, *jnp.shape(ends[0])))
        slope = between(scope, (-size, size))
    return Enclosed(between(scope, ends), slope)


def unknown_slope(scope: Scope, shape: tuple[int, ...]) -> Form:
    """The slope of what may jump: it may be anything."""
    size = jnp.full((scope.domain.size, *shape), INFINITY)
    return between(scope, (-size, size))


def choose(condition: Truth, otherwise: Value, then: Value) -> Value:
    """`then` where a condition holds; where it is open, anything of the two, with unbounded slope (a jump)."""
    if isinstance(otherwise, Truth) or isinstance(then, Truth):
        return disjunction(conjunction(condition, then), conjunction(opposite(condition), otherwise))
    scope = condition.scope or scope_of((otherwise, then))
    cases = [case if isinstance(case, Enclosed) else constant_value(case, scope) for case in (otherwise, then)]
    values, slopes = [case.value for case in cases], [case.slope for case in cases]
    lows, highs = zip(*(form.range for form in values), strict=True)
    open_value = between(scope, (jnp.minimum(*lows), jnp.maximum(*highs)))
    value = choose_form(condition.decided, open_value, choose_form(condition.can_hold, *values))
    if not scope.slopes:
        return Enclosed(value, None)
    known = choose_form(condition.can_hold, *slopes)  # type: ignore[arg-type]
    return Enclosed(value, choose_form(condition.decided, unknown_slope(scope, value.shape), known))
