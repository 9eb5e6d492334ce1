"""What cells prove of a game, kept: a bound of a number over all its leader policies and mean fields."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.budget import affordable_cells, cost_by_rows, tables_of
from smfg_verify.assumptions.enclosure.response.cells import Cells, centre_of
from smfg_verify.assumptions.enclosure.response.measures import Bounds
from smfg_verify.assumptions.enclosure.response.search import CellSupremum, supremum_over_cells
from smfg_verify.game import AbstractGame
from smfg_verify.game.identity import GameKey

# Distance of the bound from the number at a cell's centre at which the search ends.
_TOLERANCE = 0.01
# Of `measures`, with the arrays that it takes behind tables and cells; at module level, since it is part of the key.
Measure = Callable[..., Bounds]


class Proof(NamedTuple):
    """What cells prove.

    Attributes:
        cells: what was found over them; None where the game has no cells.
        reason: why there are none; empty where there are.
        worst: leader's policy (O, B) and mean field (n,) at the centre with the largest number; None without cells.
    """

    cells: CellSupremum | None
    reason: str
    worst: tuple[Float[np.ndarray, "O B"], Float[np.ndarray, " n"]] | None = None


def proof_by_cells(
    game: AbstractGame,
    measure: Measure,
    *arrays: Float[np.ndarray, "..."],
    num_boxes: int,
    hopeless: float = float("inf"),
) -> Proof:
    """A bound of every leader policy and mean field, pure ones and vertices included.

    Computed once for a game's content and a budget.

    Args:
        game: the game, traced.
        measure: what is bounded over cells.
        arrays: that the measure takes behind tables and cells.
        num_boxes: of the budget.
        hopeless: what a centre need only attain for the search to end.

    Returns:
        The bound, or why there is none.
    """
    content = tuple((array.shape, array.tobytes()) for array in arrays)
    return _cached(_Key(GameKey.of(game), measure, content, num_boxes, hopeless, arrays))


@dataclasses.dataclass(frozen=True)
class _Key:
    """What a bound depends on, and what it is computed of."""

    key: GameKey
    measure: Measure
    content: object
    num_boxes: int
    hopeless: float
    arrays: tuple[np.ndarray, ...] = dataclasses.field(compare=False)


@functools.lru_cache(maxsize=64)
def _cached(asked: _Key) -> Proof:
    tables, reason = tables_of(asked.key.game)
    if tables is None:
        return Proof(None, reason)

    def bound(cells: Cells, /, *, by_rows: bool) -> Bounds:
        return asked.measure(tables, cells, *asked.arrays, by_rows=by_rows)

    found = supremum_over_cells(
        tables,
        bound,
        num_cells=affordable_cells(tables, asked.num_boxes),
        by_rows=cost_by_rows(tables),
        tolerance=_TOLERANCE,
        hopeless=asked.hopeless,
    )
    return Proof(found, "", centre_of(tables, found.worst))
