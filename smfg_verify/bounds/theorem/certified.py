"""The constants of the theorem as far as they are certified, and what is missing."""

import math
from typing import NamedTuple

import numpy as np

from smfg_verify.assumptions.constants.game_constants import ENVELOPES, GameConstants, game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.constants.suprema import budget_of
from smfg_verify.assumptions.constants.variations import leader_pairs, variation_bound
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.enclosure import NoEnclosure, envelope, numbers_of_a_box
from smfg_verify.assumptions.ergodicity.coverage import check_coverage
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.gradient_alignment.independence import FUNCTIONS, prove_independence
from smfg_verify.assumptions.lipschitz.findings import check_lipschitz
from smfg_verify.assumptions.one_sided.certified_rate import rate_by_modulus
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.uniqueness.findings import one_sided_finding
from smfg_verify.bounds.theorem.coefficients import TheoremInputs
from smfg_verify.bounds.theorem.sentences import MissingConstant
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import field_size
from smfg_verify.game import AbstractGame
from smfg_verify.stochastic.value_bounds import value_bounds

# What a box may miss the values by, relative to them: both are rounded.
_ROUNDING = 1e-9
# The square of the floor enters, times other small numbers.
_SMALLEST_FLOOR = 1e-140
_SYMBOLS = {
    "transition": "L_P",
    "follower-reward": "L_f",
    "leader-reward": "L_l",
    "initial": "rho_0",
    "occupancy": "d_0",
}


class Certified(NamedTuple):
    """What is certified of the theorem's constants.

    Attributes:
        inputs: all of them; None where one that all lines need is missing.
        missing: why there are none, a line each.
        missing_for_leader: what the leader's line needs besides.
        findings: the findings among what constants were taken from, also those that fell short. Ranges of the rewards,
            Delta, M, delta_A, delta_B, the leader's independence and, by the modulus, c have proofs without a finding.
    """

    inputs: TheoremInputs | None
    missing: tuple[MissingConstant, ...]
    missing_for_leader: tuple[MissingConstant, ...]
    findings: tuple[Finding, ...]


def certified_inputs(game: AbstractGame, settings: SearchSettings) -> Certified:
    """Take every constant of the theorem from a certified finding, or say which has none.

    Nothing is searched or sampled: these are the proofs of the findings named, without the searches beside them.

    Args:
        game: the game.
        settings: budget of each branch and bound, and number of cells.

    Returns:
        The constants.

    Raises:
        ValueError: an invalid game, or float64 off.

    Source: the hypotheses of docs/theorem.md.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.assumptions import search_settings
        >>> from smfg_verify.bounds import certified_inputs
        >>> found = certified_inputs(games.load("market-entrance"), search_settings("quick", num_boxes=2))
        >>> found.inputs is None, str(found.missing[0])
        (True, 'M: no mixing is certified, see ergodicity / dobrushin and doeblin')
    """
    game = checked(game)
    outside = _not_about(game)
    if outside:
        return Certified(None, outside, (), ())
    constants = game_constants(game, settings)
    findings = {finding.statement: finding for finding in _findings(game, settings)}
    missing = [_missing(finding) for name, finding in findings.items() if name in _SYMBOLS]
    if not math.isfinite(constants.mixing_factor):
        missing.append(MissingConstant("mixing"))
    rate, without_rate = _rate(game, constants, findings["one-sided"])
    low, high, without_range = _reward_ranges(game, constants, settings)
    boxes, without_box = _boxes(game, low, high)
    lacking = tuple(filter(None, [*missing, without_rate, *without_range, *without_box]))
    own = all(prove_independence(game, name).proved for name in FUNCTIONS)
    for_leader = () if own else (MissingConstant("alignment"), MissingConstant("smoothness"))
    if lacking:
        return Certified(None, lacking, for_leader, tuple(findings.values()))
    inputs = _inputs(game, constants, settings, findings, rate, low, high, boxes, own)
    if inputs.largest_floor < _SMALLEST_FLOOR:
        cold = {"span": inputs.quality_span, "temperature": inputs.temperature}
        return Certified(None, (MissingConstant("cold", cold),), for_leader, tuple(findings.values()))
    return Certified(inputs, (), for_leader, tuple(findings.values()))


def _not_about(game: AbstractGame) -> tuple[MissingConstant, ...]:
    """What of the game the theorem is not about."""
    leader_temperature = float(game.leader_temperature)
    found = [
        MissingConstant("pairs") if game.mean_field_support != "states" else None,
        MissingConstant("leader-entropy", {"value": leader_temperature}) if leader_temperature != 0.0 else None,
        MissingConstant("one-action") if game.num_follower_actions < 2 else None,
        MissingConstant("one-state") if game.num_states < 2 else None,
    ]
    return tuple(filter(None, found))


