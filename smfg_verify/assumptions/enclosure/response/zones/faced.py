"""What the followers face at the vertices of a cell of mean fields, and how likely their actions are."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.problem import pairs_of
from smfg_verify.assumptions.enclosure.response.rowwise.pieces import pieces_of
from smfg_verify.assumptions.enclosure.response.tables.affine import VertexTables
from smfg_verify.assumptions.enclosure.response.zones.differences import ROUNDED, carried


class Corners(NamedTuple):
    """An affine game over a cell of mean fields, with all leaders.

    Attributes:
        rows, rewards: by the cell's vertex, (X, n, A, W, n) and (X, n, A, W), W the leader row's vertices.
        row_slopes, reward_slopes: along the edges e_i - e_j, i < j, of the simplex, (E, n, A, W, n) and (E, n, A, W).
        off: of `carried`, for differences of two rows and of two slopes. reward_off: the same of rewards.
        discount, temperature: of the game.
    """

    rows: Float[np.ndarray, "X n A W n"]
    rewards: Float[np.ndarray, "X n A W"]
    row_slopes: Float[np.ndarray, "E n A W n"]
    reward_slopes: Float[np.ndarray, "E n A W"]
    off: float
    reward_off: float
    discount: float
    temperature: float

    @property
    def flat(self) -> Float[np.ndarray, "X n N n"]:
        """Rows of all actions of followers and leader."""
        size = self.rows.shape[1]
        return self.rows.reshape(len(self.rows), size, -1, size)


class Pieces(NamedTuple):
    """The differences between pairs of the followers' actions, at vertices X of mean fields and pieces R of rows.

    Attributes:
        weights: the leader's at the vertices of pieces, (R, V, W).
        rows, rewards: (n, R, pairs, X V, n) and (n, R, pairs, X V).
    """

    weights: Float[np.ndarray, "R V W"]
    rows: Float[np.ndarray, "n R p XV n"]
    rewards: Float[np.ndarray, "n R p XV"]


class Likely(NamedTuple):
    """Ranges of the probabilities of actions, by state and piece of its leader row, (n, R, A)."""

    low: Float[np.ndarray, "n R A"]
    high: Float[np.ndarray, "n R A"]


def corners_of(
    tables: VertexTables, corners: Float[np.ndarray, "X n"], leaders: Float[np.ndarray, "n V W"] | None = None
) -> Corners:
    """The game over a cell of mean fields, by the cell's vertices.

    Args:
        tables: of the game.
        corners: the vertices.
        leaders: vertices of a piece of each state's leader row, multiples of a power of two; None for whole rows.

    Returns:
        The game there.
    """
    last = 1.0 - np.sum(tables.transition, axis=-1, keepdims=True)
    rows = np.concatenate([tables.transition, last], axis=-1)
    first, second = np.triu_indices(tables.num_states, 1)
    size = float(np.max(np.abs(tables.reward)))
    whole = Corners(
        np.tensordot(corners, rows, 1),
        np.tensordot(corners, tables.reward, 1),
        rows[first] - rows[second],
        tables.reward[first] - tables.reward[second],
        4.0 * float(np.max(np.sum(tables.transition_error, axis=-1))) + ROUNDED,
        4.0 * float(np.max(tables.reward_error)) + ROUNDED * size,
        tables.discount,
        tables.temperature,
    )
    return whole if leaders is None else _in_part(whole, leaders)


def _in_part(faced: Corners, leaders: Float[np.ndarray, "n V W"]) -> Corners:
    """With a piece of each leader row in place of the whole."""
    rows, row_slopes = (np.einsum("svw,xsawt->xsavt", leaders, part) for part in (faced.rows, faced.row_slopes))
    rewards, slopes = (np.einsum("svw,xsaw->xsav", leaders, part) for part in (faced.rewards, faced.reward_slopes))
    return faced._replace(rows=rows, rewards=rewards, row_slopes=row_slopes, reward_slopes=slopes)


def pieces_over(faced: Corners, halvings: int) -> Pieces:
    """Differences between actions over pieces of each leader row."""
    weights = pieces_of(faced.rows.shape[3], halvings)
    first, second = pairs_of(faced.rows.shape[2])
    size, number = faced.rows.shape[1], len(first)
    rows = np.einsum("rvw,xspwt->srpxvt", weights, faced.rows[:, :, first] - faced.rows[:, :, second])
    rewards = np.einsum("rvw,xspw->srpxv", weights, faced.rewards[:, :, first] - faced.rewards[:, :, second])
    shape = size, len(weights), number, len(faced.rows) * weights.shape[1]
    return Pieces(weights, rows.reshape(*shape, size), rewards.reshape(shape))


def likely(faced: Corners, pieces: Pieces, zone: Float[np.ndarray, "n n"]) -> Likely:
    """Ranges of the soft policies of all values in a zone."""
    actions = faced.rows.shape[2]
    first, second = pairs_of(actions)
    scaled = faced.discount * np.stack(
        [carried(rows, zone[None], faced.off)[0] for rows in (pieces.rows, -pieces.rows)]
    )
    slack = faced.reward_off + ROUNDED * (
        np.max(np.abs(pieces.rewards), initial=0.0) + np.max(np.abs(scaled), initial=0.0)
    )
    above = np.max(pieces.rewards + scaled[0], axis=-1) + slack
    below = np.max(scaled[1] - pieces.rewards, axis=-1) + slack
    # By how much an action is worth more than another, at most.
    most = np.zeros((*above.shape[:2], actions, actions))
    most[:, :, first, second], most[:, :, second, first] = above, below
    low = 1.0 / np.sum(np.exp(np.swapaxes(most, -1, -2) / faced.temperature), axis=-1)
    high = 1.0 / np.sum(np.exp(-most / faced.temperature), axis=-1)
    return Likely(low * (1.0 - ROUNDED), np.minimum(high * (1.0 + ROUNDED), 1.0))


def weights_of(pieces: Pieces, policies: Likely) -> Float[np.ndarray, "n L N"]:
    """Weights of the rows of all actions: products of a policy in its range and of a leader row in its piece."""
    found = []
    for order in itertools.permutations(range(policies.low.shape[-1])):
        policy, left = policies.low.copy(), 1.0 - np.sum(policies.low, axis=-1)
        for action in order:
            more = np.minimum(policies.high[..., action] - policies.low[..., action], left)
            policy[..., action] += more
            left = left - more
        found.append(policy)
    both = np.stack(found, axis=2)[:, :, :, None, :, None] * pieces.weights[None, :, None, :, None, :]
    weights: Float[np.ndarray, "n L N"] = both.reshape(len(both), -1, both.shape[-2] * both.shape[-1])
    return weights


def mean_over(values: Float[np.ndarray, "*S A"], policies: Likely) -> Float[np.ndarray, "*S"]:
    """Largest means of numbers of actions, (..., n, R, A), under policies in their ranges."""
    order = np.argsort(-values, axis=-1)
    low, high = (np.take_along_axis(np.broadcast_to(end, values.shape), order, -1) for end in policies)
    values = np.take_along_axis(values, order, -1)
    found, left = np.sum(values * low, axis=-1), 1.0 - np.sum(low, axis=-1)
    for action in range(values.shape[-1]):
        more = np.minimum(high[..., action] - low[..., action], left)
        found, left = found + more * values[..., action], left - more
    means: Float[np.ndarray, "*S"] = found + ROUNDED * np.max(np.abs(values), axis=-1)
    return means
