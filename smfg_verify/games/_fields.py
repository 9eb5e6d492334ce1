"""Fields of the shipped games: a default, the values allowed, and the checks run when a game is built."""

import dataclasses
import math
import numbers
from typing import Any, Protocol, TypeGuard, cast, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, as_parameter
from smfg_verify.game.base import FieldDefault, Numerical

# What a field holds before its converter and `check_fields` have run: a type checker knows only what it holds after.
Unconverted = Any

_VALUES = "smfg_verify.values"


@runtime_checkable
class Values(Protocol):
    """Which values a field takes: `check` refuses the others, `str` says it in words."""

    def check(self, name: str, value: object, game: AbstractGame) -> None: ...


@dataclasses.dataclass(frozen=True)
class Numbers:
    """A finite float parameter: the interval of its entries and its shape.

    An axis of the shape is a length, the name of the game's attribute that holds it, or None for any length.
    """

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    shape: tuple[int | str | None, ...] = ()
    sums_to_one: bool = False
    cause: str = "a typing error, or a quantity in another unit"

    def __str__(self) -> str:
        shape = ", ".join("any" if axis is None else str(axis) for axis in self.shape)
        kind = f"array of shape ({shape}), entries" if self.shape else "number"
        left = "(" if self.low_open or self.low == -math.inf else "["
        right = ")" if self.high_open or self.high == math.inf else "]"
        total = ", summing to one" if self.sums_to_one else ""
        return f"{kind} in {left}{self.low:g}, {self.high:g}{right}{total}"

    def check(self, name: str, value: object, game: AbstractGame) -> None:
        if not isinstance(value, jax.Array):
            raise InputError(
                f"{name}: got {value!r} ({type(value).__name__}), expected {self}; likely cause: text, a boolean or "
                "a ragged list where numbers are meant."
            )
        expected = tuple(getattr(game, axis) if isinstance(axis, str) else axis for axis in self.shape)
        if not _fits(value.shape, expected):
            raise InputError(
                f"{name}: got shape {value.shape}, expected {self}, here {_words(expected)}; likely cause: one number "
                "where a list is meant, or a list of another size of the game."
            )
        if isinstance(value, jax.core.Tracer):
            return
        entries = np.asarray(value)
        above = entries > self.low if self.low_open else entries >= self.low
        below = entries < self.high if self.high_open else entries <= self.high
        if not np.all(above & below & np.isfinite(entries)):
            raise InputError(f"{name}: got {entries.tolist()}, expected a finite {self}; likely cause: {self.cause}.")
        if self.sums_to_one and abs(entries.sum() - 1.0) > 1e-6:
            raise InputError(
                f"{name}: got {entries.tolist()} with sum {entries.sum():.6g}, expected {self}; likely cause: "
                f"{self.cause}."
            )


@dataclasses.dataclass(frozen=True)
class Integer:
    """A static integer, at least `low` and, where `below` names an attribute of the game, below that."""

    low: int
    below: str | None = None

    def __str__(self) -> str:
        return f"integer, at least {self.low}" + ("" if self.below is None else f", below {self.below}")

    def check(self, name: str, value: object, game: AbstractGame) -> None:
        if not _is_integer(value):
            raise InputError(
                f"{name}: got {value!r} ({type(value).__name__}), expected an {self}; likely cause: a float, an array "
                "or text where a fixed whole number is meant."
            )
        if value < self.low or (self.below is not None and value >= getattr(game, self.below)):
            limit = "" if self.below is None else f" = {getattr(game, self.below)}"
            raise InputError(f"{name}: got {value}, expected an {self}{limit}; likely cause: counting from one.")


@dataclasses.dataclass(frozen=True)
class Choice:
    """A static string out of a few."""

    options: tuple[str, ...]

    def __str__(self) -> str:
        return " or ".join(repr(option) for option in self.options)

    def check(self, name: str, value: object, game: AbstractGame) -> None:
        if not isinstance(value, str) or value not in self.options:
            raise InputError(f"{name}: got {value!r}, expected {self}; likely cause: a misspelt option.")


@dataclasses.dataclass(frozen=True)
class Indices:
    """A static tuple of indices in 0..below-1; of the game's attribute `length` many entries, or one at least."""

    below: str
    length: str | None = None

    def __str__(self) -> str:
        return f"list of {self.length or 'one or more'} integers in 0..{self.below}-1"

    def check(self, name: str, value: object, game: AbstractGame) -> None:
        below = getattr(game, self.below)
        length = None if self.length is None else getattr(game, self.length)
        if not isinstance(value, tuple) or not all(_is_integer(entry) and 0 <= entry < below for entry in value):
            raise InputError(
                f"{name}: got {value!r}, expected a {self}, here 0..{below - 1}; likely cause: counting from one, or "
                "one number where a list is meant."
            )
        if len(value) == 0 or (length is not None and len(value) != length):
            raise InputError(
                f"{name}: got {len(value)} entries, expected a {self}, here {length or 'at least one'}; likely cause: "
                "a list of another size of the game."
            )


def number(
    default: Numerical | None,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    low_open: bool = False,
    high_open: bool = False,
    shape: tuple[int | str | None, ...] = (),
    sums_to_one: bool = False,
    cause: str = Numbers.cause,
) -> FieldDefault:
    """A float parameter of a game: a traced leaf, with the interval and the shape of its values (see `Numbers`)."""
    values = Numbers(low, high, low_open, high_open, shape, sums_to_one, cause)
    return eqx.field(converter=as_number, default=default, metadata={_VALUES: values})


