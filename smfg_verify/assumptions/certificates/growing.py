"""Trees of cells on whose leaves the verifier proves a bound of slopes: the leaf of the largest is halved."""

import heapq
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from flint import arb
from jaxtyping import Float

from smfg_verify.certificates import cells, verifier

# Leaves up to which the target is aimed at, and up to which a tree goes on for what is just enough, if half of its
# leaves have come near; to verify them takes seconds, and up to a minute. No proof hangs on these numbers.
FIRST_CELLS, MOST_CELLS = 3_000, 20_000
NEAR, ENOUGH = 10.0, 0.98
Cell = list[list[list[float]]]
# About what a measure of slopes is at most, in plain floats, over balls of slopes; infinite where nothing is known.
Measure = Callable[[Any], float]


class Grown(NamedTuple):
    """A tree in the verifier's order, its number of leaves, and about the largest measure on them, in plain floats."""

    tree: list[int]
    leaves: int
    largest: float


class _Halver:
    """Chooses edges: that along which what followers face changes most, rows and worth over the temperature."""

    def __init__(self, game: verifier.Game):
        self.discount, self.temperature = float(game.discount), float(game.temperature)
        self.observation = game.observation
        self.edges = verifier.edges_of(verifier.first_cell(game))
        self.acting = np.arange(max(self.observation) + 1)[:, None] == np.array(self.observation)
        self.table = np.array(_floats(cells.told(game)))

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


def grown(game: verifier.Game, measure: Measure, target: float) -> Grown:
    """Halve cells until a measure of the slopes is below a target on every leaf, or just below one, or they are many.

    Args:
        game: of the verifier.
        measure: of balls of slopes.
        target: at which to stop.

    Returns:
        The tree, whatever it reaches.
    """
    halver, table = _Halver(game), cells.told(game)

    def bounded(cell: Cell, guess: list[Any]) -> tuple[float, list[Any]]:
        try:
            slopes, guess = cells.response_slopes(game, table, cell[0], cell[1:], guess)
        except (ZeroDivisionError, ValueError):
            return float("inf"), guess
        return measure(slopes), guess

    met, depths = [verifier.first_cell(game)], [0]
    children: dict[int, tuple[int, int, int]] = {}
    bound, guess = bounded(met[0], cells.no_guess(game))
    left = [(-bound, 0, guess)]

    def halve(target: float, most: int) -> None:
        while -left[0][0] > target and len(left) < most and depths[left[0][1]] < verifier.MOST_DEPTH:
            _, number, guess = heapq.heappop(left)
            edge = halver.edge(met[number], np.array(_floats(guess)))
            children[number] = (edge, len(met), len(met) + 1)
            for half in verifier.halves(met[number], *halver.edges[edge]):
                bound, found = bounded(half, guess)
                heapq.heappush(left, (-bound, len(met), found))
                met.append(half)
                depths.append(depths[number] + 1)

    halve(target, FIRST_CELLS)
    if np.median([-each[0] for each in left]) <= NEAR:
        halve(max(target, ENOUGH), MOST_CELLS)
    return Grown(_preorder(children), len(left), -left[0][0])


def growth_in(gram: Float[np.ndarray, "m m"]) -> Measure:
    """The growth that balls of slopes allow in the norm of a weight of the first n - 1 entries of a tangent."""
    frame = np.linalg.inv(np.linalg.cholesky(gram)).T

    def growth(slopes: Any) -> float:
        ends = [np.array([[float(end(x)) for x in row] for row in slopes.tolist()]) for end in (arb.lower, arb.upper)]
        if not np.all(np.isfinite(ends)):
            return float("inf")
        middle, radius = (0.5 * (ends[1] + ends[0]), 0.5 * (ends[1] - ends[0]))
        pushed, off = frame.T @ gram @ middle @ frame, np.abs(frame.T @ gram) @ radius @ np.abs(frame)
        return float(np.linalg.eigvalsh(0.5 * (pushed + pushed.T))[-1] + np.linalg.norm(0.5 * (off + off.T), 2))

    return growth


def modulus(slopes: Any) -> float:
    """The l1 modulus that balls of slopes allow."""
    bound = float(cells.modulus(slopes))
    return bound if np.isfinite(bound) else float("inf")


def _preorder(children: dict[int, tuple[int, int, int]]) -> list[int]:
    tree, unread = [], [0]
    while unread:
        edge, *halves = children.get(unread.pop(), (-1,))
        tree.append(edge)
        unread += halves[::-1]
    return tree


def _floats(balls: Any) -> Any:
    """Middles of nested lists of balls."""
    return [_floats(each) for each in balls] if isinstance(balls, list) else float(balls.mid())
