"""What a program's variables hold while it is enclosed: numbers known as forms, conditions, or plain constants."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool

from smfg_verify.assumptions.enclosure.affine_forms import Form, Scope

# Roundings up to this share of a function's size are roundings. A function that is rougher is a staircase as it runs:
# it is not affine, and its steps have no slope.
ROUGH = 1e-9
# Far above what the least float stands for in rounding terms, and far below any number of a game.
NOTHING = 1e-200
# The largest integer up to which every one is a float64.
_LAST_EXACT = 2.0**53


@dataclasses.dataclass(frozen=True, eq=False)
class Enclosed:
    """A value that depends on the variables.

    Attributes:
        value: its form, (*shape); it holds what the machine computes.
        slope: form of the (generalised) derivative in each variable of the real function that the program stands for,
            (D, *shape); None where none is carried.
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


if TYPE_CHECKING:
    Value = Enclosed | Truth | Array
else:

    @runtime_checkable
    class _Literal(Protocol):
        """A number in the text of a program, an array for every primitive; JAX does not export its classes."""

        shape: tuple[int, ...]
        dtype: object

    Value = Enclosed | Truth | ArrayLike | _Literal


def scope_of(operands: Sequence[Value]) -> Scope:
    """The computation that the operands that depend on the variables belong to."""
    for operand in operands:
        if isinstance(operand, Enclosed):
            return operand.value.scope
        if isinstance(operand, Truth) and operand.scope is not None:
            return operand.scope
    raise AssertionError("none of the operands depends on the variables")


def number(constant: Value) -> Array:
    """A constant as an array of floats; unsigned integers have no negative ones to compute with."""
    return jnp.asarray(constant, dtype=float)


def exactly_a_number(constant: Array) -> Bool[Array, ""]:
    """Whether all integers of a constant array are floats too: beyond 2^53 some are not."""
    return jnp.all(jnp.abs(number(constant)) <= _LAST_EXACT)


def constant_value(array: Value, scope: Scope) -> Enclosed:
    """A constant as an enclosed value."""
    array = number(array)
    slope = Form(scope, jnp.zeros((scope.domain.size, *array.shape))) if scope.slopes else None
    return Enclosed(Form(scope, array), slope)


def too_rough(enclosed: Enclosed, attained: Array) -> Bool[Array, "*shape"]:
    """Whether a value is rougher than rounding, so that its steps have no slope.

    Args:
        enclosed: with its slope.
        attained: a size that the function attains.

    Returns:
        Of the value's shape.
    """
    assert enclosed.slope is not None
    if enclosed.value.error is None:
        return jnp.zeros(enclosed.value.shape, dtype=bool)
    low, high = enclosed.slope.range
    steepest = jnp.max(jnp.maximum(jnp.abs(low), jnp.abs(high)), axis=0)
    return enclosed.value.error > jnp.maximum(ROUGH * jnp.maximum(attained, steepest), NOTHING)
