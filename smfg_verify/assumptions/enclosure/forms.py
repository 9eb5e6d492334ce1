r"""Affine forms: values known as an affine function of the variables, of noise, and up to a remainder.

$v = c + \sum_j x_j A_j + \sum_k \epsilon_k E_k + [-r, r]$ with $\epsilon_k \in [-1, 1]$ shared by all values of a
computation. Without noise and remainder the value is proved affine, by the structure of the program alone.
Beside the form an interval is kept where nonlinear functions have made one; the truth lies in both.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from smfg_verify.assumptions.enclosure.domain import ROUNDING, Domain
from smfg_verify.assumptions.enclosure.functions import (
    INFINITY,
    UNBOUNDED,
    Ends,
    Function,
    intersection,
    product,
    tidy,
)

# Noise symbols of one computation, and of one step of it; what comes after them goes into the remainders. Symbols keep
# values correlated, and each is one more number an entry in all that follows.
_MAX_SYMBOLS = 16
_MAX_FRESH = 8
# Relative distance of two intervals for one number that rounding cannot explain.
_PARTED = 1e-9


class NoEnclosure(ValueError):
    """A program that cannot be enclosed: a primitive without a rule, or too many numbers."""


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
        interval: ends of an interval that also holds the value, or None.
        tight: whether the interval is the image of one and so no wider than the form's own range would be.
    """

    scope: Scope
    centre: Array
    columns: Array | None = None
    remainder: Array | None = None
    interval: Ends | None = None
    tight: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return jnp.shape(self.centre)

    @property
    def is_affine(self) -> bool:
        """Proved affine in the variables."""
        return self.remainder is None and (self.columns is None or self.columns.shape[0] == self.scope.domain.size)

    @property
    def is_constant(self) -> bool:
        """Proved constant."""
        return self.remainder is None and self.columns is None

    @functools.cached_property
    def range(self) -> Ends:
        """Certified ends of the value over the domain, rounded outward."""
        if self.tight and self.interval is not None:
            return self.interval
        low, high, size = self.centre, self.centre, jnp.abs(self.centre)
        if self.columns is not None:
            number = self.scope.domain.size
            slope, noise = self.columns[:number], self.columns[number:]
            ends = self.scope.domain.extremes(slope)
            low, high, size = low + ends[0], high + ends[1], size + self.scope.domain.magnitude(slope)
            if noise.shape[0]:
                spread = jnp.sum(jnp.abs(noise), axis=0)
                low, high, size = low - spread, high + spread, size + spread
        if self.remainder is not None:
            low, high = low - self.remainder, high + self.remainder
        ends = tidy(low - ROUNDING * size, high + ROUNDING * size)
        if self.interval is None:
            return ends
        # Two intervals that hold the truth meet; if more than rounding has parted them, one does not.
        gap = jnp.maximum(ends[0], self.interval[0]) - jnp.minimum(ends[1], self.interval[1])
        self.scope.notes.append(jnp.any(gap > _PARTED * (1.0 + size)))
        return intersection(ends, self.interval)

    @functools.cached_property
    def middle(self) -> tuple[Array, Array]:
        """The middle of the range and half its width."""
        return _middle(self.range)


def _middle(ends: Ends) -> tuple[Array, Array]:
    return 0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]) * (1.0 + ROUNDING)


def variables(scope: Scope, shape: tuple[int, ...]) -> Form:
    """The variables themselves, as an array of some shape."""
    size = scope.domain.size
    return Form(scope, jnp.zeros(shape), jnp.eye(size).reshape(size, *shape))


def between(scope: Scope, ends: Ends) -> Form:
    """A value of which only an interval is known."""
    middle, radius = _middle(ends)
    return with_noise(Form(scope, middle, interval=ends, tight=True), radius)


