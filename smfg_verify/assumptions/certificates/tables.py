"""A game as a certificate holds it: its functions at the vertices of the mean fields, and how near they are."""

import numpy as np

from smfg_verify.assumptions.constants.certified_rows import row_sum_error
from smfg_verify.assumptions.enclosure import NoEnclosure, affine_table
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, game_hash, game_name, traced
from smfg_verify.records.entries import Record

# Compiled anew, elsewhere, a program may round otherwise; a certificate of it holds there, too.
_MARGIN = 4.0
_UNIT = 2.0**-52


def game_tables(game: AbstractGame) -> Record:
    """The entry `game` of a certificate.

    Args:
        game: any game whose followers face functions that are proved affine in the mean field.

    Returns:
        JSON values; numbers are hexadecimal floats.

    Raises:
        ValueError: there is no such proof.
    """
    game = traced(game)
    (rows, off), (rewards, reward_off) = _transition(game), _vertices(game, "follower_reward")
    return {
        "name": game_name(game),
        "digest": game_hash(game),
        **_sizes(game),
        "discount": float(game.discount).hex(),
        "temperature": float(game.temperature).hex(),
        "transition": hexed(rows),
        "transition_radius": (_MARGIN * off).hex(),
        "reward": hexed(rewards),
        "reward_radius": (_MARGIN * reward_off).hex(),
    }


def covers(tables: Record, game: AbstractGame) -> bool:
    """Whether a game is among those that a certificate is about: within the radius of its tables, entry by entry.

    Args:
        tables: the entry `game` of a certificate that was verified.
        game: any.

    Returns:
        Whether it is for sure.
    """
    game = traced(game)
    numbers = {"discount": float(game.discount).hex(), "temperature": float(game.temperature).hex(), **_sizes(game)}
    if any(tables[name] != value for name, value in numbers.items()):
        return False
    near = (("transition", *_transition(game)), ("reward", *_vertices(game, "follower_reward")))
    return all(_within(tables, name, values, off) for name, values, off in near)


def _within(tables: Record, name: str, values: np.ndarray, off: float) -> bool:
    told = np.array([float.fromhex(text) for text in tables[name]])
    if told.size != values.size:
        return False
    apart = np.max(np.abs(told - values.ravel()), initial=0.0) * (1.0 + 2.0 * _UNIT) + off
    return bool(apart <= float.fromhex(tables[f"{name}_radius"]))


def _sizes(game: AbstractGame) -> Record:
    return {
        "states": game.num_states,
        "actions": game.num_follower_actions,
        "leader_actions": game.num_leader_actions,
        "mean_fields": game.mean_field_support,
        "observation": [int(row) for row in np.asarray(game.leader_observation)],
    }


def hexed(table: np.ndarray) -> list[str]:
    """The entries of a table, flat, as hexadecimal floats."""
    return [float(value).hex() for value in np.ravel(table)]


def _transition(game: AbstractGame) -> tuple[np.ndarray, float]:
    """Rows, and what an entry may be off by from a row of probabilities: one divided by its sum is one."""
    rows, off = _vertices(game, "transition")
    try:
        return rows, off + 2.0 * row_sum_error(game)
    except NoEnclosure as error:
        raise InputError(f"certificate: the rows of the transition are not proved to sum to one: {error}.") from error


def _vertices(game: AbstractGame, name: str) -> tuple[np.ndarray, float]:
    """Values at each vertex, or once where the mean field changes nothing, and what an entry may be off by."""
    table = affine_table(game, name)
    if table is None:
        raise InputError(
            f"certificate: got a game whose {name} is not proved affine in the mean field, expected one that tables at "
            "the vertices of the mean fields say all of."
        )
    values = table.constant[None] if table.is_constant else table.constant + table.slope
    size = float(np.max(np.abs(table.constant), initial=0.0) + np.max(np.abs(table.slope), initial=0.0))
    return values, float(np.max(table.error, initial=0.0)) + _UNIT * size
