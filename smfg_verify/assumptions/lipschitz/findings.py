"""Lipschitz constants of the transition and of both rewards in the mean field, l1 norm."""

import numpy as np

from smfg_verify.assumptions.constants.game_constants import GameConstants, game_constants
from smfg_verify.assumptions.constants.sampled_constants import LIPSCHITZ
from smfg_verify.assumptions.constants.suprema import lipschitz_at
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.lipschitz.sentences import LIPSCHITZ as RENDERINGS
from smfg_verify.assumptions.properties import Recompute, register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import AbstractGame, traced
from smfg_verify.records.entries import Arguments

PROPERTY = "lipschitz"
STATEMENTS = {"transition": "transition", "follower-reward": "follower_reward", "leader-reward": "leader_reward"}


def _ratio_of(name: str) -> Recompute:
    return lambda game, witness: lipschitz_at(traced(game), name, witness)


@register_property(
    PROPERTY,
    recompute={statement: _ratio_of(name) for statement, name in STATEMENTS.items()},
    renderings=RENDERINGS,
)
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
    shared: Arguments = {
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
            facts={"exact": bool(bound.exact), "rounding": float(bound.rounding)},
            witness=bound.witness,
        )
    return Finding(
        **shared,
        verdict=Verdict.INCONCLUSIVE,
        constant=measured,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        facts={"reason": bound.reason},
        witness=constants.sampled.witnesses.get(name, {}),
    )
