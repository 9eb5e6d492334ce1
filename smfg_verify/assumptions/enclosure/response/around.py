r"""Cells around laws: all laws of which no entry is lower by more than r, so all within total variation r.

With $l_i = \max(0, x_i - r)$ these are the simplex $\{l + (1 - \sum_i l_i)\, q\}$, q any law: a part of the whole one,
also where x lies on its boundary.
"""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.cells import Cells
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables

# Coordinates are multiples of it, so that they sum to one exactly and halves of them are exact; and what laws may be
# off by as computed.
_GRID, _ROUNDED = 2.0**-40, 2.0**-44


def lower_ends(laws: Float[np.ndarray, "*S p"], radius: Float[np.ndarray, "*S"]) -> Float[np.ndarray, "*S p"]:
    """Lowest entries of all laws within a radius of some: multiples of the grid that sum to one at most.

    Args:
        laws: p entries each, rounded.
        radius: in total variation, one a law.

    Returns:
        The lower ends.
    """
    lowest = np.maximum(laws - radius[..., None] - _ROUNDED, 0.0)
    ends: Float[np.ndarray, "*S p"] = np.floor(lowest / _GRID) * _GRID
    return ends


def simplices_above(lowest: Float[np.ndarray, "K p"]) -> Float[np.ndarray, "K p p"]:
    """Vertices of the simplices of all laws whose entries are not below some; exact for multiples of the grid."""
    rest = 1.0 - np.sum(lowest, axis=1)
    vertices: Float[np.ndarray, "K p p"] = lowest[:, None] + rest[:, None, None] * np.eye(lowest.shape[1])
    return vertices


def cells_around(
    tables: Tables,
    policies: Float[np.ndarray, "K O B"],
    radius: Float[np.ndarray, " K"],
    fields: Float[np.ndarray, "K n"],
) -> Cells:
    """Cells of all leaders with every row that near to a policy's, and of mean fields with entries not below some.

    Args:
        tables: of the game.
        policies: leaders', by row, rounded.
        radius: of each, in total variation.
        fields: lower ends, multiples of the grid.

    Returns:
        A cell each.
    """
    sizes = tables.shape.sizes
    vertices, begin = np.zeros((len(radius), sum(sizes), max(sizes))), sizes[0]
    vertices[:, :begin, :begin] = simplices_above(fields)
    for row, weights in enumerate(tables.row_weights):
        if len(weights) > 1:
            # A mean of actions moves no farther than the law that it is of.
            corners = simplices_above(lower_ends(policies[:, row] @ weights.T, radius))
            end = begin + len(weights)
            vertices[:, begin:end, : len(weights)] = corners
            begin = end
    return Cells(vertices)
