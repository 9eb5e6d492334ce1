r"""Affine forms: values known as an affine function of the variables, of noise, and up to a remainder.

$v = c + \sum_j x_j A_j + \sum_k \epsilon_k E_k + [-r, r] + [-e, e]$ with $\epsilon_k \in [-1, 1]$ shared by all values
of a computation, r what nonlinear functions leave over and e the roundings so far, the machine's and our own. Without
noise and remainder the value is proved affine up to rounding, by the structure of the program alone.
Beside the form an interval may be kept; the truth lies in both.
"""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from smfg_verify.assumptions.enclosure.domain import Domain, outward_share
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY, UNIT
from smfg_verify.assumptions.enclosure.rules.functions import INFINITY, UNBOUNDED, Ends, intersection, tidy

# Noise symbols of one computation, and of one step of it; what comes after them goes into the remainders. Symbols keep
# values correlated, and each is one more number an entry in all that follows.
_MAX_SYMBOLS = 16
_MAX_FRESH = 8
# Relative distance of two intervals for one number that rounding cannot explain.
_PARTED = 1e-9


@dataclasses.dataclass(eq=False)
class Scope:
    """One computation: where its variables live, and how many noise symbols it has used.

    Attributes:
        domain: of the variables.
        slopes: whether derivatives are carried along.
        symbols: noise symbols used so far.
        notes: for each range that something rests on, whether it is unbounded somewhere, or no interval at all.
    """

    domain: Domain
    slopes: bool = False
    symbols: int = 0
    notes: list[Array] = dataclasses.field(default_factory=list)

    def fresh(self, number: int) -> int | None:
        """Index of the first of so many new noise symbols; None where there are too many."""
        if number > _MAX_FRESH or self.symbols + number > _MAX_SYMBOLS:
            return None
        self.symbols += number
        return self.symbols - number

    def noted(self, ends: Ends) -> Ends:
        """The same ends; if they are unbounded anywhere the whole computation will be.

        Later steps may turn the number that stands for infinity into one that looks like a bound: a logarithm of it, a
        tiny multiple of it.
        """
        self.notes.append(jnp.any(~((ends[0] > -UNBOUNDED) & (ends[1] < UNBOUNDED))))
        return ends

    @property
    def unbounded(self) -> Array:
        """Whether anything noted so far is unbounded."""
        return jnp.any(jnp.stack(self.notes)) if self.notes else jnp.asarray(False)


@dataclasses.dataclass(frozen=True, eq=False)
class Form:
    """An array known as an affine form; parts that are None are zero by structure.

    Attributes:
        scope: the computation it belongs to.
        centre: c, (*shape).
        columns: A and below it E, (D + S, *shape), or None; S is at most the number of symbols used.
        remainder: r >= 0, (*shape), or None.
        error: e >= 0, (*shape), or None where every number so far is exact.
        interval: ends of an interval that also holds the value, roundings included, or None.
        tight: whether the interval is the image of one and so no wider than the form's own range would be.
    """

    scope: Scope
    centre: Array
    columns: Array | None = None
    remainder: Array | None = None
    error: Array | None = None
    interval: Ends | None = None
    tight: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return jnp.shape(self.centre)

    @property
    def is_affine(self) -> bool:
        """Proved affine in the variables, up to rounding."""
        return self.remainder is None and (self.columns is None or self.columns.shape[0] == self.scope.domain.size)

    @property
    def is_constant(self) -> bool:
        """Proved constant, up to rounding."""
        return self.remainder is None and self.columns is None

    @functools.cached_property
    def size(self) -> Array:
        """What the form's parts add up to at most, in absolute value: its roundings are relative to that."""
        total = jnp.abs(self.centre)
        if self.columns is not None:
            number = self.scope.domain.size
            total = total + self.scope.domain.largest(self.columns[:number])
            if self.columns.shape[0] > number:
                total = total + jnp.sum(jnp.abs(self.columns[number:]), axis=0)
        for part in (self.remainder, self.error):
            total = total if part is None else total + part
        return total

    @functools.cached_property
    def range(self) -> Ends:
        """Certified ends of the value over the domain, rounded outward."""
        if self.tight and self.interval is not None:
            return self.interval
        if self.is_constant and self.error is None:
            return self.centre, self.centre
        low, high, size = self.centre, self.centre, jnp.abs(self.centre)
        # Where all parts are zero the value is; elsewhere numbers may be so small that a share of them is put to zero.
        there = size > 0.0
        if self.columns is not None:
            there = there | jnp.any(self.columns != 0.0, axis=0)
            number = self.scope.domain.size
            slope, noise = self.columns[:number], self.columns[number:]
            ends = self.scope.domain.extremes(slope)
            low, high, size = low + ends[0], high + ends[1], size + self.scope.domain.magnitude(slope)
            if noise.shape[0]:
                spread = jnp.sum(jnp.abs(noise), axis=0)
                low, high, size = low - spread, high + spread, size + spread
        for part in (self.remainder, self.error):
            if part is not None:
                low, high, size, there = low - part, high + part, size + part, there | (part > 0.0)
        margin = outward_share(self.scope.domain.size) * size + jnp.where(there, TINY, 0.0)
        ends = tidy(low - margin, high + margin)
        if self.interval is None:
            return ends
        # Two intervals that hold the truth meet; if more than rounding has parted them, one does not.
        gap = jnp.maximum(ends[0], self.interval[0]) - jnp.minimum(ends[1], self.interval[1])
        self.scope.notes.append(jnp.any(gap > _PARTED * (1.0 + size)))
        return intersection(ends, self.interval)

    @functools.cached_property
    def middle(self) -> tuple[Array, Array]:
        """The middle of the range and half its width, rounded up."""
        return middle_of(self.range)


