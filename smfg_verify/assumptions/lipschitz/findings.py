"""Lipschitz constants of the transition and of both rewards in the mean field, l1 norm."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from smfg_verify.assumptions.constants.game_constants import GameConstants, game_constants
from smfg_verify.assumptions.constants.sampled_constants import LIPSCHITZ
from smfg_verify.assumptions.constants.suprema import Bound, lipschitz_at
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.properties import register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import AbstractGame, traced

PROPERTY = "lipschitz"
STATEMENTS = {"transition": "transition", "follower-reward": "follower_reward", "leader-reward": "leader_reward"}
# Roundings that a change of the mean field by that share of its mass already exceeds go without saying.
_VISIBLE = 1e-9
# Those this small stand for numbers put to zero.
_NOTHING = 1e-200
_WORDS = {
    "transition": "the next-state law by at most {:.4g} times as much in l1",
    "follower-reward": "the follower's reward by at most {:.4g} times as much",
    "leader-reward": "the leader's reward by at most {:.4g} times as much",
}


def _ratio_of(name: str) -> Callable[[AbstractGame, Mapping[str, Any]], float]:
    return lambda game, witness: lipschitz_at(traced(game), name, witness)


@register_property(PROPERTY, recompute={statement: _ratio_of(name) for statement, name in STATEMENTS.items()})
def check_lipschitz(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""The constants of $\|P(. | s,a,b,m) - P(. | s,a,b,m')\|_1 \le L_P \|m - m'\|_1$, rewards likewise.

    Half the largest l1 distance between two columns of the slope: exact where the game is proved affine, enclosed with
    branch and bound elsewhere.

    Args:
        game: the game, traced.
        settings: budget of the branch and bound; number of sampled mean fields.

    Returns:
        One finding for each of `STATEMENTS`.

    Source: Lipschitz assumptions of analyses of mean field games, here with their constants.
    """
    constants = game_constants(game, settings)
    return [
        cut_short(_finding(statement, constants), constants.cut, LIPSCHITZ[name])
        for statement, name in STATEMENTS.items()
    ]


def _finding(statement: str, constants: GameConstants) -> Finding:
    name = LIPSCHITZ[STATEMENTS[statement]]
    bound, measured = constants.bounds[name], constants.measured[name]
    shared: dict[str, Any] = {
        "property": PROPERTY,
        "statement": statement,
        "searched": {**constants.sampled.searched, **bound.searched},
        "details": {
            "measured": measured,
            "measured_error": constants.sampled.errors.get(name, float("nan")),
            "rounding": bound.rounding,
        },
    }
    if np.isfinite(bound.upper):
        return Finding(
            **shared,
            verdict=Verdict.CERTIFIED,
            constant=bound.upper,
            side=Side.EXACT if bound.exact else Side.UPPER,
            evidence=Evidence.PROOF,
            method="structure of the game" if bound.exact else "interval enclosure of the slope with branch and bound",
            meaning=_meaning(statement, bound),
            witness=bound.witness,
        )
    reason = bound.reason or "the enclosure of the slope is unbounded, as at a jump or an infinite slope"
    return Finding(
        **shared,
        verdict=Verdict.INCONCLUSIVE,
        constant=measured,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        method="ratios between sampled mean fields",
        meaning=f"No proof of a finite constant ({reason}); {_sampled_ratio(measured)}.",
        witness=constants.sampled.witnesses.get(name, {}),
    )


def _sampled_ratio(measured: float) -> str:
    return "no pair sampled gave numbers" if np.isnan(measured) else f"the largest ratio sampled is {measured:.4g}"


def _meaning(statement: str, bound: Bound) -> str:
    visible = bound.rounding > max(_VISIBLE * bound.upper, _NOTHING)
    beside = f", beside roundings of up to {bound.rounding:.2g}" if visible else ""
    if bound.exact and bound.upper == 0.0 and not visible:
        return f"The {statement.replace('-', ' ')} does not depend on the mean field."
    return f"A change of the mean field changes {_WORDS[statement].format(bound.upper)}{beside}."
