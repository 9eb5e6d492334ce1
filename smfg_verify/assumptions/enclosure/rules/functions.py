r"""Functions of one real variable: their range over an interval, and their derivative as another such function."""

import dataclasses
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.assumptions.enclosure.rules.arithmetic import ACCURACY, LOOSE_ACCURACY, UNIT

# In periods: so wide that rounding cannot miss an extreme or a pole.
_WIDE = 1e-9
# Beyond it the argument's own rounding, magnified by the reduction to a period, is no longer small beside `_WIDE`.
_FAR = 1e6
# A map of arrays: how many it takes depends on the equation of the program.
ArrayMap = Callable[..., Array]

Ends = tuple[Float[Array, "*shape"], Float[Array, "*shape"]]
# Stands for infinity, so that no arithmetic makes a NaN; what comes out above `UNBOUNDED` is unbounded.
INFINITY = 1e100
UNBOUNDED = 1e60


@dataclasses.dataclass(frozen=True)
class Function:
    """A function of one variable.

    Attributes:
        value: at points.
        range: from ends of an interval to ends of an interval that holds all values on it; NaN or infinite where
            nothing is known.
        derivative: gives the (generalised) derivative; None where there is none or none is used.
        accuracy: error of the machine's values, as a share of the largest on the interval; within the range already.
    """

    value: Callable[[Array], Array]
    range: Callable[[Array, Array], Ends]
    derivative: Callable[[], "Function"] | None = None
    accuracy: float = ACCURACY


def tidy(lower: Array, upper: Array) -> Ends:
    """Ends with all that is infinite or not a number put to `INFINITY`."""
    return jnp.where(lower >= -INFINITY, lower, -INFINITY), jnp.where(upper <= INFINITY, upper, INFINITY)


def outward(lower: Array, upper: Array, accuracy: float = ACCURACY) -> Ends:
    """Ends moved outward by what the library functions may be wrong by, relative to their value."""
    return lower - accuracy * jnp.abs(lower), upper + accuracy * jnp.abs(upper)


def less_accurate(function: Function, accuracy: float = LOOSE_ACCURACY) -> Function:
    """The same function, as a library computes it that is less right than most."""
    return dataclasses.replace(
        function,
        range=lambda lower, upper: outward(*function.range(lower, upper), accuracy),
        accuracy=max(accuracy, function.accuracy),
    )


def intersection(first: Ends, second: Ends) -> Ends:
    """Common part of two tidy intervals that both hold the truth; if rounding has parted them, what lies between."""
    lower, upper = jnp.maximum(first[0], second[0]), jnp.minimum(first[1], second[1])
    return jnp.minimum(lower, upper), jnp.maximum(lower, upper)


def product(
    first: Ends, second: tuple[Float[Array, "*factor"], Float[Array, "*factor"]]
) -> tuple[Float[Array, "*product"], Float[Array, "*product"]]:
    """All products of a number of each interval, tidy."""
    ends = [a * b for a in first for b in second]
    lower = jnp.minimum(jnp.minimum(ends[0], ends[1]), jnp.minimum(ends[2], ends[3]))
    upper = jnp.maximum(jnp.maximum(ends[0], ends[1]), jnp.maximum(ends[2], ends[3]))
    return tidy(*outward(lower, upper))


def scaled(function: Function, factor: float | Array) -> Function:
    """A constant times a function."""

    def image(lower: Array, upper: Array) -> Ends:
        ends = function.range(lower, upper)
        ends = ends[0] * factor, ends[1] * factor
        return outward(jnp.minimum(*ends), jnp.maximum(*ends))

    derivative = function.derivative
    return Function(
        lambda x: factor * function.value(x),
        image,
        None if derivative is None else lambda: scaled(derivative(), factor),
    )


def rising(
    value: Callable[[Array], Array], derivative: Callable[[], Function] | None = None, start: float | None = None
) -> Function:
    """A non-decreasing function, on [start, inf) if there is a start; an interval that reaches below is unbounded."""

    def image(lower: Array, upper: Array) -> Ends:
        if start is None:
            return outward(value(lower), value(upper))
        low, high = value(jnp.maximum(lower, start)), value(jnp.maximum(upper, start))
        # Below its start the machine's function is no number, however little below it is.
        inside = lower >= start
        return outward(jnp.where(inside, low, -jnp.inf), jnp.where(inside, high, jnp.inf))

    return Function(value, image, derivative)