def with_noise(form: Form, size: Array) -> Form:
    """A form plus an unknown of at most some size, one new symbol an entry while there are symbols left."""
    shape, number = form.shape, int(np.prod(form.shape))
    start = form.scope.fresh(number)
    if start is None:
        return dataclasses.replace(form, remainder=size if form.remainder is None else form.remainder + size)
    fresh = (jnp.asarray(np.eye(number)) * size.reshape(-1)).reshape(number, *shape)
    before = _rows(form.columns, form.scope.domain.size + start, shape)
    return dataclasses.replace(form, columns=jnp.concatenate([before, fresh]))


def _rows(columns: Array | None, number: int, shape: tuple[int, ...]) -> Array:
    """The first `number` columns, zeros where there are fewer."""
    if columns is None:
        return jnp.zeros((number, *shape))
    missing = number - columns.shape[0]
    return jnp.concatenate([columns, jnp.zeros((missing, *shape))]) if missing else columns


Operand = Form | Array


def linear(
    apply: Callable, operands: Sequence[Operand], *, size: Callable | None = None, bounds=None, moves: bool = False
) -> Form:
    """A map that is linear jointly in its operands, some of which are forms and the others constant.

    Args:
        apply: the map on arrays.
        operands: forms and constant arrays, at least one a form.
        size: the same map with the absolute values of its coefficients; `apply` itself if None.
        bounds: from (lower ends, upper ends) of the operands to ends of the image; None if the image is to be known as
            a form alone.
        moves: whether every entry of the image is an entry of an operand.

    Returns:
        The image.
    """
    forms = [operand for operand in operands if isinstance(operand, Form)]
    arrays = [operand.centre if isinstance(operand, Form) else jnp.asarray(operand) for operand in operands]
    columns = [operand.columns if isinstance(operand, Form) else None for operand in operands]
    remainders = [operand.remainder if isinstance(operand, Form) else None for operand in operands]
    image = remainder = interval = None
    number = max((c.shape[0] for c in columns if c is not None), default=0)
    if number:
        image = jax.vmap(apply)(*(_rows(c, number, a.shape) for c, a in zip(columns, arrays, strict=True)))
    if any(r is not None for r in remainders):
        parts = (jnp.zeros(a.shape) if r is None else r for r, a in zip(remainders, arrays, strict=True))
        remainder = (size or apply)(*parts)
    if bounds is not None and any(form.interval is not None for form in forms):
        ends = [operand.range if isinstance(operand, Form) else (operand, operand) for operand in operands]
        interval = tidy(*bounds([low for low, _ in ends], [high for _, high in ends]))
    # Moving the entries of one tight form leaves it so; sums of several correlated ones are better known as forms.
    tight = interval is not None and moves and all(form.tight for form in forms)
    return Form(forms[0].scope, apply(*arrays), image, remainder, interval, tight)


def plus(first: Form, second: Form) -> Form:
    """Sum of two forms of one shape."""
    return linear(jnp.add, [first, second], bounds=lambda low, high: (jnp.add(*low), jnp.add(*high)))


def minus(form: Form) -> Form:
    """Minus a form."""
    return Form(
        form.scope,
        -form.centre,
        None if form.columns is None else -form.columns,
        form.remainder,
        None if form.interval is None else (-form.interval[1], -form.interval[0]),
        form.tight,
    )


def scaled_form(form: Form, constant: Array) -> Form:
    """A form times a constant array, entry by entry; the shapes broadcast. What is unbounded stays so."""
    columns = None if form.columns is None else jax.vmap(lambda row: row * constant)(form.columns)
    remainder = None if form.remainder is None else form.remainder * jnp.abs(constant)
    interval = None
    if form.interval is not None:
        ends = form.range[0] * constant, form.range[1] * constant
        low, high = tidy(jnp.minimum(*ends), jnp.maximum(*ends))
        unbounded = ~((form.range[0] > -UNBOUNDED) & (form.range[1] < UNBOUNDED)) & (constant != 0.0)
        interval = jnp.where(unbounded, -INFINITY, low), jnp.where(unbounded, INFINITY, high)
        unknown = jnp.where(unbounded, INFINITY, 0.0)
        remainder = unknown if remainder is None else remainder + unknown
    return Form(form.scope, form.centre * constant, columns, remainder, interval, form.tight)


