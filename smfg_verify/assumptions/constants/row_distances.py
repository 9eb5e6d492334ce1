r"""Distances between rows of a table known up to an interval: total variation, and the tangent norm of a slope.

A point is an interval of width zero, so the same formulas serve tables known exactly. Rows (s, a, b) are numbered
in that order, N = n A B in all; K tables (mean fields or boxes of them) are treated at once.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

# Entries of the largest temporary array (32 MiB of float64).
_CHUNK = 2**22
# Pairs of columns times entries compared in at most this work (about 10 s); beyond, a coarser bound.
_MAX_WORK = 2**31


class Largest(NamedTuple):
    """A largest distance for each of K tables.

    Attributes:
        values: (K,).
        pairs: the two rows, or the two columns, it is between, (K, 2).
        rows: the row of the two columns, (K,); zeros where the pairs are rows.
    """

    values: Float[np.ndarray, " K"]
    pairs: Int[np.ndarray, "K 2"]
    rows: Int[np.ndarray, " K"]


def pairs_of_states(
    observation: Int[np.ndarray, " n"], num_actions: int, num_leader_actions: int
) -> Bool[np.ndarray, "N N"]:
    r"""Pairs of rows whose distance bounds the distance between two states' laws under one policy of each player.

    The rows of a chain mix over (a, b) at their own state, so the extremes are pure. Two states that share an
    observation share the leader's mixture too: there the distance is convex in that mixture, and the leader's actions
    agree at the extreme.

    Args:
        observation: row of the leader's logits each state uses, (n,).
        num_actions, num_leader_actions: A, B.

    Returns:
        (N, N), true above the diagonal at the pairs that count.
    """
    state, _, leader = _indices(len(observation), num_actions, num_leader_actions)
    seen = observation[state]
    possible = (seen[:, None] != seen) | (leader[:, None] == leader)
    return np.triu(possible & (state[:, None] != state))


def pairs_of_actions(num_states: int, num_actions: int, num_leader_actions: int) -> Bool[np.ndarray, "N N"]:
    """Pairs of rows that differ in the follower's action only, true above the diagonal, (N, N)."""
    state, action, leader = _indices(num_states, num_actions, num_leader_actions)
    same = (state[:, None] == state) & (leader[:, None] == leader)
    return np.triu(same & (action[:, None] != action))


def pairs_of_leader_actions(num_states: int, num_actions: int, num_leader_actions: int) -> Bool[np.ndarray, "N N"]:
    """Pairs of rows that differ in the leader's action only, true above the diagonal, (N, N)."""
    state, action, leader = _indices(num_states, num_actions, num_leader_actions)
    same = (state[:, None] == state) & (action[:, None] == action)
    return np.triu(same & (leader[:, None] != leader))


def _indices(*sizes: int) -> tuple[np.ndarray, ...]:
    return tuple(axis.ravel() for axis in np.indices(sizes))


def largest_total_variation(
    lower: Float[np.ndarray, "K N n"], upper: Float[np.ndarray, "K N n"], pairs: Bool[np.ndarray, "N N"]
) -> Largest:
    r"""Upper bound of the total variation between two rows, the largest over the pairs; exact where lower is upper.

    For rows p, q within intervals, $TV \le \min(\sum (\bar p - \underline q)^+, \sum (\bar q - \underline p)^+,
    1 - \sum \min(\underline p, \underline q), 1)$.

    Args:
        lower, upper: ends of the intervals that hold the rows' entries.
        pairs: true at the pairs (i, j) with i < j that count.

    Returns:
        The bounds and the pairs; zeros where no pair counts.
    """
    values, found = np.zeros(len(lower)), np.zeros((len(lower), 2), dtype=int)
    boxes = np.arange(len(lower))
    for i in np.flatnonzero(pairs.any(axis=1)):
        others = np.flatnonzero(pairs[i])
        for part in _parts(others, len(lower) * lower.shape[2]):
            bounds = _uncertain_variation(lower[:, i, None], upper[:, i, None], lower[:, part], upper[:, part])
            best = np.argmax(bounds, axis=1)
            bound = bounds[boxes, best]
            larger = bound > values
            values = np.where(larger, bound, values)
            found = np.where(larger[:, None], np.stack([np.full(len(best), i), part[best]], axis=1), found)
    return Largest(values, found, np.zeros(len(lower), dtype=int))


