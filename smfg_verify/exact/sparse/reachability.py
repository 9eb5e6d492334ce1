r"""Where moves may lead, on the graph of what is possible: for all policies at once, and the period of a chain."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int
from scipy.sparse.csgraph import dijkstra

from smfg_verify.exact.sparse.equations.chain import Chain
from smfg_verify.game.base import AnyArray


class Possible(NamedTuple):
    """Which states each choice may lead to; a choice is a pair of actions, or an action, at a state.

    Attributes:
        choices: number of choices at each state.
        by_state: for each state the choices that may lead to it, as rows of a sparse matrix, (n, n choices).
    """

    choices: int
    by_state: sp.csr_array


def possible_moves(targets: Int[AnyArray, "n a b k"], may: Bool[np.ndarray, "n A B k"]) -> Possible:
    """The graph of listed moves that are possible.

    Args:
        targets: states that the moves lead to; axes of length 1 stand for all actions.
        may: whether each of the listed moves is possible.

    Returns:
        The graph, with a choice for each pair of actions.
    """
    size, choices = may.shape[0], may.shape[1] * may.shape[2]
    listed = np.broadcast_to(np.asarray(targets), may.shape)
    choice = np.broadcast_to(np.arange(size * choices).reshape(*may.shape[:3], 1), may.shape)
    ones = np.ones(np.count_nonzero(may), dtype=bool)
    return Possible(choices, sp.csr_array((ones, (listed[may], choice[may])), shape=(size, size * choices)))


def unavoidable(moves: Possible, goal: Int[np.ndarray, " g"]) -> Int[np.ndarray, " n"]:
    """Steps within which a set of states may be reached whatever is chosen; -1 where choices avoid it for ever.

    A state counts once each of its choices may lead to one that counts. Where choices are drawn the same holds.

    Args:
        moves: what is possible.
        goal: the set.

    Returns:
        The number of steps for each state, 0 in the set.
    """
    size, graph = moves.by_state.shape[0], moves.by_state
    steps, left = np.full(size, -1), np.full(size, moves.choices)
    leads = np.zeros(size * moves.choices, dtype=bool)
    steps[goal], front, count = 0, np.unique(goal), 0
    while front.size:
        count += 1
        into = _rows(graph, front)
        new = np.unique(into[~leads[into]])
        leads[new] = True
        states, times = np.unique(new // moves.choices, return_counts=True)
        left[states] -= times
        front = states[(left[states] == 0) & (steps[states] < 0)]
        steps[front] = count
    return steps


def _rows(graph: sp.csr_array, rows: Int[np.ndarray, " r"]) -> Int[np.ndarray, " e"]:
    """Columns of the entries of some rows, one after the other."""
    begin, end = graph.indptr[rows], graph.indptr[rows + 1]
    lengths = end - begin
    starts = np.repeat(begin - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    result: Int[np.ndarray, " e"] = graph.indices[starts + np.arange(starts.size)]
    return result


def staying(moves: Possible, inside: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " c"]:
    """Choices that can never leave a set of states, (n choices,)."""
    outside = np.flatnonzero(~inside)
    leaves = np.zeros(inside.size * moves.choices, dtype=bool)
    leaves[_rows(moves.by_state, outside)] = True
    return ~leaves


def kept_together(moves: Possible, among: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """The largest part of a set of states that choices can stay in for ever, (n,)."""
    return unavoidable(moves, np.flatnonzero(~among)) < 0


def levels_of(chain: Chain, members: Int[np.ndarray, " c"]) -> tuple[Int[np.ndarray, " c"], int]:
    """Distance of the states of a recurrent class from its first one, and the period of the class.

    The period is the greatest common divisor of level(s) + 1 - level(t) over the moves (s, t) of the class.

    Args:
        chain: the chain, whose moves are those with a positive entry.
        members: of the class.

    Returns:
        Both.
    """
    inside = sp.csr_array(chain.matrix)[members][:, members]
    level = dijkstra(inside > 0.0, indices=0, unweighted=True).astype(int)
    moves = sp.coo_array(inside)
    there = moves.data > 0.0
    return level, int(np.gcd.reduce(level[moves.row[there]] + 1 - level[moves.col[there]]))


def apart(matrix: sp.csr_array, starts: Int[np.ndarray, "2"], steps: int) -> float:
    r"""$\frac12 \|P^k(s, .) - P^k(s', .)\|_1$: a lower bound of the coefficient of k steps.

    Args:
        matrix: P, (n, n).
        starts: s and s'.
        steps: k.

    Returns:
        The total variation.
    """
    laws: Float[np.ndarray, "n 2"] = np.zeros((matrix.shape[0], 2))
    laws[starts[0], 0], laws[starts[1], 1] = 1.0, 1.0
    forward = sp.csr_array(matrix.T)
    for _ in range(steps):
        laws = forward @ laws
    return min(1.0, float(0.5 * np.sum(np.abs(laws[:, 0] - laws[:, 1]))))


def far_apart(chain: Chain) -> Int[np.ndarray, "2"]:
    """Two states of which the second is the last to be reached from the first, which is the last from state 0."""
    first = _last_reached(chain, 0)
    return np.array([first, _last_reached(chain, first)])


def _last_reached(chain: Chain, start: int) -> int:
    distance = dijkstra(chain.rates, indices=start, unweighted=True)
    return int(np.argmax(np.where(np.isfinite(distance), distance, -1.0)))