def bilinear(apply: Callable, first: Form, second: Form, *, elementwise: bool) -> Form:
    """A map linear in each of two forms.

    With middles $x_0, y_0$: $B(x, y) = B(x_0, y) + B(x, y_0) - B(x_0, y_0) + B(x - x_0, y - y_0)$.

    Args:
        apply: the map B on arrays, its coefficients non-negative.
        first: x.
        second: y.
        elementwise: whether B multiplies entry by entry (with broadcasting).

    Returns:
        B(x, y).
    """
    if first.is_constant or second.is_constant:
        return _by_constant(apply, first, second, elementwise)
    scope = first.scope
    ranges = scope.noted(first.range), scope.noted(second.range)
    (x0, x_radius), (y0, y_radius) = first.middle, second.middle
    columns = [
        None if first.columns is None else jax.vmap(lambda row: apply(row, y0))(first.columns),
        None if second.columns is None else jax.vmap(lambda row: apply(x0, row))(second.columns),
    ]
    remainders = [
        None if first.remainder is None else apply(first.remainder, jnp.abs(y0)),
        None if second.remainder is None else apply(jnp.abs(x0), second.remainder),
    ]
    form = Form(
        scope,
        apply(first.centre, y0) + apply(x0, second.centre) - apply(x0, y0),
        _sum(*columns),
        _sum(*remainders),
        scope.noted(product(*ranges)) if elementwise else None,
    )
    return with_noise(form, apply(x_radius, y_radius))


def _by_constant(apply: Callable, first: Form, second: Form, elementwise: bool) -> Form:
    constant, form = (first.centre, second) if first.is_constant else (second.centre, first)
    if elementwise:
        return scaled_form(form, constant)
    act = (lambda value, scale: apply(scale, value)) if first.is_constant else apply
    return linear(lambda value: act(value, constant), [form], size=lambda value: act(value, jnp.abs(constant)))


def _sum(first: Array | None, second: Array | None) -> Array | None:
    if first is None or second is None:
        return second if first is None else first
    rows = max(first.shape[0], second.shape[0]) if first.ndim and first.shape != second.shape else None
    if rows is not None:
        first, second = (_rows(part, rows, part.shape[1:]) for part in (first, second))
    return first + second


def compose(function: Function, form: Form) -> Form:
    r"""A function of one variable applied to each entry.

    $f(x) = f(x_0) + \alpha (x - x_0) + [-\delta, \delta]$ with $x_0$ the middle of the range, $\alpha$ the middle of
    the range of $f'$ and $\delta$ its half width times that of x, unless the range of f alone is narrower.

    Args:
        function: with its range and derivative.
        form: x.

    Returns:
        f(x).
    """
    ends = form.scope.noted(tidy(*function.range(*form.scope.noted(form.range))))
    if function.derivative is None:
        return between(form.scope, ends)
    flat, flat_size = _middle(ends)
    middle, radius = form.middle
    derivative = tidy(*function.derivative().range(*form.range))
    tilt, turning = _middle(derivative)
    at_middle = function.value(middle)
    size = turning * radius + ROUNDING * jnp.abs(at_middle)
    sloped = (derivative[0] > -UNBOUNDED) & (derivative[1] < UNBOUNDED)
    good = sloped & (size < flat_size) & (size < UNBOUNDED)
    tilt = jnp.where(good, tilt, 0.0)
    image = Form(
        form.scope,
        jnp.where(good, at_middle + tilt * (form.centre - middle), flat),
        None if form.columns is None else tilt * form.columns,
        None if form.remainder is None else jnp.abs(tilt) * form.remainder,
        ends,
        tight=True,
    )
    return with_noise(image, jnp.where(good, size, flat_size))


def choose_form(condition: Array, otherwise: Form, then: Form) -> Form:
    """One of two forms of one shape, entry by entry, by a condition that is constant in the variables."""
    return linear(
        lambda x, y: jnp.where(condition, y, x),
        [otherwise, then],
        bounds=lambda low, high: (jnp.where(condition, low[1], low[0]), jnp.where(condition, high[1], high[0])),
        moves=True,
    )


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
