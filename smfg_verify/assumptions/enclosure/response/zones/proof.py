"""What zones prove of a game, kept: its l1 modulus over all mean fields, and where equilibria can be."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.budget import tables_of_any_size
from smfg_verify.assumptions.enclosure.response.cells import Cells, edges_of
from smfg_verify.assumptions.enclosure.response.rowwise.bounds import sets_of
from smfg_verify.assumptions.enclosure.response.tables.affine import VertexTables
from smfg_verify.assumptions.enclosure.response.zones.bounds import ZoneBound, zone_bound
from smfg_verify.assumptions.enclosure.response.zones.leaders import LawProof, contraction_on_laws
from smfg_verify.assumptions.enclosure.simplices import Shape
from smfg_verify.game import AbstractGame
from smfg_verify.game.identity import GameKey

# So many boxes of a budget for each cell, and cells at most.
_BOXES, _MOST_CELLS = 100, 64
# Pieces of leaders for each box of a budget, in a game of so many numbers of pairs of rows, and at most.
_PIECES, _NUMBERS, _MOST_PIECES = 2.5, 1e6, 4.0
# Beyond so many states, or followers' actions, or rows of a state, pairs of rows are too many.
_MOST_STATES, _MOST_ACTIONS, _MOST_ROWS = 6, 4, 16


class ZoneProof(NamedTuple):
    """What is proved of a game.

    Attributes:
        modulus, mixing: of `ZoneBound`, of all leaders and mean fields; infinite where nothing is.
        cells: of mean fields, looked at.
    """

    modulus: float
    mixing: float
    cells: int


_NOTHING = ZoneProof(float("inf"), float("inf"), 0)


def proof_by_zones(game: AbstractGame, num_boxes: int) -> ZoneProof:
    """A bound of every leader policy and mean field, pure ones and vertices included.

    Computed once for a game's content and a budget.

    Args:
        game: the game, traced.
        num_boxes: of the budget.

    Returns:
        The bound; nothing for functions that are not affine and for games of many states or actions.
    """
    return _cached(GameKey.of(game), num_boxes)


@functools.lru_cache(maxsize=64)
def _cached(key: GameKey, num_boxes: int) -> ZoneProof:
    tables = _small_tables(key.game)
    return _NOTHING if tables is None else zones_over(tables, min(max(1, num_boxes // _BOXES), _MOST_CELLS))


def proof_on_laws(game: AbstractGame, num_boxes: int) -> LawProof | None:
    """The same of the mean fields that laws of chains can be, by pieces of the leaders.

    Args:
        game: the game, traced.
        num_boxes: of the budget.

    Returns:
        The proof; None for functions that are not affine and for games of many states or actions.
    """
    return _cached_on_laws(GameKey.of(game), num_boxes)


@functools.lru_cache(maxsize=64)
def _cached_on_laws(key: GameKey, num_boxes: int) -> LawProof | None:
    tables = _small_tables(key.game)
    return None if tables is None else contraction_on_laws(tables, affordable_pieces(tables, num_boxes))


def affordable_pieces(tables: VertexTables, num_boxes: int) -> int:
    """Pieces of leaders that a budget of boxes allows: a number of the game's sizes alone."""
    n, rows = tables.num_states, tables.transition.shape[2] * tables.width
    kinds = len(sets_of(n)) + n * (n - 1) // 2
    numbers = n * (n - 1) * rows**2 * n * kinds * n
    return max(1, int(num_boxes * min(_PIECES * _NUMBERS / numbers, _MOST_PIECES)))


def _small_tables(game: AbstractGame) -> VertexTables | None:
    """The tables of an affine game of few states and actions."""
    rows = game.num_follower_actions * game.num_leader_actions
    few = game.num_follower_actions <= _MOST_ACTIONS and rows <= _MOST_ROWS
    tables = tables_of_any_size(game)[0] if few and 1 < game.num_states <= _MOST_STATES else None
    return tables if isinstance(tables, VertexTables) else None


def zones_over(tables: VertexTables, num_cells: int) -> ZoneProof:
    """The largest bound of cells that cover all mean fields: that with the largest is halved, again and again.

    Args:
        tables: of the game.
        num_cells: looked at, at most; the first always is.

    Returns:
        The bound.
    """
    shape = Shape((tables.num_states,))
    edges = edges_of(shape)
    cells = Cells.whole(shape).vertices
    found, looked = [zone_bound(tables, cells[0])], 1
    while looked + 2 <= num_cells:
        worst = int(np.argmax([bound.modulus for bound in found]))
        halves = Cells(cells[worst : worst + 1]).halved(_longest(cells[worst], edges)[None]).vertices
        whole, looked = found.pop(worst), looked + 2
        # A half has no point that the whole has not.
        found += [_smaller(whole, zone_bound(tables, half)) for half in halves]
        cells = np.concatenate([np.delete(cells, worst, axis=0), halves])
    return ZoneProof(max(bound.modulus for bound in found), max(bound.mixing for bound in found), looked)


def _smaller(whole: ZoneBound, half: ZoneBound) -> ZoneBound:
    return ZoneBound(min(whole.modulus, half.modulus), min(whole.mixing, half.mixing))


def _longest(cell: Float[np.ndarray, "n n"], edges: np.ndarray) -> np.ndarray:
    lengths = np.sum((cell[edges[:, 0]] - cell[edges[:, 1]]) ** 2, axis=1)
    longest: np.ndarray = edges[np.argmax(lengths)]
    return longest
