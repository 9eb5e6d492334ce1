"""One leader's fixed point of index -1, proved by a cell around it."""

import itertools

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.cells import Cells
from smfg_verify.assumptions.enclosure.response.index.fixed_points import fixed_points_over, newton_steps
from smfg_verify.assumptions.enclosure.response.index.judged import judged
from smfg_verify.assumptions.enclosure.response.slopes import slopes_over
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables

# Widths of the cells tried, powers of two, that of Newton's method, and the grid on which all coordinates are exact.
_WIDTHS, _NARROW, _GRID = range(3, 20), 14, 2.0**-40
_NUM_STEPS = 6


def leader_corners(tables: Tables, policy: Float[np.ndarray, "O B"]) -> list[np.ndarray] | None:
    """A leader as corners of cells: of each row that does something a simplex of one point.

    Args:
        tables: of the game.
        policy: by row; moved to the grid, by less than 1e-12.

    Returns:
        The corners; None where the policy takes an action that the tables do without.
    """
    found = []
    for row, actions in zip(policy, tables.row_actions, strict=True):
        if len(actions) > 1:
            kept = row[list(actions)]
            if np.sum(kept) < 1.0 - 1e-9:
                return None
            found.append(np.tile(_on_grid(kept / np.sum(kept)), (len(actions), 1)))
    return found


def corners_of_centre(tables: Tables, cell: Float[np.ndarray, "D W"]) -> list[np.ndarray]:
    """The same of the leader at the centre of a cell."""
    ends = np.cumsum((0, *tables.shape.sizes))
    parts = [cell[a:b, : b - a] for a, b in itertools.pairwise(ends)]
    return [np.tile(_on_grid(part.mean(axis=0)), (len(part), 1)) for part in parts[1:]]


def cells_of(tables: Tables, corners: list[np.ndarray], around: Float[np.ndarray, "K n n"]) -> Cells:
    """Cells of one leader, from simplices of mean fields."""
    sizes = tables.shape.sizes
    vertices, begin = np.zeros((len(around), sum(sizes), max(sizes))), sizes[0]
    vertices[:, :begin, :begin] = around
    for part in corners:
        vertices[:, begin : begin + len(part), : len(part)] = part
        begin += len(part)
    return Cells(vertices)


def negative_at(
    tables: Tables, corners: list[np.ndarray], mean_field: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "D W"] | None:
    """A cell that a fixed point of index -1 of one leader is proved to lie in, as near to a mean field as Newton goes.

    Args:
        tables: of the game.
        corners: of the leader.
        mean_field: where to start.

    Returns:
        The cell, its vertices; None where nothing is proved.
    """
    for _ in range(_NUM_STEPS):
        around = _simplices(mean_field, [_NARROW])
        if not len(around):
            return None
        cell = cells_of(tables, corners, around)
        step = newton_steps(fixed_points_over(tables, cell, slopes_over(tables, cell)).excess)[:, 0]
        mean_field = np.maximum(mean_field + step @ (around[0, 1:] - around[0, 0]), 0.0)
        if not np.all(np.isfinite(mean_field)):
            return None
        mean_field = mean_field / np.sum(mean_field)
    around = _simplices(mean_field, _WIDTHS)
    if not len(around):
        return None
    cells = cells_of(tables, corners, around)
    found = judged(tables, cells)
    proved = np.flatnonzero(found.negative & found.some)
    return cells.vertices[proved[0]] if len(proved) else None


def _on_grid(weights: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
    """A law whose entries are multiples of the grid and sum to 1 exactly; the largest takes the rest."""
    rounded: Float[np.ndarray, " p"] = np.round(np.maximum(weights, 0.0) / _GRID) * _GRID
    largest = int(np.argmax(rounded))
    rounded[largest] = 0.0
    rounded[largest] = 1.0 - np.sum(rounded)
    return rounded


def _simplices(mean_field: Float[np.ndarray, " n"], widths: list[int] | range) -> Float[np.ndarray, "K n n"]:
    """Simplices around a mean field, of widths 2^-k, those that lie inside the simplex of all mean fields."""
    n = len(mean_field)
    middle, share = _on_grid(mean_field), np.round(np.full(n, 1.0 / n) / 2.0**-20) * 2.0**-20
    share[0] = 1.0 - np.sum(share[1:])
    found = np.array([middle - 2.0**-k * share + 2.0**-k * np.eye(n) for k in widths])
    kept: Float[np.ndarray, "K n n"] = found[np.min(found, axis=(1, 2)) > 0.0]
    return kept
