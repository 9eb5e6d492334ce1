r"""All leaders and mean fields in cells that hold no fixed point, or only such as have index +1.

Where every cell does, each leader has exactly one equilibrium. For a leader $\phi$ the map $\Gamma_\phi$ takes the
simplex into itself and is continuous: its chain has one stationary law at every mean field, as every cell proved, and
what followers face is continuous, since it is affine or has finite slopes in every cell, each closed. With
r the projection onto the simplex, the fixed points of $\Gamma_\phi \circ r$ on the affine hull are those of
$\Gamma_\phi$, and where they are isolated, hence finitely many, their indices sum to the Lefschetz number of the
simplex, 1. Two kinds have index +1:

- One in the interior, $m_0$, with $\det(I - D\Gamma_\phi) > 0$ on tangents: where the map is smooth the sign is the
  index. With kinks the index is at least 1, so that, since they sum to 1, it is 1: in each cell with $m_0$ a matrix
  between the slopes, all of them regular, takes $x - m_0$ to $F(x) = x - \Gamma_\phi(x)$, so that $m_0$ is isolated;
  and by the area formula the index times the volume of a small ball around 0 is the integral of $\det DF > 0$ over
  what F takes there.
- One, $m_0$, in cells where $\langle v, D\Gamma_\phi v \rangle \le (1 - c) |v|^2$, on the boundary or not. Were
  $x - m_0 = s\,(\Gamma_\phi(r(x)) - m_0)$ with $0 \le s \le 1$ and x near $m_0$, the product with $d = r(x) - m_0$
  would give $|d|^2 \le s (1 - c) |d|^2$, since r is a projection and the segment from $r(x)$ to $m_0$ lies in one of
  the cells; so d is zero, and x is $m_0$. The homotopy to the constant map has no other zero near $m_0$, whose index is
  that of the constant.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.response.cells import NARROWEST, Cells
from smfg_verify.assumptions.enclosure.response.index.judged import Judged, judged, judged_by_law
from smfg_verify.assumptions.enclosure.response.index.one_leader import cells_of, corners_of_centre, negative_at
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables

# Cells halved at once, and cells of index -1 in which a fixed point is looked for, at most.
_BATCH, _MOST_TRIED = 256, 16
# Cells in which the law of a leader may be proved the only one of its chain.
_NUM_CELLS = 4096


class Cover(NamedTuple):
    """What cells say of all leaders and mean fields.

    Attributes:
        undecided: share of them in cells that are neither empty nor positive.
        empty, positive: how many cells are.
        cells: looked at.
        tried: cells in which a fixed point would have index -1 and was looked for.
        smallest: the smallest undecided cell, its vertices (D, W); None where there is none.
        negative: a cell of one leader that has a fixed point of index -1 in it; None where none was met.
        slack: smallest of the positive cells; infinite where there is none.
        mixing: largest of the empty and the positive cells.
    """

    undecided: float
    empty: int
    positive: int
    cells: int
    tried: int
    smallest: Float[np.ndarray, "D W"] | None
    negative: Float[np.ndarray, "D W"] | None
    slack: float
    mixing: float

    @property
    def complete(self) -> bool:
        """Whether no cell is left: not a question to their share, which may be less than a float holds."""
        return self.smallest is None


def cover(
    tables: Tables,
    num_cells: int,
    judge: Callable[[Tables, Cells], Judged] = judged,
    whole: Cells | None = None,
) -> Cover:
    """Halve the largest cells that are undecided, until none is, or one has a fixed point of index -1, or all are tiny.

    Args:
        tables: of the game.
        num_cells: cells looked at, at most; the first always is.
        judge: of cells.
        whole: what is covered, one cell; everything if None.

    Returns:
        What was reached.
    """
    whole = Cells.whole(tables.shape) if whole is None else whole
    left = _Left(whole.vertices[:0], np.zeros(0), np.zeros((0, 2), int))
    reached = Cover(1.0, 0, 0, 0, 0, None, None, float("inf"), 0.0)
    left, reached = _looked_at(tables, left, reached, whole, np.ones(1), judge(tables, whole))
    while len(left.vertices) and reached.negative is None and reached.cells + 2 <= num_cells:
        chosen = np.argsort(-left.share, kind="stable")[: min(_BATCH, (num_cells - reached.cells) // 2)]
        cells = Cells(left.vertices[chosen])
        if np.min(cells.lengths(left.edge[chosen])) <= NARROWEST:
            break
        halves = cells.halved(left.edge[chosen])
        kept = np.setdiff1d(np.arange(len(left.vertices)), chosen)
        shares = np.tile(0.5 * left.share[chosen], 2)
        rest = _Left(*(part[kept] for part in left))
        left, reached = _looked_at(tables, rest, reached, halves, shares, judge(tables, halves))
    smallest = left.vertices[int(np.argmin(left.share))] if len(left.vertices) else None
    return reached._replace(undecided=float(np.sum(left.share)), smallest=smallest)


class _Left(NamedTuple):
    """Cells that are undecided: their vertices, their share of the whole, and where to cut them."""

    vertices: Float[np.ndarray, "N D W"]
    share: Float[np.ndarray, " N"]
    edge: Int[np.ndarray, "N 2"]


def _looked_at(
    tables: Tables, left: _Left, reached: Cover, cells: Cells, shares: Float[np.ndarray, " K"], found: Judged
) -> tuple[_Left, Cover]:
    """Undecided cells with those of a round, and what is reached with it."""
    decided = found.empty | found.positive
    new = _Left(cells.vertices[~decided], shares[~decided], found.edge[~decided])
    reached = reached._replace(
        empty=reached.empty + int(np.sum(found.empty)),
        positive=reached.positive + int(np.sum(found.positive)),
        cells=reached.cells + len(shares),
        slack=min(reached.slack, float(np.min(found.slack))),
        mixing=max(reached.mixing, float(np.max(found.mixing[decided], initial=0.0))),
    )
    if found.negative.any() and reached.tried < _MOST_TRIED:
        cell = cells.vertices[int(np.argmax(np.where(found.negative, shares, 0.0)))]
        n = tables.num_states
        proved = negative_at(tables, corners_of_centre(tables, cell), cell[:n, :n].mean(axis=0))
        reached = reached._replace(tried=reached.tried + 1, negative=proved)
    return _Left(*(np.concatenate(pair) for pair in zip(left, new, strict=True))), reached


def has_one_law(tables: Tables, corners: list[np.ndarray]) -> bool:
    """Whether one leader's chain is proved to have one law only at every mean field: then its map is continuous.

    Args:
        tables: of the game.
        corners: of the leader.

    Returns:
        True, or that nothing is known.
    """
    whole = cells_of(tables, corners, np.eye(tables.num_states)[None])
    return cover(tables, _NUM_CELLS, judged_by_law, whole).complete
