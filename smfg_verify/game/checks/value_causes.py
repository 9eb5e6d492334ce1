"""Why a function's numbers cannot be used: the likely cause, told by the numbers themselves."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.game.base import AbstractGame, mean_field_shape
from smfg_verify.game.tables import over_indices

_SINGLE_ROUNDING = 1e-5


_EMPTY_STATE = "a logarithm, power or division at an empty state"
_CAUSES = {
    "NaN": "a missing number, or 0 / 0 or inf - inf that does not depend on the mean field",
    "inf": "a division by zero or an overflow that does not depend on the mean field",
    "-inf": "an action that is forbidden there: every action can be taken in every state, so give it a large negative "
    "reward, some hundred temperatures below the others",
}


def cause_of_infinite(
    game: AbstractGame, function: Callable[..., Array], field: Float[np.ndarray, " M"]
) -> tuple[str, str]:
    """Which number of a function is not finite at a mean field, and the likely cause.

    Args:
        game: the game, prepared.
        function: of (game, state, follower action, leader action, mean field).
        field: mean field at which some number is not finite, flattened.

    Returns:
        The number and its place, and the cause, in words.
    """
    values = np.asarray(_table(game, function, field))
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
    number = str(values[place]).replace("nan", "NaN")
    where = f"{number} at (state, action, leader action) = {place[:3]}"
    inside = _table(game, function, np.full(field.shape, 1.0 / field.size))
    return where, _EMPTY_STATE if np.all(np.isfinite(inside)) else _CAUSES[number]


def cause_of_row_sum(
    game: AbstractGame, function: Callable[..., Array], field: Float[np.ndarray, " M"], row: tuple[int, ...]
) -> str:
    """The likely cause of a row of probabilities that does not sum to one.

    Args:
        game: the game, prepared.
        function: its transition, of (game, state, follower action, leader action, mean field).
        field: mean field, flattened.
        row: state, follower action and leader action.

    Returns:
        Words that follow "the likely cause is".
    """
    values = np.asarray(
        function(game, *(jnp.asarray(i) for i in row), jnp.asarray(field.reshape(mean_field_shape(game))))
    )
    single = values.dtype == np.float32 or np.array_equal(values, values.astype(np.float32))
    if single and abs(values.sum(dtype=float) - 1.0) <= _SINGLE_ROUNDING:
        return (
            "single precision: the numbers are float32's, rounded at 6e-8. Make the array in float64 and divide each "
            "row by its sum there"
        )
    return "swapped axes (next states come last) or mean-field terms that do not sum to zero over next states"


def _table(game: AbstractGame, function: Callable[..., Array], field: Float[np.ndarray, " M"]) -> np.ndarray:
    shaped = jnp.asarray(field.reshape(mean_field_shape(game)))
    return np.asarray(over_indices(game, lambda s, a, b: function(game, s, a, b, shaped)))
