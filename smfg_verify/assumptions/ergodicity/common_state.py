r"""One state that no policy avoids: ergodicity of games that have no dense table, on the graph of their moves.

Where every choice at a state t may keep it, and from every state each choice leads on to states from which t is
reached, t has a positive probability after every number of steps from some k on, whatever the policies and whether or
not they change in time. With p the least probability of the moves that this rests on, any two laws share at least
$p^k$ of their mass after k steps: Doeblin's condition, with a rate that may be too small for a float.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from smfg_verify.assumptions.constants.certified_rows import ALLOWED, listed_probabilities
from smfg_verify.assumptions.enclosure import NoEnclosure
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.errors import InputError
from smfg_verify.exact.sparse.equations.local_moves import listed_successors
from smfg_verify.exact.sparse.reachability import Possible, possible_moves, unavoidable
from smfg_verify.game import AbstractGame, traced
from smfg_verify.records.entries import Entries

PROPERTY, STATEMENT = "ergodicity", "common-state"
# States that are tried; one that no policy avoids is in the recurrent class of every chain.
_TRIED = 8


class CertainMoves(NamedTuple):
    """Moves that are proved possible at every mean field.

    Attributes:
        graph: of these moves, with a choice for each pair of actions.
        keeping: states that every choice may keep, (n,).
        least: the least probability among them.
    """

    graph: Possible
    keeping: Bool[np.ndarray, " n"]
    least: float


def certain_moves(game: AbstractGame) -> CertainMoves:
    """The moves that are proved possible.

    Raises:
        NoEnclosure: the moves are not proved to be the same at every mean field, or rows to be probabilities.
    """
    moves = listed_probabilities(game)
    # A state that is listed several times is entered by the sum, which the other entries may lower by so much.
    granted = moves.probability.shape[-1] * ALLOWED
    lower = moves.probability - moves.error
    may, targets = lower > 2.0 * granted, listed_successors(game)
    own = np.broadcast_to(targets, may.shape) == np.arange(len(may)).reshape(-1, 1, 1, 1)
    keeping = np.all(np.any(may & own, axis=3), axis=(1, 2))
    least = float(np.min(lower[may], initial=1.0)) - granted
    return CertainMoves(possible_moves(targets, may), keeping, least)


def common_state_finding(game: AbstractGame, recurrent: Int[np.ndarray, " r"]) -> Finding:
    """Certified where a state is found that no policy avoids.

    Args:
        game: the game, traced, which lists its successors.
        recurrent: states that are recurrent in all chains looked at: others some policy avoids.

    Returns:
        The finding; its constant is the number of steps.
    """
    try:
        certain = certain_moves(game)
    except NoEnclosure as error:
        return _finding(Verdict.INCONCLUSIVE, np.nan, {"case": "no-proof", "reason": str(error)}, {})
    candidates = recurrent[certain.keeping[recurrent]]
    tried = np.unique(candidates[np.linspace(0, candidates.size - 1, min(_TRIED, candidates.size)).astype(int)])
    steps = [_steps_to(certain, int(state)) for state in tried]
    if not np.any(np.isfinite(steps)):
        return _finding(Verdict.INCONCLUSIVE, np.nan, {"case": "none-found", "tried": len(steps)}, {})
    best = int(np.nanargmin(steps))
    state, number = int(tried[best]), steps[best]
    facts = {"case": "found", "state": state, "log10_shared": float(number * np.log10(certain.least))}
    return _finding(Verdict.CERTIFIED, number, facts, {"state": np.array(state)})


def steps_to_common_state(game: AbstractGame, witness: Entries) -> float:
    """Steps after which the witness's state is possible whatever the policies; NaN where some avoid it.

    Raises:
        ValueError: no such state, or nothing is proved of the game's moves.
    """
    game, state = traced(game), int(witness["state"])
    if not 0 <= state < game.num_states:
        raise InputError(
            f"witness: got state {state}, expected one of {game.num_states}; likely cause: the finding is about "
            "another game."
        )
    try:
        certain = certain_moves(game)
    except NoEnclosure as error:
        raise InputError(f"witness: {error}; likely cause: the finding is about another game.") from error
    return _steps_to(certain, state) if certain.keeping[state] else float("nan")


def _steps_to(certain: CertainMoves, state: int) -> float:
    steps = unavoidable(certain.graph, np.array([state]))
    return float(np.max(steps)) if np.all(steps >= 0) else float("nan")


def _finding(verdict: Verdict, constant: float, facts: Entries, witness: Entries) -> Finding:
    return Finding(
        property=PROPERTY,
        statement=STATEMENT,
        verdict=verdict,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts=facts,
        witness=witness,
    )
