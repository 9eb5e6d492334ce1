r"""Proof that the rows of a transition are probabilities, and bounds of their entries over all mean fields.

A game is checked at sampled mean fields when it is validated. What is concluded from "entries lie in [0, 1]" and "rows
sum to one" (total variations, minorants, coverage) takes them only from here.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.suprema import budget_of
from smfg_verify.assumptions.enclosure import NoEnclosure, affine_table, enclose, envelope, numbers_of_a_box
from smfg_verify.assumptions.enclosure.listed_moves import ListedMoves, listed_moves
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.tables_at_fields import field_size
from smfg_verify.game import AbstractGame

# What a game is allowed to miss probabilities by, see `validate`, with the roundings of its proof.
ALLOWED = 2e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Bounds of P(s' | s, a, b, m) over all mean fields.

    Attributes:
        lower, upper: (n, A, B, n); within [0, 1] where that is proved, else 0 and 1, which rest on the game's promise.
        slack: what the sum of a row is proved to be off by from one, at most.
        unproved: why the rows are not proved to be probabilities; empty where they are.
        rounding: how far the machine's rows may be in l1 from those of the function that the program stands for.
        cut: whether a time limit cut the bounds of the entries short.
    """

    lower: Float[np.ndarray, "n A B n"]
    upper: Float[np.ndarray, "n A B n"]
    slack: float
    unproved: str
    rounding: float
    cut: bool = False


def certified_rows(game: AbstractGame, settings: SearchSettings) -> Rows:
    """Enclose entries and sums of the rows.

    Args:
        game: the game, traced.
        settings: budget of the branch and bound.

    Returns:
        The bounds, and whether they are a proof that rows are probabilities: entries at least -2e-9, sums within 2e-9
        of one, whatever the mean field.
    """
    shape = (game.num_states, game.num_follower_actions, game.num_leader_actions, game.num_states)
    try:
        found = envelope(game, "transition", **budget_of(settings, numbers_of_a_box(game, "transition", slopes=False)))
        slack = row_sum_error(game)
    except NoEnclosure as error:
        return Rows(np.zeros(shape), np.ones(shape), np.inf, str(error), np.inf)
    reason = _why_not(float(np.min(found.lower)), slack)
    rounding = float(np.max(np.sum(found.rounding, axis=-1)))
    if reason:
        return Rows(np.zeros(shape), np.ones(shape), slack, reason, rounding, found.cut)
    return Rows(np.clip(found.lower, 0.0, 1.0), np.clip(found.upper, 0.0, 1.0), slack, "", rounding, found.cut)


def listed_probabilities(game: AbstractGame) -> ListedMoves:
    """The listed moves of a game of any size, proved to be probabilities and the same at every mean field.

    Args:
        game: the game, traced, which lists its successors.

    Returns:
        The moves.

    Raises:
        NoEnclosure: there is no such proof.
    """
    moves = listed_moves(game)
    reason = _why_not(float(np.min(moves.probability - moves.error)), moves.missing)
    if reason:
        raise NoEnclosure(reason)
    return moves


def _why_not(lowest: float, slack: float) -> str:
    if not lowest >= -ALLOWED:
        return f"entries of the transition are not proved to be at least 0: the bound reached is {lowest:.3g}"
    if not slack <= ALLOWED:
        return f"rows of the transition are not proved to sum to one: the sums are bounded to within {slack:.3g} of it"
    return ""


def row_sum_error(game: AbstractGame) -> float:
    """What the sum of a row is proved to be off by from one, at most, at any mean field; no enclosure raises."""
    table = affine_table(game, "row_sum")
    if table is not None:
        vertices = table.constant + table.slope
        return float(np.max(np.abs(vertices - 1.0) + table.error))
    size = field_size(game)
    found = enclose(game, "row_sum", np.zeros((1, size)), np.ones((1, size)))
    return float(np.max(np.maximum(np.abs(found.lower - 1.0), np.abs(found.upper - 1.0))))
