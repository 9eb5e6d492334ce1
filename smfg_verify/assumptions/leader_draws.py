"""The leaders at which every property is looked at: random ones, and those of a run."""

import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, leader_logits_shape


def random_leaders(game: AbstractGame, settings: SearchSettings) -> Float[np.ndarray, "N O B"]:
    """Logits `leader_scale` times standard normal, the same for the same seed, (num_leaders, O, B)."""
    generator = np.random.default_rng(settings.seed)
    return settings.leader_scale * generator.standard_normal((settings.num_leaders, *leader_logits_shape(game)))


def trajectory_leaders(game: AbstractGame, trajectory: ArrayLike) -> Float[np.ndarray, "T O B"]:
    """The leaders of a run as one list, every one finite.

    Raises:
        ValueError: last axes other than (O, B), no leader at all, or NaN and infinite logits.
    """
    shape = leader_logits_shape(game)
    logits = np.asarray(trajectory, dtype=float)
    if logits.ndim < 2 or logits.shape[-2:] != shape or logits.size == 0:
        raise InputError(
            f"trajectory: got shape {logits.shape}, expected (..., {shape[0]}, {shape[1]}), leader logits along a run; "
            "likely cause: a run of another game, or policies of followers."
        )
    if not np.all(np.isfinite(logits)):
        raise InputError(
            "trajectory: got NaN or infinite logits, expected finite ones; likely cause: a run that diverged."
        )
    return logits.reshape(-1, *shape)


def most_of(lost: int, drawn: int) -> bool:
    """Whether more than half of what was drawn was looked at: fewer support nothing."""
    return 2 * lost < drawn
