"""The supremum over all leaders and mean fields of a bound over cells: the cells of the largest bounds are halved."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.cells import Cells, filled
from smfg_verify.assumptions.enclosure.response.forest import Looked
from smfg_verify.assumptions.enclosure.response.measures import Bounds
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.processors import processors

# Cells halved at once.
_BATCH = 256
# Cells bounded at once by one thread: their models fit into a processor's cache.
_PART = 128
T = TypeVar("T", Bounds, Looked)


class CellSupremum(NamedTuple):
    """Supremum of a number over all leaders and mean fields.

    Attributes:
        upper: certified at all times, also out of budget.
        lower: the largest at a centre, in plain floats.
        worst: the vertices of the cell with that centre, (D, W).
        mixing: how far a law moves in l1, at most, where a chain's rows move by 1 in l1.
        cells: cells bounded.
        finished: whether the two are as near as asked for.
        curve: certified bound after each round.
    """

    upper: float
    lower: float
    worst: Float[np.ndarray, "D W"]
    mixing: float
    cells: int
    finished: bool
    curve: Float[np.ndarray, " T"]


def supremum_over_cells(
    tables: Tables,
    bound: Callable[[Cells], Bounds],
    *,
    num_cells: int,
    tolerance: float,
    hopeless: float = float("inf"),
) -> CellSupremum:
    """Best-first branch and bound over leader policies and mean fields.

    Args:
        tables: of the game.
        bound: of cells.
        num_cells: cells bounded, at most; the first always is.
        tolerance: distance of the two bounds at which to stop.
        hopeless: what a centre need only attain for the search to end.

    Returns:
        The bounds.
    """
    cells = Cells.whole(tables.shape)
    left = _Left(cells.vertices, in_parts(bound, cells))
    lower, worst, count = float(left.found.centre[0]), cells.vertices[0], 1
    curve = [float(left.found.upper[0])]
    while curve[-1] - lower > tolerance and lower < hopeless and count + 2 <= num_cells:
        left, halves, new = _halved(left, bound, min(_BATCH, (num_cells - count) // 2))
        count += len(new.upper)
        best = int(np.argmax(new.centre))
        if new.centre[best] > lower:
            lower, worst = float(new.centre[best]), halves.vertices[best]
        curve.append(float(np.max(left.found.upper)))
    finished = bool(curve[-1] - lower <= tolerance)
    return CellSupremum(curve[-1], lower, worst, float(np.max(left.found.mixing)), count, finished, np.array(curve))


class _Left(NamedTuple):
    """Cells that cover the domain, and what is known of each."""

    vertices: Float[np.ndarray, "N D W"]
    found: Bounds


def _halved(left: _Left, bound: Callable[[Cells], Bounds], most: int) -> tuple[_Left, Cells, Bounds]:
    """The cover with the cells of the largest bounds halved, the halves, and their bounds."""
    number = min(most, len(left.vertices))
    worst = np.sort(np.argpartition(-left.found.upper, number - 1)[:number])
    halves = Cells(left.vertices[worst]).halved(left.found.edge[worst])
    new = in_parts(bound, halves)
    # A half has no point that the whole has not.
    whole = (np.tile(part[worst], 2) for part in (left.found.upper, left.found.mixing))
    new = new._replace(upper=np.minimum(new.upper, next(whole)), mixing=np.minimum(new.mixing, next(whole)))
    kept = np.ones(len(left.vertices), dtype=bool)
    kept[worst] = False
    found = Bounds(*(np.concatenate([old[kept], part]) for old, part in zip(left.found, new, strict=True)))
    return _Left(np.concatenate([left.vertices[kept], halves.vertices]), found), halves, new


def in_parts(bound: Callable[[Cells], T], cells: Cells, size: int = _PART) -> T:
    """Bounds of cells part by part, the same whatever the number of threads and the other cells."""
    number = len(cells.vertices)
    every = filled(np.arange(number))
    parts = [Cells(cells.vertices[every[begin : begin + size]]) for begin in range(0, len(every), size)]
    threads = min(processors(), len(parts))
    if threads == 1:
        found = [bound(part) for part in parts]
    else:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(bound, parts))
    return type(found[0])(*(np.concatenate(values)[:number] for values in zip(*found, strict=True)))
