"""The supremum over all leaders and mean fields of a bound over cells: the cells of the largest bounds are halved."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.response.cells import NARROWEST, Cells, filled
from smfg_verify.assumptions.enclosure.response.forest import Looked
from smfg_verify.assumptions.enclosure.response.measures import Bounds
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.processors import processors

# Cells halved at once.
_BATCH = 256
# Cells bounded at once by one thread: their models fit into a processor's cache.
_PART = 128
# Leader rows are looked at by themselves for as long as so many cells of those looked at gained so much, and else in
# every so many rounds: cells that gain nothing become smaller.
_WORTH, _GAIN, _AGAIN = 0.25, 0.1, 16
T = TypeVar("T", Bounds, Looked)


@runtime_checkable
class Bound(Protocol):
    """Bounds of cells, with leader rows looked at by themselves or not."""

    def __call__(self, cells: Cells, /, *, by_rows: bool) -> Bounds: ...


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
    bound: Bound,
    *,
    num_cells: int,
    by_rows: float = 0.0,
    tolerance: float,
    hopeless: float = float("inf"),
) -> CellSupremum:
    """Best-first branch and bound over leader policies and mean fields, until a worst cell is tiny, as at a jump.

    Args:
        tables: of the game.
        bound: of cells.
        num_cells: cells bounded, at most, where none is looked at by rows; the first always is.
        by_rows: what such a look costs beside, in cells.
        tolerance: distance of the two bounds at which to stop.
        hopeless: what a centre need only attain for the search to end.

    Returns:
        The bounds.
    """
    cells = Cells.whole(tables.shape)
    left = _Left(cells.vertices, in_parts(functools.partial(bound, by_rows=True), cells))
    lower, worst, looks = float(left.found.centre[0]), cells.vertices[0], _Looks().after(left.found)
    curve = [float(left.found.upper[0])]
    while curve[-1] - lower > tolerance and lower < hopeless and (most := looks.affordable(num_cells, by_rows)):
        chosen = left.worst(most)
        if np.min(Cells(left.vertices[chosen]).lengths(left.found.edge[chosen])) <= NARROWEST:
            break
        left, halves, new = _halved(left, functools.partial(bound, by_rows=looks.by_rows), chosen)
        looks = looks.after(new)
        best = int(np.argmax(new.centre))
        if new.centre[best] > lower:
            lower, worst = float(new.centre[best]), halves.vertices[best]
        curve.append(float(np.max(left.found.upper)))
    finished = bool(curve[-1] - lower <= tolerance)
    mixing = float(np.max(left.found.mixing))
    return CellSupremum(curve[-1], lower, worst, mixing, looks.cells, finished, np.array(curve))


class _Looks(NamedTuple):
    """Looks at cells so far: their number, of which by rows, the rounds, and whether the next are worth one by rows."""

    cells: int = 0
    by_rows_cells: int = 0
    rounds: int = 0
    worth: bool = True

    @property
    def by_rows(self) -> bool:
        """Whether the next round's cells are looked at by rows: a thing of the cells alone, not of the machine."""
        return self.worth or self.rounds % _AGAIN == 0 or self.cells < _BATCH

    def after(self, found: Bounds) -> "_Looks":
        """With those of another round."""
        looked = ~np.isnan(found.gained)
        number = int(np.sum(looked))
        worth = bool(np.mean(found.gained[looked] >= _GAIN) >= _WORTH) if number else self.worth
        return _Looks(self.cells + len(looked), self.by_rows_cells + number, self.rounds + 1, worth)

    def affordable(self, num_cells: int, cost: float) -> int:
        """Cells that may be halved next."""
        left = num_cells - self.cells - cost * self.by_rows_cells
        return max(0, min(_BATCH, int(left / (2.0 * (1.0 + cost * self.by_rows)))))


class _Left(NamedTuple):
    """Cells that cover the domain, and what is known of each."""

    vertices: Float[np.ndarray, "N D W"]
    found: Bounds

    def worst(self, most: int) -> Int[np.ndarray, " K"]:
        """Cells of the largest bounds; while there are infinite ones those alone: no other cell matters before."""
        number = min(most, int(np.sum(np.isinf(self.found.upper))) or len(self.vertices))
        return np.sort(np.argpartition(-self.found.upper, number - 1)[:number])


def _halved(left: _Left, bound: Callable[[Cells], Bounds], worst: Int[np.ndarray, " K"]) -> tuple[_Left, Cells, Bounds]:
    """The cover with some cells halved, the halves, and their bounds."""
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
