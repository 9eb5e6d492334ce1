"""Entrywise bounds of the transition as the witness of what is proved from them."""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.game_constants import GameConstants
from smfg_verify.errors import InputError
from smfg_verify.exact.tables_at_fields import field_size, random_fields, tables_at
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries

# Rounding of a table's entries, and mean fields at which a witness is held against the game.
_ROUNDING = 1e-9
_NUM_PROBES = 30


def interval_witness(constants: GameConstants) -> dict[str, np.ndarray]:
    """The bounds of P(s' | s, a, b, m) over all mean fields that a proof rests on."""
    return {"lower": constants.transition_lower, "upper": constants.transition_upper}


def interval_of(
    game: AbstractGame, witness: Entries
) -> tuple[Float[np.ndarray, "n A B n"], Float[np.ndarray, "n A B n"]]:
    """The bounds of a witness, held against the game's transition at vertices and random mean fields.

    Raises:
        ValueError: the transition leaves the bounds somewhere, or has another shape.
    """
    lower, upper = witness["lower"], witness["upper"]
    size = field_size(game)
    fields = np.concatenate([np.eye(size)[:_NUM_PROBES], random_fields(size, _NUM_PROBES, 0)])
    tables = tables_at(game, fields)["transition"]
    if lower.shape != tables.shape[1:] or upper.shape != tables.shape[1:]:
        raise InputError(
            f"witness: got bounds of shape {lower.shape}, expected {tables.shape[1:]}; likely cause: the finding is "
            "about another game."
        )
    if np.any(tables < lower - _ROUNDING) or np.any(tables > upper + _ROUNDING):
        raise InputError(
            "witness: the transition leaves the bounds of the witness; likely cause: the finding is about another game."
        )
    return lower, upper
