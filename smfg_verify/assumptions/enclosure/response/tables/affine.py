r"""A game whose followers face affine functions, by its tables at the vertices of mean fields and of leader rows.

On a simplex an affine function is $\sum_j m_j F(e_j)$. A leader row acts through the mean of the tables of its actions:
where these lie on a segment, two of them span the same set, and where they are one, the row does nothing.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.models import EPSILON
from smfg_verify.assumptions.enclosure.response.tables.shared import NEGATIVE, Tables, off_one, worth_of
from smfg_verify.assumptions.enclosure.table_enclosures import affine_table
from smfg_verify.game import AbstractGame

# Tables that differ by less, relative to their size, lie on a segment; by how much they do is kept as an error.
_ON_A_SEGMENT = 1e-13


@dataclasses.dataclass(frozen=True, kw_only=True)
class VertexTables(Tables):
    """What the followers face at the vertices, with what the numbers may be off by.

    Attributes:
        transition: to all states but the last, (n, n, A, W, n - 1), first axis the vertex of the mean field.
        reward: the followers', (n, n, A, W).
        transition_error: (n, A, 1, n - 1), at any mean field and leader. reward_error: (n, A, 1).
    """

    transition: Float[np.ndarray, "n n A W n_1"]
    reward: Float[np.ndarray, "n n A W"]
    transition_error: Float[np.ndarray, "n A 1 n_1"]
    reward_error: Float[np.ndarray, "n A 1"]

    @property
    def continuous(self) -> bool:
        """They are affine."""
        return True


def vertex_tables(game: AbstractGame) -> VertexTables | None:
    """The tables of a game.

    Args:
        game: the game, traced.

    Returns:
        The tables; None where the mean field is not one of states, a function is not proved affine, or a row has an
        entry below zero.
    """
    if game.mean_field_support != "states":
        return None
    transition, reward = (affine_table(game, name) for name in ("transition", "follower_reward"))
    if transition is None or reward is None:
        return None
    rows, rewards = transition.constant + transition.slope, reward.constant + reward.slope
    if np.min(rows) < -NEGATIVE:
        return None
    observation = np.asarray(game.leader_observation)
    leaders = [_spanning(rows[:, observation == o], rewards[:, observation == o]) for o in range(observation.max() + 1)]
    width = max(len(leader.actions) for leader in leaders)
    picked = np.array([np.resize(leaders[o].actions, width) for o in observation])
    errors = np.array([leaders[o].errors for o in observation])
    # Rows that sum to a little more or less than 1 are a kernel's but for that, and values are worth as much more.
    off = _off_one(rows, transition.error)
    bonus = float(game.temperature) * float(np.log(game.num_follower_actions))
    lost = off * worth_of(float(np.max(np.abs(rewards))) + bonus, float(game.discount))
    return VertexTables(
        num_actions=game.num_follower_actions,
        transition=_picked(rows, picked)[..., :-1],
        reward=_picked(rewards, picked),
        transition_error=transition.error.max(axis=2)[:, :, None, :-1] + errors[:, 0, None, None, None] + off,
        reward_error=reward.error.max(axis=2)[:, :, None] + errors[:, 1, None, None] + lost,
        observation=observation,
        row_actions=tuple(tuple(leader.actions.tolist()) for leader in leaders),
        row_weights=tuple(leader.weights for leader in leaders),
        num_leader_actions=game.num_leader_actions,
        mixing=_mixing(rows, float(transition.error.max(initial=0.0))),
        discount=float(game.discount),
        temperature=float(game.temperature),
    )


class _Spanning(NamedTuple):
    """Leader actions whose tables span those of all of them.

    Attributes:
        actions: (V,).
        weights: each action as a mean of these, (V, B).
        errors: what transition and reward may then be off by.
    """

    actions: Int[np.ndarray, " V"]
    weights: Float[np.ndarray, "V B"]
    errors: tuple[float, float]


def _spanning(rows: Float[np.ndarray, "n S A B n"], rewards: Float[np.ndarray, "n S A B"]) -> _Spanning:
    """All actions, or the two ends of a segment on which they lie, or one where they are alike."""
    parts = [np.moveaxis(table, 3, 0).reshape(table.shape[3], -1) for table in (rows, rewards)]
    sizes = [float(np.max(np.abs(part), initial=0.0)) for part in parts]
    every = np.concatenate([part / (size or 1.0) for part, size in zip(parts, sizes, strict=True)], axis=1)
    centred = every - every.mean(axis=0)
    along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    ends = np.array([np.argmin(along), np.argmax(along)])
    share = np.clip((along - along[ends[0]]) / (float(np.ptp(along)) or 1.0), 0.0, 1.0)[:, None]
    for actions, weight in ((ends[:1], np.zeros_like(share)), (ends, share)):
        spanned = [(1.0 - weight) * part[actions[0]] + weight * part[actions[-1]] for part in parts]
        misses = [float(np.max(np.abs(part - close), initial=0.0)) for part, close in zip(parts, spanned, strict=True)]
        if all(miss <= _ON_A_SEGMENT * size for miss, size in zip(misses, sizes, strict=True)):
            weights = np.concatenate([1.0 - weight, weight], axis=1).T if len(actions) > 1 else 1.0 - weight.T
            errors = misses[0] + 8.0 * EPSILON * sizes[0], misses[1] + 8.0 * EPSILON * sizes[1]
            return _Spanning(actions, weights, errors)
    return _Spanning(np.arange(len(every)), np.eye(len(every)), (0.0, 0.0))


def _picked(table: Float[np.ndarray, "n n A B *T"], picked: Int[np.ndarray, "n W"]) -> Float[np.ndarray, "n n A W *T"]:
    """A table with some actions of the leader in each state."""
    return np.stack([table[:, s][:, :, actions] for s, actions in enumerate(picked)], axis=1)


def _off_one(rows: Float[np.ndarray, "n n A B n"], error: Float[np.ndarray, "n A B n"]) -> float:
    """What the rows may sum to besides 1."""
    return off_one(float(np.max(np.abs(rows.sum(axis=-1) - 1.0))), rows.shape[-1], float(np.max(error, initial=0.0)))


def _mixing(rows: Float[np.ndarray, "n n A B n"], error: float) -> float:
    """Largest total variation between two rows at one vertex: no mean field and no leader has a larger one.

    The last entry is what the others lack of one, as everywhere here: a valid game's rows may sum to another number.
    """
    flat = rows[..., :-1].reshape(len(rows), -1, rows.shape[-1] - 1)
    apart = (at[:, None] - at[None] for at in flat)
    largest = max(float(np.max(np.abs(moved).sum(axis=-1) + np.abs(moved.sum(axis=-1)))) for moved in apart)
    return float(min(1.0, 0.5 * largest * OUTWARD + 2.0 * rows.shape[-1] * (error + 2.0 * EPSILON)))
