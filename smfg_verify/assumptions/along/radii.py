"""The widest radius around each of many points within which something is proved, by bisection of its exponent."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

# The radius that is told is narrower than the one that is proved, by what points are rounded by and more.
_INSIDE = 1.0 - 1e-6
Prove = Callable[[Int[np.ndarray, " K"], Float[np.ndarray, " K"]], Float[np.ndarray, " K"]]


def widest(
    number: int, ends: tuple[float, float], trials: int, prove: Prove
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    """Radii found, and what is proved within them.

    Args:
        number: N points.
        ends: of the radii, as powers of two; a point of which nothing is proved within the narrowest is left alone.
        trials: radii tried around a point, at most.
        prove: given some of the points and a radius for each, a number that is proved; NaN where none is.

    Returns:
        Radius, zero where nothing is proved, and number, NaN there.
    """
    low, high = (np.full(number, end) for end in ends)
    radius, proved = np.zeros(number), np.full(number, np.nan)
    at, exponent = np.arange(number), low.copy()
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
