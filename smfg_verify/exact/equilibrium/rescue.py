"""Try Newton's method first; compile and run the searches that hardly fail, but take long, only where it did."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Bool

from smfg_verify.exact.equilibrium.outcome import Equilibrium

Found = TypeVar("Found")


def with_rescue(
    attempt: Callable[[bool], Equilibrium], warm: Callable[[], Equilibrium | None] = lambda: None
) -> Equilibrium:
    """What Newton's method finds, or where that fails what a better start does, or at last what all searches find.

    Under tracing the answer is not known before the run, so all searches are part of the program.

    Args:
        attempt: the equilibrium found, or many along leading axes; the argument tells whether the costly searches are
            tried.
        warm: what is found from a start that takes less than those searches; None where there is no such start.

    Returns:
        What the last attempt found.
    """
    found = attempt(False)
    if not _needs_rescue(found):
        return found
    warmer = None if isinstance(found.converged, jax.core.Tracer) else warm()
    return attempt(True) if warmer is None or _needs_rescue(warmer) else warmer


# Points of many, as trees of arrays.
Points = tuple[Any, ...]


def with_rescue_of_points(
    attempt: Callable[..., Found],
    failed: Callable[[Found], Bool[np.ndarray, " N"]],
    *points: object,
    warm: Callable[..., Points] | None = None,
) -> tuple[Found, Bool[np.ndarray, " N"]]:
    """What Newton's method finds at many points, and where it fails what it does from a better start, or all searches.

    Args:
        attempt: what is found at points, a tree of NumPy arrays; `rescue` tells whether the costly searches are tried.
        failed: the points to try again, (N,).
        *points: arrays or trees of NumPy arrays, the first axis that of the points.
        warm: the same points with starts that take less than those searches; None if there are none.

    Returns:
        What was found at every point, and which were tried again.
    """
    found = attempt(*points, rescue=False)
    again = failed(found)
    if warm is not None and again.any():
        found = _tried_again(found, again, attempt(*warm(*_at(points, again)), rescue=False))
    hard = failed(found)
    if hard.any():
        found = _tried_again(found, hard, attempt(*_at(points, hard), rescue=True))
    return found, again


def _at(points: Points, rows: Bool[np.ndarray, " N"]) -> Points:
    chosen: Points = jax.tree.map(lambda leaf: leaf[rows], points)
    return chosen


def _tried_again(found: Found, rows: Bool[np.ndarray, " N"], by: Found) -> Found:
    result: Found = jax.tree.map(lambda first, second: _replaced(first, rows, second), found, by)
    return result


def _replaced(leaf: np.ndarray, rows: Bool[np.ndarray, " N"], by: np.ndarray) -> np.ndarray:
    replaced = leaf.copy()
    replaced[rows] = by
    return replaced


def _needs_rescue(equilibrium: Equilibrium) -> bool:
    if isinstance(equilibrium.converged, jax.core.Tracer):
        return True
    gap = equilibrium.source_gap  # no other search brings a game's tables and their source together
    arrived = np.asarray(equilibrium.converged)  # of NumPy: a JAX array would be reduced by a program
    return not bool(np.all(arrived if gap is None else arrived | ~np.asarray(gap.agrees)))
