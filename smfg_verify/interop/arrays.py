"""A game as plain arrays."""

import numpy as np

from smfg_verify.assumptions.enclosure import affine_table
from smfg_verify.errors import InputError
from smfg_verify.exact.precision import require_float64
from smfg_verify.game import AbstractGame, traced, untraced_functions, validate
from smfg_verify.records.entries import Arguments

_TABLES = {
    "kernel": "transition",
    "follower_rewards": "follower_reward",
    "leader_rewards": "leader_reward",
}
_WORDS = ("name", "state_labels", "follower_action_labels", "leader_action_labels")


def to_arrays(game: AbstractGame) -> Arguments:
    r"""A game's arrays, by the names that `TabularGame.from_arrays` takes and makes the same game of.

    With $f_j$ a table at vertex j of the simplex, $f(m) = \bar f + \sum_j m_j (f_j - \bar f)$, the mean over vertices
    $\bar f$ first; tables that do not depend on the mean field have no slopes.

    Args:
        game: a game whose three functions are proved affine in the mean field, by their traced programs; what the game
            declares is not looked at. Validated first.

    Returns:
        NumPy arrays and words, the keyword arguments of `TabularGame.from_arrays`.

    Raises:
        ValueError: a function that is not proved affine: no arrays hold it, or it rests on code that cannot be traced,
            whose mark arrays would lose.

    Examples:
        >>> from smfg_verify import TabularGame, games
        >>> from smfg_verify.interop import to_arrays
        >>> arrays = to_arrays(games.load("laffer-tax"))
        >>> arrays["kernel"].shape, TabularGame.from_arrays(**arrays).num_states
        ((2, 2, 2, 2), 2)
    """
    validate(game)
    game = traced(game)
    require_float64(game)
    untraced = untraced_functions(game)
    found: Arguments = {}
    for name, function in _TABLES.items():
        found |= _arrays_of(game, name, function, untraced)
    for name in ("discount", "temperature", "leader_temperature"):
        found[name] = float(getattr(game, name))
    found["initial_distribution"] = np.asarray(game.initial_distribution)
    found["leader_observation"] = np.asarray(game.leader_observation)
    found["mean_field_support"] = game.mean_field_support
    found |= {name: getattr(game, name) for name in _WORDS}
    return found


def _arrays_of(game: AbstractGame, name: str, function: str, untraced: tuple[str, ...]) -> Arguments:
    if function in untraced:
        raise InputError(
            f"to_arrays: {function} rests on code that cannot be traced, expected JAX throughout: arrays would be "
            "taken for the game, where they are only what that code said at some mean fields."
        )
    table = affine_table(game, function)
    if table is None:
        raise InputError(
            f"to_arrays: got a game whose {function} is not proved affine in the mean field "
            f"({function}_dependence is {getattr(game, function + '_dependence')!r}), expected an affine one: a table "
            "for each vertex of the simplex does not determine it."
        )
    if table.is_constant:
        return {name: table.constant, f"{name}_mean_field": None}
    vertices = table.constant + table.slope
    middle = np.mean(vertices, axis=0)
    return {name: middle, f"{name}_mean_field": vertices - middle}
