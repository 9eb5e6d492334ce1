"""What is known of cells: no fixed point, or the index that one would have."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.enclosure.response.cells import Cells
from smfg_verify.assumptions.enclosure.response.index.fixed_points import fixed_points_over
from smfg_verify.assumptions.enclosure.response.index.orientation import orientation_of
from smfg_verify.assumptions.enclosure.response.measures import edges_to_cut
from smfg_verify.assumptions.enclosure.response.slopes import Slopes, slopes_over
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables


class Judged(NamedTuple):
    """What is known of each of K cells.

    Attributes:
        empty: it holds no fixed point, (K,).
        positive: a fixed point in it has index +1, (K,): inside the simplex by the sign of a determinant, anywhere by a
            symmetric part that is positive definite.
        negative: a fixed point in it is inside the simplex and has index -1, (K,).
        some: every leader of it has a fixed point in it, (K,).
        slack: of `Orientation` where positive, infinite elsewhere, (K,).
        mixing: of `Slopes`; finite where the chain has one law only, for sure, (K,).
        edge: the edge along which the cell should be cut, (K, 2).
    """

    empty: Bool[np.ndarray, " K"]
    positive: Bool[np.ndarray, " K"]
    negative: Bool[np.ndarray, " K"]
    some: Bool[np.ndarray, " K"]
    slack: Float[np.ndarray, " K"]
    mixing: Float[np.ndarray, " K"]
    edge: Int[np.ndarray, "K 2"]


def judged(tables: Tables, cells: Cells) -> Judged:
    """What is known of cells.

    Args:
        tables: of the game.
        cells: K of them.

    Returns:
        Answers, false where nothing is known.
    """
    found = slopes_over(tables, cells, by_rows=False)
    points, orientation = fixed_points_over(tables, cells, found), orientation_of(found.jacobian)
    empty = points.none & _continuous(tables, found)
    left = np.isfinite(found.mixing) & ~points.none
    positive = left & (orientation.definite | (points.inner & (orientation.sign > 0)))
    negative = left & points.inner & (orientation.sign < 0)
    slack = np.where(positive, orientation.slack, np.inf)
    with np.errstate(all="ignore"):
        edge = edges_to_cut(tables, found)
    return Judged(empty, positive, negative, points.some, slack, found.mixing, edge)


def judged_by_law(tables: Tables, cells: Cells) -> Judged:
    """The same for the question whether the chain has one law only everywhere: cells where it has count as empty."""
    found = slopes_over(tables, cells, by_rows=False)
    single, never = np.isfinite(found.mixing) & _continuous(tables, found), np.zeros(len(found.mixing), bool)
    with np.errstate(all="ignore"):
        edge = edges_to_cut(tables, found)
    return Judged(single, never, never, never, np.full(len(never), np.inf), found.mixing, edge)


def _continuous(tables: Tables, found: Slopes) -> Bool[np.ndarray, " K"]:
    """Whether the map has no jump in a cell: a finite slope of all secants says so, or that no function has any."""
    bounded = np.isfinite(found.modulus) | np.all(np.isfinite(found.jacobian.radius), axis=(0, 1))
    continuous: Bool[np.ndarray, " K"] = bounded | tables.continuous
    return continuous
