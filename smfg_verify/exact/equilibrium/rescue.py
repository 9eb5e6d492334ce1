"""Try Newton's method first; compile and run the searches that hardly fail, but take long, only where it did."""

from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jaxtyping import Bool

from smfg_verify.exact.equilibrium.outcome import Equilibrium

Found = TypeVar("Found")


def with_rescue(attempt: Callable[[bool], Equilibrium]) -> Equilibrium:
    """What Newton's method finds, or where that fails what all searches find.

    Under tracing the answer is not known before the run, so all searches are part of the program.

    Args:
        attempt: the equilibrium found, or many along leading axes; the argument tells whether the costly searches are
            tried.

    Returns:
        What the last attempt found.
    """
    found = attempt(False)
    return attempt(True) if _needs_rescue(found) else found


def with_rescue_of_points(
    attempt: Callable[..., Found], failed: Callable[[Found], Bool[np.ndarray, " N"]], *points: object
) -> tuple[Found, Bool[np.ndarray, " N"]]:
    """What Newton's method finds at many points, and where it fails what all searches find.

    Args:
        attempt: what is found at points, a tree of NumPy arrays; `rescue` tells whether the costly searches are tried.
        failed: the points to try again, (N,).
        *points: arrays or trees of NumPy arrays, the first axis that of the points.

    Returns:
        What was found at every point, and which were tried again.
    """
    found = attempt(*points, rescue=False)
    again = failed(found)
    if again.any():
        rescued = attempt(*jax.tree.map(lambda leaf: leaf[again], points), rescue=True)
        found = jax.tree.map(lambda first, second: _replaced(first, again, second), found, rescued)
    return found, again


def _replaced(leaf: np.ndarray, rows: Bool[np.ndarray, " N"], by: np.ndarray) -> np.ndarray:
    replaced = leaf.copy()
    replaced[rows] = by
    return replaced


def _needs_rescue(equilibrium: Equilibrium) -> bool:
    if isinstance(equilibrium.converged, jax.core.Tracer):
        return True
    gap = equilibrium.source_gap  # no other search brings a game's tables and their source together
    return not bool(np.all(equilibrium.converged if gap is None else equilibrium.converged | ~gap.agrees))