def middle_of(ends: Ends) -> tuple[Array, Array]:
    """The middle of an interval, and a radius about it that holds the interval, roundings included."""
    size = jnp.maximum(jnp.abs(ends[0]), jnp.abs(ends[1]))
    rounding = 2.0 * UNIT * size + jnp.where(size > 0.0, TINY, 0.0)
    return 0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]) + rounding


def variables(scope: Scope, shape: tuple[int, ...]) -> Form:
    """The variables themselves, as an array of some shape; they are exact."""
    size = scope.domain.size
    ends = scope.domain.lower.reshape(shape), scope.domain.upper.reshape(shape)
    return Form(scope, jnp.zeros(shape), jnp.eye(size).reshape(size, *shape), interval=ends, tight=True)


def between(scope: Scope, ends: Ends, error: Array | None = None) -> Form:
    """A value of which only an interval is known, which holds its roundings too; and what they come to, if asked."""
    middle, radius = middle_of(ends)
    return with_noise(Form(scope, middle, error=error, interval=ends, tight=True), radius)


def with_noise(form: Form, size: Array) -> Form:
    """A form plus an unknown of at most some size, one new symbol an entry while there are symbols left."""
    shape, number = form.shape, int(np.prod(form.shape))
    start = form.scope.fresh(number)
    if start is None:
        return dataclasses.replace(form, remainder=size if form.remainder is None else form.remainder + size)
    fresh = (jnp.asarray(np.eye(number)) * size.reshape(-1)).reshape(number, *shape)
    before = columns_up_to(form.columns, form.scope.domain.size + start, shape)
    return dataclasses.replace(form, columns=jnp.concatenate([before, fresh]))


def columns_up_to(columns: Array | None, number: int, shape: tuple[int, ...]) -> Array:
    """The first `number` columns, zeros where there are fewer."""
    if columns is None:
        return jnp.zeros((number, *shape))
    missing = number - columns.shape[0]
    return jnp.concatenate([columns, jnp.zeros((missing, *shape))]) if missing else columns


def unless_unbounded(form: Form) -> Form:
    """The form, about which nothing is known if its computation met anything unbounded.

    What is affine by structure rests on no range, and stays.
    """
    if form.is_affine:
        return form
    unknown = jnp.where(form.scope.unbounded, INFINITY, 0.0)
    remainder = jnp.zeros(form.shape) if form.remainder is None else form.remainder
    interval = form.interval
    if interval is not None:
        interval = jnp.where(form.scope.unbounded, -INFINITY, interval[0]), interval[1] + unknown
    return dataclasses.replace(form, remainder=remainder + unknown, interval=interval)
