r"""Cells of mean fields, with each state's leader row in pieces of its own.

What the followers face in a state depends on the mean field and on that state's leader row. So models over the mean
field's simplex and over *one* simplex of a row's size serve all states at once: in each state the coordinates of the
latter mean a place in a piece of that state's own row. Entries of different states must not be put into one sum.
"""

import functools

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.cells import Cells, edges_of
from smfg_verify.assumptions.enclosure.response.models import Model, Shape
from smfg_verify.assumptions.enclosure.response.problem import Problem, problem_of
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables


@functools.cache
def pieces_of(width: int, halvings: int) -> Float[np.ndarray, "R W W"]:
    """A simplex halved again and again along the longest edges: the pieces' vertices, in barycentric coordinates."""
    if width == 1:
        return np.ones((1, 1, 1))
    shape = Shape((width,))
    cells, edges = Cells.whole(shape), edges_of(shape)
    for _ in range(halvings):
        ends = (cells.vertices[:, edges[:, k]] for k in (0, 1))
        lengths = np.sum(np.subtract(*ends) ** 2, axis=2)
        cells = cells.halved(edges[np.argmax(lengths, axis=1)])
    return cells.vertices


def local_shape(tables: Tables) -> Shape:
    """Of the mean field's simplex and of one leader row."""
    return Shape((tables.num_states, tables.width) if tables.width > 1 else (tables.num_states,))


def problem_in_pieces(tables: Tables, cells: Cells, halvings: int) -> Problem:
    """The followers' problem over the pieces of cells, all cells of the first piece first.

    Args:
        tables: of the game.
        cells: K of them.
        halvings: of each row.

    Returns:
        The problem, R K cells of `local_shape`.
    """
    n, shape = tables.num_states, local_shape(tables)
    pieces = pieces_of(tables.width, halvings)
    rows = np.einsum("rpq,knqb->rknpb", pieces, _row_vertices(tables, cells))
    rows = np.ascontiguousarray(np.moveaxis(rows.reshape(-1, *rows.shape[2:]), 0, -1))
    corners = np.tile(cells.vertices[:, :n, :n], (len(pieces), 1, 1))
    ends = np.ascontiguousarray(np.moveaxis(corners, 0, -1))
    number = rows.shape[-1]
    linear = np.zeros((shape.dimension, n, number))
    linear[: n - 1] = ends[1:] - ends[:1]
    field = Model.affine(ends.mean(axis=0), linear, shape)
    turned = np.zeros((shape.dimension, n, tables.width, number))
    turned[n - 1 :] = np.swapaxes(rows[:, 1:] - rows[:, :1], 0, 1)
    return problem_of(tables, corners, field, Model.affine(rows.mean(axis=1), turned, shape))


def _row_vertices(tables: Tables, cells: Cells) -> Float[np.ndarray, "K n W W"]:
    """The vertices of each state's leader row, some more than once where a row has fewer than others."""
    found = np.zeros((len(cells.vertices), tables.num_states, tables.width, tables.width))
    acting, corners = np.cumsum(tables.row_sizes > 1), np.cumsum((0, *tables.shape.sizes))
    for s, row in enumerate(tables.observation):
        size = tables.row_sizes[row]
        if size == 1:
            found[:, s, :, 0] = 1.0
            continue
        own = corners[acting[row]] + np.resize(np.arange(size), tables.width)
        found[:, s, :, :size] = cells.vertices[:, own, :size]
    return found