def _findings(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    coverage = [finding for finding in check_coverage(game, settings) if finding.statement != "stationary"]
    return [*check_lipschitz(game, settings), *coverage, one_sided_finding(game, settings)]


def _missing(finding: Finding) -> MissingConstant | None:
    if finding.verdict is Verdict.CERTIFIED:
        return None
    names = {"property": finding.property, "statement": finding.statement, "verdict": finding.verdict.value}
    return MissingConstant("finding", {"symbol": _SYMBOLS[finding.statement], **names})


def _rate(game: AbstractGame, constants: GameConstants, by_cells: Finding) -> tuple[float, MissingConstant | None]:
    """The larger of the certified rates at W = I."""
    closed = rate_by_modulus(inputs_of(game, constants), float(game.temperature), field_size(game))
    proved = [closed] if closed > CLEARLY_BELOW_ONE else []
    proved += [by_cells.constant] if by_cells.verdict is Verdict.CERTIFIED else []
    if proved:
        return float(max(proved)), None
    return float("nan"), MissingConstant("one-sided", {"cells": float(by_cells.constant), "modulus": float(closed)})


def _reward_ranges(
    game: AbstractGame, constants: GameConstants, settings: SearchSettings
) -> tuple[tuple[float, float], tuple[float, float], list[MissingConstant]]:
    """Least and largest reward of follower and leader, and what is not proved of them."""
    missing = []
    if ENVELOPES["follower_reward"] in constants.unproved:
        reason = constants.unproved[ENVELOPES["follower_reward"]]
        missing.append(MissingConstant("reward", {"player": "follower", "reason": reason}))
    low, high = [constants.follower_reward_low, float("-inf")], [constants.follower_reward_high, float("inf")]
    try:
        numbers = numbers_of_a_box(game, "leader_reward", slopes=False)
        found = envelope(game, "leader_reward", **budget_of(settings, numbers))
        low[1], high[1] = float(np.min(found.lower)), float(np.max(found.upper))
    except NoEnclosure as error:
        missing.append(MissingConstant("reward", {"player": "leader", "reason": str(error)}))
    return (low[0], low[1]), (high[0], high[1]), missing


def _boxes(
    game: AbstractGame, low: tuple[float, float], high: tuple[float, float]
) -> tuple[tuple[tuple[float, float], tuple[float, float]], list[MissingConstant]]:
    """The boxes that a run projects its critics to, and which is not proved to hold all values."""
    found, horizon = value_bounds(game), 1.0 / (1.0 - float(game.discount))
    boxes = (
        (float(found.follower_lower), float(found.follower_upper)),
        (float(found.leader_lower), float(found.leader_upper)),
    )
    bonus = (float(game.temperature) * math.log(game.num_follower_actions), 0.0)
    missing = []
    for player, box, least, most, more in zip(("follower", "leader"), boxes, low, high, bonus, strict=True):
        lowest, highest = least * horizon, (most + more) * horizon
        granted = _ROUNDING * max(abs(lowest), abs(highest))
        if math.isfinite(granted) and not (box[0] <= lowest + granted and highest - granted <= box[1]):
            facts = {"player": player, "low": box[0], "high": box[1], "lowest": lowest, "highest": highest}
            missing.append(MissingConstant("box", facts))
    return boxes, missing


def _inputs(
    game: AbstractGame,
    constants: GameConstants,
    settings: SearchSettings,
    findings: dict[str, Finding],
    rate: float,
    low: tuple[float, float],
    high: tuple[float, float],
    boxes: tuple[tuple[float, float], tuple[float, float]],
    own: bool,
) -> TheoremInputs:
    unproved = ENVELOPES["transition"] in constants.unproved
    leader_spread = 1.0 if unproved else variation_bound(game, leader_pairs(game), settings).upper
    return TheoremInputs(
        num_states=game.num_states,
        num_actions=game.num_follower_actions,
        discount=float(game.discount),
        temperature=float(game.temperature),
        follower_low=low[0],
        follower_high=high[0],
        leader_low=low[1],
        leader_high=high[1],
        transition_lipschitz=findings["transition"].constant,
        follower_lipschitz=findings["follower-reward"].constant,
        leader_lipschitz=findings["leader-reward"].constant,
        one_step=min(1.0, float(constants.one_step)),
        mixing_factor=float(constants.mixing_factor),
        action_spread=min(1.0, float(constants.action_spread)),
        leader_spread=min(1.0, float(leader_spread)),
        least_occupancy=findings["occupancy"].constant,
        least_initial=findings["initial"].constant,
        one_sided_rate=rate,
        follower_box=boxes[0],
        leader_box=boxes[1],
        own_world=own,
    )