def even(value: Callable[[Array], Array], *, falls: bool, derivative: Callable[[], Function] | None = None) -> Function:
    """An even function that falls on both sides of zero, or rises on both."""

    def image(lower: Array, upper: Array) -> Ends:
        nearest, farthest = _distances(lower, upper)
        return outward(value(farthest), value(nearest)) if falls else outward(value(nearest), value(farthest))

    return Function(value, image, derivative)


def _distances(lower: Array, upper: Array) -> Ends:
    """Smallest and largest absolute value in an interval."""
    return jnp.maximum(jnp.maximum(lower, -upper), 0.0), jnp.maximum(-lower, upper)


def times(first: Function, second: Function) -> Function:
    """Product of two functions of the same variable."""
    return Function(
        lambda x: first.value(x) * second.value(x),
        lambda lower, upper: product(tidy(*first.range(lower, upper)), tidy(*second.range(lower, upper))),
    )


def step(low: float, high: float) -> Function:
    """Derivative of a kink at zero: `low` below, `high` above, all between at zero."""
    return Function(
        lambda x: jnp.where(x > 0.0, high, low),
        lambda lower, upper: (jnp.where(lower > 0.0, high, low), jnp.where(upper < 0.0, low, high)),
    )


def integer_power(exponent: int) -> Function:
    r"""$x^k$ for an integer k; infinite range around zero if k < 0."""

    def value(x: Array) -> Array:
        return jax.lax.integer_pow(x, exponent)

    if exponent == 0:
        return Function(jnp.ones_like, lambda lower, upper: (jnp.ones_like(lower),) * 2, lambda: step(0.0, 0.0))

    def derivative() -> Function:
        return scaled(integer_power(exponent - 1), float(exponent))

    # Repeated multiplication rounds once a factor, at most.
    accuracy = 2.0 * abs(exponent) * UNIT
    if exponent % 2 == 0:
        return less_accurate(even(value, falls=exponent < 0, derivative=derivative), accuracy)
    if exponent > 0:
        return less_accurate(rising(value, derivative), accuracy)

    def image(lower: Array, upper: Array) -> Ends:
        # At zero itself the sign of the zero decides, and a computation's zero may have either.
        clear = (lower > 0.0) | (upper < 0.0)
        return outward(jnp.where(clear, value(upper), -jnp.inf), jnp.where(clear, value(lower), jnp.inf))

    return less_accurate(Function(value, image, derivative), accuracy)


def power(exponent: float | Array) -> Function:
    r"""$x^c$ for x >= 0 and a constant c; infinite range where x may be negative."""

    def value(x: Array) -> Array:
        return jnp.maximum(x, 0.0) ** exponent

    def image(lower: Array, upper: Array) -> Ends:
        ends = value(lower), value(upper)
        inside = lower >= 0.0
        low, high = jnp.minimum(*ends), jnp.maximum(*ends)
        return outward(jnp.where(inside, low, -jnp.inf), jnp.where(inside, high, jnp.inf))

    return Function(value, image, lambda: scaled(power(exponent - 1.0), exponent))


def _wave(value: Callable[[Array], Array], top: float, derivative: Callable[[], Function]) -> Function:
    """Sine or cosine, largest at `top` plus all multiples of 2 pi."""
    period = 2.0 * math.pi

    def meets(lower: Array, upper: Array, where: float) -> Array:
        # A little wide, so that rounding cannot miss an extreme.
        return jnp.floor((upper - where) / period + _WIDE) >= jnp.ceil((lower - where) / period - _WIDE)

    def image(lower: Array, upper: Array) -> Ends:
        # Far from zero the argument's own rounding spans a period.
        wild = jnp.maximum(-lower, upper) > _FAR
        ends = value(lower), value(upper)
        low = jnp.where(meets(lower, upper, top + math.pi) | wild, -1.0, jnp.minimum(*ends) - ACCURACY)
        return low, jnp.where(meets(lower, upper, top) | wild, 1.0, jnp.maximum(*ends) + ACCURACY)

    return Function(value, image, derivative)


