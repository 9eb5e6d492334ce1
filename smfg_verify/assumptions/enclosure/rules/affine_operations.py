r"""Operations on affine forms, each with its rounding term: linear and bilinear maps, functions of one variable."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

from smfg_verify.assumptions.enclosure.affine_forms import Form, between, columns_up_to, middle_of, with_noise
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY, UNIT, rounding
from smfg_verify.assumptions.enclosure.rules.functions import (
    INFINITY,
    UNBOUNDED,
    ArrayMap,
    Ends,
    Function,
    product,
    tidy,
)

Operand = Form | Array


def widened(ends: Ends, error: Array) -> Ends:
    """Ends moved outward by a rounding, which changes no sign: sums and products of numbers >= 0 round to one >= 0.

    Ends that are both zero may stand for positive numbers too small for a float.
    """
    low, high = ends
    return (
        jnp.where(low >= 0.0, jnp.maximum(low - error, 0.0), low - error),
        jnp.where((high <= 0.0) & (low < 0.0), jnp.minimum(high + error, 0.0), high + error),
    )


def linear(
    apply: ArrayMap,
    operands: Sequence[Operand],
    *,
    size: ArrayMap | None = None,
    bounds: Callable[[list[Array], list[Array]], Ends] | None = None,
    terms: int = 0,
) -> Form:
    """A map that is linear jointly in its operands, some of which are forms and the others constant.

    Args:
        apply: the map on arrays.
        operands: forms and constant arrays, at least one a form.
        size: the same map with the absolute values of its coefficients; `apply` itself if None.
        bounds: from (lower ends, upper ends) of the operands to ends of the image; None if the image is to be known as
            a form alone.
        terms: numbers that an entry of the image adds up, at most; 0 where entries only move, which rounds nothing.

    Returns:
        The image.
    """
    forms = [operand for operand in operands if isinstance(operand, Form)]
    arrays = [operand.centre if isinstance(operand, Form) else jnp.asarray(operand) for operand in operands]
    absolute = size or apply
    image = _image(apply, operands, arrays)
    remainder, error = (_spread(absolute, operands, arrays, part) for part in ("remainder", "error"))
    exact = error is None
    new = None
    if terms:
        sizes = [operand.size if isinstance(operand, Form) else jnp.abs(operand) for operand in operands]
        new = rounding(terms, absolute(*sizes))
        error = new if error is None else error + new
    interval = None
    if bounds is not None and any(form.interval is not None for form in forms):
        ends = [operand.range if isinstance(operand, Form) else (operand, operand) for operand in operands]
        lows, highs = [low for low, _ in ends], [high for _, high in ends]
        interval = bounds(lows, highs)
        if new is not None:
            # One rounded sum of two exact numbers has the sign of the true sum, whatever the signs of the two.
            signed = widened(interval, new) if exact and terms == 2 else None
            interval = signed or _sum_widened(absolute, lows, highs, interval, new)
        interval = tidy(*interval)
    # Moving the entries of one tight form leaves it so; sums of several correlated ones are better known as forms.
    tight = interval is not None and not terms and all(form.tight for form in forms)
    return Form(forms[0].scope, apply(*arrays), image, remainder, error, interval, tight)


def _image(apply: ArrayMap, operands: Sequence[Operand], arrays: Sequence[Array]) -> Array | None:
    columns = [operand.columns if isinstance(operand, Form) else None for operand in operands]
    number = max((c.shape[0] for c in columns if c is not None), default=0)
    if not number:
        return None
    return jax.vmap(apply)(*(columns_up_to(c, number, a.shape) for c, a in zip(columns, arrays, strict=True)))


def _spread(absolute: ArrayMap, operands: Sequence[Operand], arrays: Sequence[Array], name: str) -> Array | None:
    """Image of the remainders or errors of the operands; None where there are none."""
    parts = [getattr(operand, name) if isinstance(operand, Form) else None for operand in operands]
    if all(part is None for part in parts):
        return None
    return absolute(*(jnp.zeros(a.shape) if part is None else part for part, a in zip(parts, arrays, strict=True)))


def _sum_widened(absolute: ArrayMap, lows: list[Array], highs: list[Array], ends: Ends, error: Array) -> Ends:
    """Ends of a sum moved outward, but not across zero where no term can be on the other side of it."""
    negative = absolute(*(jnp.minimum(low, 0.0) for low in lows))
    positive = absolute(*(jnp.maximum(high, 0.0) for high in highs))
    low, high = ends[0] - error, ends[1] + error
    return jnp.where(negative < 0.0, low, jnp.maximum(low, 0.0)), jnp.where(
        positive > 0.0, high, jnp.minimum(high, 0.0)
    )


def plus(first: Form, second: Form) -> Form:
    """Sum of two forms of one shape."""
    return linear(jnp.add, [first, second], bounds=lambda low, high: (jnp.add(*low), jnp.add(*high)), terms=2)


def shifted(form: Form, constant: Array) -> Form:
    """A form plus a constant array of its shape."""
    return linear(jnp.add, [form, constant], bounds=lambda low, high: (jnp.add(*low), jnp.add(*high)), terms=2)


def minus(form: Form) -> Form:
    """Minus a form, which rounds nothing."""
    return Form(
        form.scope,
        -form.centre,
        None if form.columns is None else -form.columns,
        form.remainder,
        form.error,
        None if form.interval is None else (-form.interval[1], -form.interval[0]),
        form.tight,
    )


def scaled_form(form: Form, constant: Array) -> Form:
    """A form times a constant array, entry by entry; the shapes broadcast. What is unbounded stays so."""
    scale = jnp.abs(constant)
    columns = None if form.columns is None else jax.vmap(lambda row: row * constant)(form.columns)
    remainder = None if form.remainder is None else form.remainder * scale
    new = rounding(1, form.size * scale)
    error = new if form.error is None else form.error * scale + new
    interval = None
    if form.interval is not None:
        ends = form.range[0] * constant, form.range[1] * constant
        low, high = tidy(*widened((jnp.minimum(*ends), jnp.maximum(*ends)), new))
        unbounded = ~((form.range[0] > -UNBOUNDED) & (form.range[1] < UNBOUNDED)) & (constant != 0.0)
        interval = jnp.where(unbounded, -INFINITY, low), jnp.where(unbounded, INFINITY, high)
        if not form.is_affine:
            unknown = jnp.where(unbounded, INFINITY, 0.0)
            remainder = unknown if remainder is None else remainder + unknown
    return Form(form.scope, form.centre * constant, columns, remainder, error, interval, form.tight)


def bilinear(apply: ArrayMap, first: Form, second: Form, *, elementwise: bool, terms: int = 1) -> Form:
    """A map linear in each of two forms.

    With middles $x_0, y_0$: $B(x, y) = B(x_0, y) + B(x, y_0) - B(x_0, y_0) + B(x - x_0, y - y_0)$.

    Args:
        apply: the map B on arrays, its coefficients non-negative.
        first: x.
        second: y.
        elementwise: whether B multiplies entry by entry (with broadcasting).
        terms: products that an entry of the image adds up.

    Returns:
        B(x, y).
    """
    if first.is_constant or second.is_constant:
        return _by_constant(apply, first, second, elementwise, terms)
    scope = first.scope
    ranges = scope.noted(first.range), scope.noted(second.range)
    (x0, x_radius), (y0, y_radius) = first.middle, second.middle
    columns = [
        None if first.columns is None else jax.vmap(lambda row: apply(row, y0))(first.columns),
        None if second.columns is None else jax.vmap(lambda row: apply(x0, row))(second.columns),
    ]
    remainder = _cross(apply, (first.remainder, second.remainder), (jnp.abs(x0), jnp.abs(y0)))
    # Roundings are magnified by whatever the other factor is, its middle and its radius.
    error = _cross(apply, (first.error, second.error), (jnp.abs(x0) + x_radius, jnp.abs(y0) + y_radius))
    sizes = [jnp.maximum(form.size, jnp.abs(form.middle[0])) + form.middle[1] for form in (first, second)]
    # The machine's rounding, and ours of the three products of the centre and of the columns.
    new = 4.0 * rounding(terms, apply(*sizes))
    form = Form(
        scope,
        apply(first.centre, y0) + apply(x0, second.centre) - apply(x0, y0),
        _sum(*columns),
        remainder,
        new if error is None else error + new,
        scope.noted(tidy(*widened(product(*ranges), rounding(1, 0.0)))) if elementwise else None,  # type: ignore[arg-type]
    )
    return with_noise(form, apply(x_radius, y_radius))


def _cross(apply: ArrayMap, parts: tuple[Array | None, Array | None], others: tuple[Array, Array]) -> Array | None:
    """Parts of the two factors, each times the size of the other factor."""
    first, second = parts
    return _sum(
        None if first is None else apply(first, others[1]), None if second is None else apply(others[0], second)
    )


def _by_constant(apply: ArrayMap, first: Form, second: Form, elementwise: bool, terms: int) -> Form:
    constant, form = (first, second) if first.is_constant else (second, first)
    if elementwise:
        image = scaled_form(form, constant.centre)
        act = apply
    else:
        act = (lambda value, scale: apply(scale, value)) if first.is_constant else apply
        image = contracted(act, form, constant.centre, terms)
    if constant.error is None:
        return image
    return with_error(image, act(form.size, constant.error))


def contracted(act: ArrayMap, form: Form, constant: Array, terms: int) -> Form:
    """A contraction of a form with a constant array, sums of so many products."""
    return linear(
        lambda value: act(value, constant), [form], size=lambda value: act(value, jnp.abs(constant)), terms=terms
    )


def with_error(form: Form, error: Array) -> Form:
    """A form with a further rounding; its interval is dropped, which does not know of it."""
    total = error if form.error is None else form.error + error
    return dataclasses.replace(form, error=total, interval=None, tight=False)


def _sum(first: Array | None, second: Array | None) -> Array | None:
    if first is None or second is None:
        return second if first is None else first
    rows = max(first.shape[0], second.shape[0]) if first.ndim and first.shape != second.shape else None
    if rows is not None:
        first, second = (columns_up_to(part, rows, part.shape[1:]) for part in (first, second))
    return first + second


def compose(function: Function, form: Form) -> Form:
    r"""A function of one variable applied to each entry.

    $f(x) = f(x_0) + \alpha (x - x_0) + [-\delta, \delta]$ with $x_0$ the middle of the range, $\alpha$ the middle of
    the range of $f'$ and $\delta$ its half width times that of x, unless the range of f alone is narrower. The
    library's f is right to a share of the largest value of f.

    Args:
        function: with its range, derivative and accuracy.
        form: x.

    Returns:
        f(x).
    """
    ends = widened(function.range(*form.scope.noted(form.range)), jnp.asarray(TINY))
    ends = form.scope.noted(tidy(*ends))
    if function.derivative is None:
        return between(form.scope, ends)
    flat, flat_size = middle_of(ends)
    middle, radius = form.middle
    derivative = tidy(*function.derivative().range(*form.range))
    tilt, turning = middle_of(derivative)
    size = turning * radius
    sloped = (derivative[0] > -UNBOUNDED) & (derivative[1] < UNBOUNDED)
    good = sloped & (size < flat_size) & (size < UNBOUNDED)
    tilt = jnp.where(good, tilt, 0.0)
    largest = jnp.maximum(jnp.abs(ends[0]), jnp.abs(ends[1]))
    error = jnp.where(good, function.accuracy, UNIT) * largest
    error = error + rounding(2, jnp.abs(tilt) * (form.size + jnp.abs(middle)))
    if form.error is not None:
        # Where the range alone is kept it holds this already; said all the same, for who asks how rough a value is.
        steepest = jnp.maximum(jnp.abs(derivative[0]), jnp.abs(derivative[1]))
        magnified = jnp.where(good, jnp.abs(tilt), steepest) * form.error
        error = error + jnp.where(good, magnified, jnp.minimum(magnified, 2.0 * flat_size))
    image = Form(
        form.scope,
        jnp.where(good, function.value(middle) + tilt * (form.centre - middle), flat),
        None if form.columns is None else tilt * form.columns,
        None if form.remainder is None else jnp.abs(tilt) * form.remainder,
        error,
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
    )
