"""Which games have cells, and how many a check may look at."""

import functools

from smfg_verify.assumptions.enclosure.response.rowwise.bounds import sets_of
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.assumptions.enclosure.response.tables.curved import curved_tables
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.game import AbstractGame
from smfg_verify.game.identity import GameKey

# Beyond so many dimensions of (leader policy, mean field) cells are too many to try.
MOST_DIMENSIONS = 8
# What the cells of a check may cost together, for each box of its budget; and what a cell costs at least.
_COST, _LEAST = 24_576, 128


def affordable_cells(tables: Tables, num_boxes: int) -> int:
    """Cells that a budget of boxes allows, by models alone: a number of the game's sizes alone."""
    return max(1, int(_COST * num_boxes / _models(tables)))


def cost_by_rows(tables: Tables) -> float:
    """What it costs to look at a cell's leader rows by themselves, in cells looked at by models alone."""
    n, local = tables.num_states, tables.num_states + tables.width - 2
    rows = n**2 * tables.num_actions + n * len(sets_of(n)) * (n * (n - 1) // 2)
    return rows * (1 + local) * (2 + local) / 2 / _models(tables)


def _models(tables: Tables) -> int:
    return tables.num_states**2 * tables.num_actions * (1 + tables.shape.dimension + len(tables.shape.first)) + _LEAST


def tables_of(game: AbstractGame) -> tuple[Tables | None, str]:
    """The tables of a game that is worth trying, of any functions that can be enclosed, or none and the reason."""
    tables, reason = tables_of_any_size(game)
    if tables is not None and (many := _too_many(tables)):
        return None, many
    return tables, reason


def tables_of_any_size(game: AbstractGame) -> tuple[Tables | None, str]:
    """The same with any number of dimensions: of small cells few are enough. Once for a game's content."""
    return _known(GameKey.of(game))


@functools.lru_cache(maxsize=4)
def _known(key: GameKey) -> tuple[Tables | None, str]:
    game = key.game
    if game.num_states == 1:
        return None, "a game of one state has one mean field"
    tables = vertex_tables(game)
    return curved_tables(game) if tables is None else (tables, "")


def _too_many(tables: Tables) -> str:
    number = tables.shape.dimension
    if number <= MOST_DIMENSIONS:
        return ""
    return f"{number} dimensions of leader policies and mean fields, more than {MOST_DIMENSIONS}"
