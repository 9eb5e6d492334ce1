"""The widest radius around each of many points within which something is proved, by bisection of its exponent."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

# The radius that is told is narrower than the one that is proved, by what points are rounded by and more.
_INSIDE = 1.0 - 1e-6
Prove = Callable[[Int[np.ndarray, " K"], Float[np.ndarray, " K"]], Float[np.ndarray, " K"]]


def widest(
    ends: tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]], trials: int, prove: Prove
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    """Radii found, and what is proved within them.

    Args:
        ends: of each point's radii, as powers of two; where nothing is proved within the narrowest, no other is tried.
        trials: radii tried around a point, at most.
        prove: given some of the points and a radius for each, a number that is proved; NaN where none is.

    Returns:
        Radius, zero where nothing is proved, and number, NaN there.
    """
    low, high = (np.array(end, dtype=float) for end in ends)
    radius, proved = np.zeros(len(low)), np.full(len(low), np.nan)
    at, exponent = np.arange(len(low)), low.copy()
    for _ in range(trials):
        width = 2.0 ** exponent[at]
        found = prove(at, width)
        good = np.isfinite(found)
        # Each success is wider than those before.
        radius[at[good]], proved[at[good]] = _INSIDE * width[good], found[good]
        low[at[good]], high[at[~good]] = exponent[at[good]], exponent[at[~good]]
        exponent = 0.5 * (low + high)
        at = at[radius[at] > 0.0]
        if not len(at):
            break
    return radius, proved


def the_same(number: int, ends: tuple[float, float]) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    """The same ends for all of N points."""
    return np.full(number, ends[0]), np.full(number, ends[1])
