r"""The machine's arithmetic as the rules assume it: rounding terms, number types, and what is refused.

Every rule encloses what the machine computes from the machine's own operands: the exact operation, plus a rounding
term relative to the largest numbers that it combines, not to their sum. So a term stays as large as it was when later
operations cancel those numbers. Compiled code may contract a product and a sum into one rounding, add in any order,
fold constants that follow each other (as XLA does), multiply by a reciprocal in place of dividing, and put
denormal numbers to zero: none of these is farther from the exact result than the terms below allow.
"""

from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from smfg_verify.records.entries import Entries

# Spacing of float64 at one: twice the largest relative rounding of one operation.
UNIT = 2.0**-52
# Added to each rounding: numbers this small may have been put to zero.
TINY = 1e-290
# Spacings added to the number of terms of a sum: the machine's roundings and our own, of centre and columns.
_SPARE = 8
# Relative error of the library's functions, some 450 spacings; measured on XLA's CPU code against 200 bits they are
# right to 2, but for exp2 (up to 360 near the ends of its range) and log1p (up to 120 near -0.41).
ACCURACY = 1e-13
LOOSE_ACCURACY = 1e-12
# A type of numbers: one of NumPy, or one of JAX alone, such as that of random keys; they have no common class.
ElementType = Any
Size = TypeVar("Size", float, Array)


class NoEnclosure(ValueError):
    """A program that cannot be enclosed: a primitive without a rule, a number type, or too many numbers."""


def rounding(terms: int, size: Size) -> Size:
    """Bound of the roundings of a sum of `terms` products whose absolute values add up to at most `size`."""
    return (terms + _SPARE) * UNIT * size + TINY


def require_known_types(name: str, types: tuple[ElementType, ...], params: Entries) -> None:
    """Refuse an equation whose arithmetic has no rounding term.

    Args:
        name: of the primitive.
        types: of its results.
        params: of the equation.

    Raises:
        NoEnclosure: results that are neither float64 nor integers nor truth values, or a lowered precision.
    """
    for kind in types:
        # Keys of random draws and the like are no NumPy types at all.
        known = kind == jnp.float64 or kind == jnp.bool_ or jnp.issubdtype(kind, jnp.integer)
        if not known:
            raise NoEnclosure(f"primitive '{name}' with a result of type {kind} has no enclosure: float64 alone has")
    if params.get("accuracy") is not None:
        raise NoEnclosure(f"primitive '{name}' with an accuracy of its own has no enclosure")
    if "Algorithm" in type(params.get("precision")).__name__:
        raise NoEnclosure(f"primitive '{name}' with an algorithm of its own has no enclosure")


def is_integer(kind: ElementType) -> bool:
    """Whether a type is one of the integers, signed or not."""
    return bool(jnp.issubdtype(kind, jnp.integer))


def integer_limits(kind: ElementType) -> tuple[float, float]:
    """Least and largest floats that are numbers of an integer type."""
    info = jnp.iinfo(kind)
    least, most = float(info.min), float(info.max)
    return least, most if int(most) <= int(info.max) else float(np.nextafter(most, 0.0))
