"""Trees of cells on whose leaves the verifier proves a rate: the leaf of the largest bound is halved."""

import heapq
from typing import Any, NamedTuple

import numpy as np
from flint import arb
from jaxtyping import Float

from smfg_verify.certificates import verifier

# Leaves that a certificate may have: to verify them takes seconds.
MOST_CELLS = 3_000
Cell = list[list[list[float]]]


class Grown(NamedTuple):
    """A tree in the verifier's order, its number of leaves, and about the largest growth on them, in plain floats."""

    tree: list[int]
    leaves: int
    growth: float


class _Halver:
    """Chooses edges: that along which what followers face changes most, rows and worth over the temperature."""

    def __init__(self, game: verifier.Game):
        self.discount, self.temperature = float(game.discount), float(game.temperature)
        self.observation = game.observation
        self.edges = verifier.edges_of(verifier.first_cell(game))
        self.acting = np.arange(max(self.observation) + 1)[:, None] == np.array(self.observation)
        self.table = np.array(_floats(verifier.told(game)))

    def edge(self, cell: Cell, guess: Float[np.ndarray, " m"]) -> int:
        """Number of the edge of a cell, with values of its followers in plain floats."""
        acting = np.array([cell[1 + o] for o in self.observation])
        at = np.einsum("xj,sabjt,syb->xysat", np.array(cell[0]), self.table, acting)
        worth = at[..., -1] + self.discount * at[..., :-1] @ guess
        seen = np.concatenate([at[..., :-1], worth[..., None] / self.temperature], axis=-1)
        changes = []
        for k, (p, q) in self.edges:
            apart = seen[p] - seen[q] if k == 0 else (seen[:, p] - seen[:, q]) * self.acting[k - 1][:, None, None]
            # The first action's worth is told less the last state's, as values are.
            apart[..., 0, -1] -= apart[..., -1:, 0, -1]
            changes.append(float(np.abs(apart).sum(axis=-1).max()))
        return int(np.argmax(changes))


def grown(game: verifier.Game, gram: Float[np.ndarray, "m m"], target: float, most: int = MOST_CELLS) -> Grown:
    """Halve cells until the growth on every leaf is below a target, or there are too many.

    Args:
        game: of the verifier.
        gram: the weight, of the first n - 1 entries of a tangent.
        target: growth at which to stop.
        most: leaves.

    Returns:
        The tree, whatever growth it reaches.
    """
    halver, table = _Halver(game), verifier.told(game)
    frame = np.linalg.inv(np.linalg.cholesky(gram)).T
    start: list[Any] = [arb(0)] * (game.sizes[0] - 1)

    def bounded(cell: Cell, guess: list[Any]) -> tuple[float, list[Any]]:
        try:
            slopes, guess = verifier.response_slopes(game, table, cell[0], cell[1:], guess)
        except (ZeroDivisionError, ValueError):
            return float("inf"), guess
        return _growth(slopes, gram, frame), guess

    cells, depths = [verifier.first_cell(game)], [0]
    children: dict[int, tuple[int, int, int]] = {}
    bound, guess = bounded(cells[0], start)
    left = [(-bound, 0, guess)]
    while -left[0][0] > target and len(left) < most and depths[left[0][1]] < verifier.MOST_DEPTH:
        _, number, guess = heapq.heappop(left)
        edge = halver.edge(cells[number], np.array(_floats(guess)))
        children[number] = (edge, len(cells), len(cells) + 1)
        for half in verifier.halves(cells[number], *halver.edges[edge]):
            bound, found = bounded(half, guess)
            heapq.heappush(left, (-bound, len(cells), found))
            cells.append(half)
            depths.append(depths[number] + 1)
    return Grown(_preorder(children), len(left), -left[0][0])


def _preorder(children: dict[int, tuple[int, int, int]]) -> list[int]:
    tree, unread = [], [0]
    while unread:
        edge, *halves = children.get(unread.pop(), (-1,))
        tree.append(edge)
        unread += halves[::-1]
    return tree


def _growth(slopes: Any, gram: np.ndarray, frame: np.ndarray) -> float:
    """About the largest growth that balls of slopes allow; the verifier has the last word."""
    ends = [np.array([[float(end(x)) for x in row] for row in slopes.tolist()]) for end in (arb.lower, arb.upper)]
    if not np.all(np.isfinite(ends)):
        return float("inf")
    middle, radius = (0.5 * (ends[1] + ends[0]), 0.5 * (ends[1] - ends[0]))
    pushed, off = frame.T @ gram @ middle @ frame, np.abs(frame.T @ gram) @ radius @ np.abs(frame)
    return float(np.linalg.eigvalsh(0.5 * (pushed + pushed.T))[-1] + np.linalg.norm(0.5 * (off + off.T), 2))


def _floats(balls: Any) -> Any:
    """Middles of nested lists of balls."""
    return [_floats(each) for each in balls] if isinstance(balls, list) else float(balls.mid())
