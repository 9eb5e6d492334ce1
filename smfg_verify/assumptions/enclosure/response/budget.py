"""Which games have cells, and how many a check may look at."""

from smfg_verify.assumptions.enclosure.response.vertex_tables import VertexTables, vertex_tables
from smfg_verify.game import AbstractGame

# Beyond so many dimensions of (leader policy, mean field) cells are too many to try.
MOST_DIMENSIONS = 8
# What the cells of a check may cost together, for each box of its budget; and what a cell costs at least.
_COST, _LEAST = 16_384, 128


def affordable_cells(tables: VertexTables, num_boxes: int) -> int:
    """Cells that a budget of boxes allows: a number of the game's sizes alone."""
    states, _, actions, _ = tables.reward.shape
    cost = states**2 * actions * (1 + tables.shape.dimension + len(tables.shape.first))
    return max(1, int(_COST * num_boxes / (cost + _LEAST)))


def usable_tables(game: AbstractGame) -> tuple[VertexTables | None, str]:
    """The tables of a game that is worth trying, or none and the reason."""
    tables = vertex_tables(game)
    if tables is None:
        return None, "functions not proved affine in a mean field of states"
    if tables.shape.dimension > MOST_DIMENSIONS:
        return None, (
            f"{tables.shape.dimension} dimensions of leader policies and mean fields, more than {MOST_DIMENSIONS}"
        )
    return tables, ""