def _uncertain_variation(low_p: np.ndarray, high_p: np.ndarray, low_q: np.ndarray, high_q: np.ndarray) -> np.ndarray:
    overlap = 1.0 - np.sum(np.minimum(low_p, low_q), axis=-1)
    forward = np.sum(np.maximum(high_p - low_q, 0.0), axis=-1)
    backward = np.sum(np.maximum(high_q - low_p, 0.0), axis=-1)
    result: np.ndarray = np.clip(np.minimum(overlap, np.minimum(forward, backward)), 0.0, 1.0)
    return result


def largest_tangent_norm(lower: Float[np.ndarray, "K M N w"], upper: Float[np.ndarray, "K M N w"]) -> Largest:
    r"""Upper bound of $\|D v\|_1 / \|v\|_1$ over tangents v of the simplex, the largest over the rows.

    A tangent is a mixture of the edges $(e_i - e_j) / 2$, so the norm is half the largest $\|D_i - D_j\|_1$; of two
    columns within intervals the distance is at most the sum of the largest differences of entries.

    Args:
        lower, upper: ends of the intervals that hold the slopes: column (entry of the mean field), row, entry.

    Returns:
        The bounds, the two columns and the row; zeros where there is a single column. Where `compares_all_columns`
        is false, a coarser bound without columns.
    """
    if not compares_all_columns(lower.shape[1:]):
        return _coarse_tangent_norm(lower, upper)
    num_boxes, num_columns, num_rows, width = lower.shape
    values = np.zeros(num_boxes)
    found, rows = np.zeros((num_boxes, 2), dtype=int), np.zeros(num_boxes, dtype=int)
    boxes = np.arange(num_boxes)
    for i in range(num_columns - 1):
        for part in _parts(np.arange(i + 1, num_columns), num_boxes * num_rows * width):
            up = upper[:, i, None] - lower[:, part]
            down = upper[:, part] - lower[:, i, None]
            norms = 0.5 * np.sum(np.maximum(up, down), axis=-1)
            best = np.argmax(norms.reshape(num_boxes, -1), axis=1)
            other, row = np.unravel_index(best, norms.shape[1:])
            norm = norms[boxes, other, row]
            larger = norm > values
            values, rows = np.where(larger, norm, values), np.where(larger, row, rows)
            found = np.where(larger[:, None], np.stack([np.full(len(best), i), part[other]], axis=1), found)
    return Largest(values, found, rows)


def compares_all_columns(shape: tuple[int, ...]) -> bool:
    """Whether slopes of shape (M, N, w) are few enough to compare all pairs of columns."""
    return shape[0] * int(np.prod(shape)) <= _MAX_WORK


def _coarse_tangent_norm(lower: np.ndarray, upper: np.ndarray) -> Largest:
    """Half the distance of two columns is at most the larger distance to the middle of all columns."""
    middle = 0.5 * (np.min(lower, axis=1, keepdims=True) + np.max(upper, axis=1, keepdims=True))
    radii = np.sum(np.maximum(upper - middle, middle - lower), axis=-1)
    num_boxes = len(lower)
    by_row = np.max(radii, axis=1)
    return Largest(np.max(by_row, axis=1), np.zeros((num_boxes, 2), dtype=int), np.argmax(by_row, axis=1))


def variation_work(pairs: Bool[np.ndarray, "N N"], num_states: int) -> int:
    """Entries compared for one table by `largest_total_variation`."""
    return int(np.sum(pairs)) * num_states


def _parts(indices: np.ndarray, size: int) -> list[np.ndarray]:
    """The indices in pieces, each index standing for `size` entries of a temporary array."""
    pieces = -(-len(indices) * size // _CHUNK)
    return np.array_split(indices, max(1, pieces))
