"""A game as plain arrays."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.exact.kernel import tabulate
from smfg_verify.game import AbstractGame, mean_field_shape, traced, validate

_TABLES = {
    "kernel": ("transition", "transition_dependence"),
    "follower_rewards": ("follower_reward", "follower_reward_dependence"),
    "leader_rewards": ("leader_reward", "leader_reward_dependence"),
}


def to_arrays(game: AbstractGame) -> dict[str, Any]:
    r"""A game's arrays, by the names that `TabularGame.from_arrays` takes and makes the same game of.

    With $f_j$ a table at vertex j of the simplex, $f(m) = \bar f + \sum_j m_j (f_j - \bar f)$, the mean over vertices
    $\bar f$ first; tables that do not depend on the mean field have no slopes.

    Args:
        game: a game whose three functions are affine in the mean field, and declared so; validated first.

    Returns:
        NumPy arrays and words, the keyword arguments of `TabularGame.from_arrays`.

    Raises:
        ValueError: a function is declared "general": no arrays hold it.
    """
    validate(game)
    found: dict[str, Any] = {}
    corners = _corners(traced(game))
    for name, (function, dependence) in _TABLES.items():
        declared = getattr(game, dependence)
        if declared == "general":
            raise InputError(
                f"to_arrays: got a game whose {dependence} is 'general', expected 'affine' or 'none': a table for each "
                "vertex of the simplex does not determine it."
            )
        values = np.asarray(getattr(corners, function))
        found[name] = values[0] if declared == "none" else np.mean(values, axis=0)
        found[f"{name}_mean_field"] = None if declared == "none" else values - found[name]
    for name in ("discount", "temperature", "leader_temperature"):
        found[name] = float(getattr(game, name))
    found["initial_distribution"] = np.asarray(game.initial_distribution)
    found["leader_observation"] = np.asarray(game.leader_observation)
    found["mean_field_support"] = game.mean_field_support
    return found


def _corners(game: AbstractGame) -> Any:
    """The tables at every vertex of the simplex, (M, ...), one at a time to bound memory."""
    shape = mean_field_shape(game)
    return jax.lax.map(lambda field: tabulate(game, field.reshape(shape)), jnp.eye(int(np.prod(shape))))