def array(*shape: int | str | None, low: float = -math.inf, high: float = math.inf) -> FieldDefault:
    """A float parameter without a default, of that shape."""
    return eqx.field(converter=as_number, metadata={_VALUES: Numbers(low, high, shape=shape)})


def integer(default: object = dataclasses.MISSING, *, low: int, below: str | None = None) -> FieldDefault:
    """A static whole number, a size for instance."""
    return eqx.field(static=True, default=default, metadata={_VALUES: Integer(low, below)})


def choice(*options: str, default: object = dataclasses.MISSING) -> FieldDefault:
    """A static string out of a few options."""
    return eqx.field(static=True, default=default, metadata={_VALUES: Choice(options)})


def indices(default: tuple[int, ...] | None, *, below: str, length: str | None = None) -> FieldDefault:
    """A static tuple of indices."""
    values = Indices(below, length)
    return eqx.field(static=True, default=default, converter=_as_indices, metadata={_VALUES: values})


def discount(default: float = 0.9) -> FieldDefault:
    """Field of the discount factor gamma."""
    return number(default, low=0.0, high=1.0, high_open=True, cause="values are infinite at a discount of one or more")


def temperature(default: float) -> FieldDefault:
    """Field of the follower's entropy weight tau."""
    return number(
        default, low=0.0, low_open=True, cause="soft best responses need a positive entropy weight; try a small one"
    )


def leader_temperature() -> FieldDefault:
    """Field of the leader's entropy weight."""
    return number(0.0, low=0.0)


def probability(default: float) -> FieldDefault:
    """Field of one probability."""
    return number(default, low=0.0, high=1.0, cause="a percentage where a fraction is meant")


def initial_distribution() -> FieldDefault:
    """Field of the law of the first state; None stands for uniform until `uniform_unless_given` fills it in."""
    return number(
        None,
        low=0.0,
        low_open=True,
        high=1.0,
        shape=("num_states",),
        sums_to_one=True,
        cause="a state that is never a first state (full support is needed), or weights that were not normalised",
    )


def check_integer(name: str, value: object, *, low: int, high: int | None = None) -> None:
    """Check a whole number that is not a field; ValueError unless it lies in low..high."""
    if not _is_integer(value) or value < low or (high is not None and value > high):
        expected = f"an integer, at least {low}" + ("" if high is None else f", at most {high}")
        raise InputError(f"{name}: got {value!r}, expected {expected}; likely cause: a float or text, or another size.")


def check_rows(name: str, rows: Array) -> None:
    """Check that the last axis sums to one; arrays traced by JAX pass."""
    if isinstance(rows, jax.core.Tracer):
        return
    error = float(np.max(np.abs(np.asarray(rows).sum(axis=-1) - 1.0)))
    if not error <= 1e-5:
        raise InputError(
            f"{name}: got rows that miss the sum one by up to {error:.3g}, expected probabilities of the next state on "
            "the last axis; likely cause: another order of the axes."
        )


def concrete(value: Array) -> np.ndarray | None:
    """The numbers of an array; None for one traced by JAX, which has none to check yet."""
    return None if isinstance(value, jax.core.Tracer) else np.asarray(value)


def is_size(value: object) -> bool:
    """Whether the value can be a number of states or actions."""
    return _is_integer(value) and value >= 1


def uniform_unless_given(value: Numerical | None, size: int) -> Unconverted:
    """The value, or the uniform law if it is None (left None for a size that `check_fields` then refuses)."""
    # By NumPy: elsewhere it would be a program of its own, for each size.
    return as_parameter(np.full((size,), 1.0 / size)) if value is None and is_size(size) else value


def broadcast_number(value: Numerical, size: int) -> Unconverted:
    """One number repeated for all `size` entries; anything else as it is, for `check_fields` to judge."""
    single = getattr(value, "ndim", None) == 0 or (isinstance(value, numbers.Real) and not isinstance(value, bool))
    return jnp.full((size,), cast(ArrayLike, value), dtype=float) if single else value


def check_fields(game: AbstractGame) -> None:
    """Check every field declared by this module, in the order of declaration; numbers traced by JAX pass.

    Args:
        game: a game whose fields are set; called from its `__check_init__`.

    Raises:
        ValueError: a value of the wrong type, shape or range; the message says got, expected and likely cause.
    """
    for item in dataclasses.fields(game):
        values = item.metadata.get(_VALUES)
        if values is not None:
            values.check(f"{type(game).__name__}.{item.name}", getattr(game, item.name), game)


def allowed_values(item: dataclasses.Field[object]) -> str:
    """In words, the values a field takes; empty for a field that was declared otherwise."""
    return str(item.metadata.get(_VALUES, ""))


def as_number(value: Unconverted) -> Unconverted:
    """The value as a floating array, or as it is where it is no number: `check_fields` then refuses it by name."""
    if isinstance(value, bool | str):
        return value
    try:
        return as_parameter(value)
    except (TypeError, ValueError):
        return value


def _as_indices(value: Unconverted) -> Unconverted:
    if isinstance(value, list | tuple | np.ndarray | range):
        return tuple(int(entry) if _is_integer(entry) else entry for entry in value)
    return value


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    if len(shape) != len(expected) or 0 in shape:
        return False
    return all(want is None or have == want for have, want in zip(shape, expected, strict=True))


def _words(shape: tuple[int | None, ...]) -> str:
    return "one number" if not shape else f"({', '.join('any' if axis is None else str(axis) for axis in shape)})"