def _tangent() -> Function:
    def image(lower: Array, upper: Array) -> Ends:
        poles = jnp.floor(upper / math.pi - 0.5 + _WIDE) >= jnp.ceil(lower / math.pi - 0.5 - _WIDE)
        poles = poles | (jnp.maximum(-lower, upper) > _FAR)
        return outward(jnp.where(poles, -jnp.inf, jnp.tan(lower)), jnp.where(poles, jnp.inf, jnp.tan(upper)))

    def slope(lower: Array, upper: Array) -> Ends:
        low, high = integer_power(2).range(*tidy(*image(lower, upper)))
        return 1.0 + low, 1.0 + high

    return Function(jnp.tan, image, lambda: Function(lambda x: 1.0 + jnp.tan(x) ** 2, slope))


EXP: Function = rising(jnp.exp, lambda: EXP)
RECIPROCAL = integer_power(-1)
LOG = rising(jnp.log, lambda: RECIPROCAL, start=0.0)
SQRT = rising(jnp.sqrt, lambda: scaled(power(-0.5), 0.5), start=0.0)
SIN: Function = _wave(jnp.sin, 0.5 * math.pi, lambda: COS)
COS: Function = _wave(jnp.cos, 0.0, lambda: scaled(SIN, -1.0))
TANH: Function = rising(jnp.tanh, lambda: _SECH2)
_SECH2: Function = even(
    lambda x: 1.0 / jnp.cosh(x) ** 2, falls=True, derivative=lambda: scaled(times(TANH, _SECH2), -2.0)
)
SIGMOID: Function = rising(jax.nn.sigmoid, lambda: _SIGMOID_SLOPE)
_SIGMOID_SLOPE: Function = even(
    lambda x: jax.nn.sigmoid(x) * jax.nn.sigmoid(-x),
    falls=True,
    derivative=lambda: scaled(times(rising(lambda x: jnp.tanh(0.5 * x)), _SIGMOID_SLOPE), -1.0),
)
_GAUSS = even(lambda x: 2.0 / math.sqrt(math.pi) * jnp.exp(-(x**2)), falls=True)
_CAUCHY = even(lambda x: 1.0 / (1.0 + x**2), falls=True)
_COSH = less_accurate(even(jnp.cosh, falls=False, derivative=lambda: ELEMENTWISE["sinh"]))
RELU = rising(lambda x: jnp.maximum(x, 0.0), lambda: step(0.0, 1.0))


def _shifted(function: Callable[[], Function]) -> Function:
    """f(1 + x)."""
    return Function(
        lambda x: function().value(1.0 + x),
        lambda lower, upper: function().range(1.0 + lower, 1.0 + upper),
        lambda: _shifted(function().derivative),  # type: ignore[arg-type]
    )


# Smooth or kinked functions by the name of their JAX primitive.
ELEMENTWISE: dict[str, Function] = {
    "exp": EXP,
    "exp2": less_accurate(rising(jnp.exp2, lambda: scaled(ELEMENTWISE["exp2"], math.log(2.0)))),
    "expm1": rising(jnp.expm1, lambda: EXP),
    "log": LOG,
    "log1p": less_accurate(rising(jnp.log1p, lambda: _shifted(lambda: RECIPROCAL), start=-1.0)),
    "sqrt": SQRT,
    "rsqrt": power(-0.5),
    "sin": SIN,
    "cos": COS,
    "tan": _tangent(),
    "tanh": TANH,
    "atan": rising(jnp.arctan, lambda: _CAUCHY),
    "sinh": less_accurate(rising(jnp.sinh, lambda: _COSH)),
    "cosh": _COSH,
    "logistic": SIGMOID,
    "erf": rising(jax.scipy.special.erf, lambda: _GAUSS),
    "abs": even(jnp.abs, falls=False, derivative=lambda: step(-1.0, 1.0)),
    "square": integer_power(2),
}

# Functions that jump: constant or unknown on an interval, with no derivative where they jump.
STAIRS: dict[str, Callable[[Array], Array]] = {
    "sign": jnp.sign,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
}
