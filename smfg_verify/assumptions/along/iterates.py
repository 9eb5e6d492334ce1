"""The iterates of a run at its checkpoints, as far as they are numbers."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape


@runtime_checkable
class RecordedRun(Protocol):
    """What a run's record must have, as `smfg_verify.Trace` does: first axes are seeds and checkpoints."""

    seeds: UInt[np.ndarray, " S"]
    iterations: Int[np.ndarray, " C"]
    leader_logits: Float[np.ndarray, "S C O B"]
    follower_logits: Float[np.ndarray, "S C n A"]
    mean_field: Float[np.ndarray, "S C n *A"]


class Iterates(NamedTuple):
    """Seeds S times checkpoints C, the first axis of each array (N = S C) running over checkpoints first.

    Attributes:
        leader_logits: (N, O, B). follower_logits: (N, n, A). mean_field: in its shape, (N, ...).
        finite: whether all of an iterate are numbers, (N,); where they are not, zeros stand in the arrays.
        seeds: (S,). iterations: (C,).
    """

    leader_logits: Float[np.ndarray, "N O B"]
    follower_logits: Float[np.ndarray, "N n A"]
    mean_field: Float[np.ndarray, "N ..."]
    finite: Bool[np.ndarray, " N"]
    seeds: UInt[np.ndarray, " S"]
    iterations: Int[np.ndarray, " C"]

    def by_seed(self, values: np.ndarray) -> np.ndarray:
        """Values of all iterates, NaN where an iterate is none, as (S, C)."""
        known = np.where(self.finite, np.asarray(values, dtype=float), np.nan)
        return known.reshape(len(self.seeds), len(self.iterations))


def iterates_of(game: AbstractGame, run: RecordedRun) -> Iterates:
    """The iterates of a run of this game.

    Args:
        game: the game, traced.
        run: its record.

    Returns:
        The iterates.

    Raises:
        ValueError: arrays of other shapes than this game's, no checkpoint, or not one iterate of numbers.
    """
    shapes = {
        "leader_logits": leader_logits_shape(game),
        "follower_logits": (game.num_states, game.num_follower_actions),
        "mean_field": mean_field_shape(game),
    }
    head = (len(run.seeds), len(run.iterations))
    arrays = []
    for name, shape in shapes.items():
        values = np.asarray(getattr(run, name), dtype=float)
        if values.shape != (*head, *shape) or values.size == 0:
            raise InputError(
                f"run: got {name} of shape {values.shape}, expected {(*head, *shape)} with a seed and a checkpoint or "
                "more; likely cause: a run of another game."
            )
        arrays.append(values.reshape(-1, *shape))
    finite = np.all([np.isfinite(part.reshape(len(part), -1)).all(axis=1) for part in arrays], axis=0)
    if not finite.any():
        raise InputError("run: got no iterate of finite numbers, expected some; likely cause: a run that diverged.")
    filled = (np.where(finite.reshape(-1, *[1] * (part.ndim - 1)), part, 0.0) for part in arrays)
    leaders, followers, fields = filled
    # A mean field of zeros is none: functions of a game say nothing about it.
    fields[~finite] = 1.0 / fields[0].size
    return Iterates(leaders, followers, fields, finite, np.asarray(run.seeds), np.asarray(run.iterations))
