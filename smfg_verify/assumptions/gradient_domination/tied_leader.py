r"""Whether a leader whose states share one row is led to its best policy by slopes: variational gradient domination.

Followers are held at the uniform leader's equilibrium; the constant is computed exactly, see `tied_objective`.
"""

import functools
import math
from fractions import Fraction

import numpy as np

from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable, require_shapes
from smfg_verify.assumptions.gradient_domination.measures import PROPERTY
from smfg_verify.assumptions.gradient_domination.tied_objective import (
    Judged,
    TiedObjective,
    gap_at,
    judged,
    ratio_at,
    tied_objective,
)
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.records.entries import Entries

STATEMENT = "tied-leader"
# Coefficients grow with the states: so many take a second.
MOST_STATES = 4
# A larger bound leaves it to roundings of the equilibrium whether there is one.
_MOST = 1e8
# A bound this near to a ratio that is attained, relative to it, is the constant.
_TIGHT = 1e-8


def tied_ratio(game: AbstractGame, witness: Entries) -> float:
    """The ratio of gap to slope at a witness: followers held, and the probability of the leader's first action."""
    game = checked(game)
    shapes = {"policy": (game.num_states, game.num_follower_actions), "mean_field": mean_field_shape(game)}
    require_shapes(witness, {**shapes, "probability": ()})
    objective = _objective(game, witness["policy"], witness["mean_field"])
    return ratio_at(objective, Fraction(float(witness["probability"])))


def _objective(game: AbstractGame, policy: np.ndarray, mean_field: np.ndarray) -> TiedObjective:
    tables = tables_at(game, np.asarray(mean_field).reshape(1, -1))
    return tied_objective(
        np.einsum("sa,sabt->bst", policy, tables["transition"][0]),
        np.einsum("sa,sab->bs", policy, tables["leader_reward"][0]),
        np.asarray(game.initial_distribution, dtype=float),
        float(game.discount),
    )


def _told(objective: TiedObjective, result: Judged, error: float) -> Judged:
    """The judgement, none where the equilibrium's own error may have made it."""
    unsure = result.case == "trapped" and not gap_at(objective, result.place) > 2.0 * error
    large = result.case == "bound" and not result.upper <= _MOST
    return result._replace(case="open") if unsure or large else result


def tied_finding(game: AbstractGame) -> Finding:
    """One constant for a leader of one probability, with followers held where the uniform leader's settle.

    Args:
        game: the game, traced.

    Returns:
        The finding; CERTIFIED where a constant is proved, REFUTED where a policy that is not the best has no slope.

    Source: variational gradient domination over restricted policies, arXiv 2507.04406; the computation is ours.
    """
    few = leader_logits_shape(game) == (1, 2) and game.num_states <= MOST_STATES
    if not few or float(game.leader_temperature) > 0.0:
        return not_applicable(PROPERTY, STATEMENT)
    told = functools.partial(
        Finding,
        property=PROPERTY,
        statement=STATEMENT,
        side=Side.LOWER,
        evidence=Evidence.PROOF,
        searched={"leaders": 1},
    )
    found = evaluate_leaders(game, np.zeros((1, *leader_logits_shape(game)))).at(0)
    if not found.converged:
        return told(verdict=Verdict.INCONCLUSIVE, constant=math.nan, facts={"case": "no-equilibrium"})
    policy, field = np.asarray(found.follower_policy), np.asarray(found.mean_field)
    objective = _objective(game, policy, field)
    result = _told(objective, judged(objective), float(found.objective_error))
    witness = {"policy": policy, "mean_field": field, "probability": np.asarray(float(result.place))}
    constant = ratio_at(objective, Fraction(float(result.place)))
    facts = {"case": result.case, "upper": result.upper, "probability": float(result.place)}
    tight = math.isfinite(result.upper) and result.upper - constant <= _TIGHT * result.upper
    verdicts = {"trapped": Verdict.REFUTED, "bound": Verdict.CERTIFIED, "flat": Verdict.CERTIFIED}
    return told(
        verdict=verdicts.get(result.case, Verdict.INCONCLUSIVE),
        constant=constant,
        side=Side.EXACT if tight else Side.LOWER,
        facts=facts,
        witness=witness,
        details={"upper": result.upper},
    )
