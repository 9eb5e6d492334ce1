r"""Gradient domination of the follower: how far from optimal a policy can be where its gradient is small.

$J_f(\theta) = \rho^T V^{\pi_\theta}$ at a fixed leader and mean field, softmax logits $\theta$ (n, A). Mei et al.
(2020, Lemma 15): $\|\nabla J_f\|^2 \ge C(\theta) (J_f^* - J_f)$ with
$C(\theta) = \frac{2\tau}{n} \min_s \rho(s)\, \min_{s,a} \pi(a|s)^2 / \max_s (d^*(s) / d^\pi(s))$, both occupancies
normalised and started from $\rho$, $J_f$ not normalised. C falls with the smallest probability of the policy, and so
does the true ratio: next to a policy that is deterministic and wrong the gradient vanishes and the gap does not. So no
constant holds for all policies at once; one holds on any box of logits, and one in the limit at the optimum.

The proof gives 2n times more. Write $\zeta = Q^\pi - \tau \log \pi$, every row centred at its mean. Then
$KL(\pi \| \mathrm{softmax}(Q^\pi/\tau)) \le \|\zeta\|^2 / (4 \tau^2)$ row by row, since the log-partition function
curves by at most a quarter of the squared range and the squared range is at most $2 \|\zeta\|^2$; and
$\|\nabla J_f\|^2 \ge (1-\gamma)^{-2} \sum_s d(s)^2 \min\pi^2 \|\zeta_s\|^2 \ge (1-\gamma)^{-1} \min\rho \min\pi^2
\sum_s d(s) \|\zeta_s\|^2$ without a detour over the 1-norm.

Source: Mei, Xiao, Szepesvari, Schuurmans, "On the global convergence rates of softmax policy gradient methods" (2020).
"""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from smfg_verify.assumptions.constants.game_constants import ENVELOPES, GameConstants, game_constants
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable, require_shapes
from smfg_verify.assumptions.gradient_domination.certified_constants import (
    constant_at_optimum,
    constant_in_box,
    constant_near_optimum,
    measured_constant,
    near_optimum,
    smallest_optimal_probability,
)
from smfg_verify.assumptions.gradient_domination.follower_program import STATEMENT as FOLLOWER_PROGRAM
from smfg_verify.assumptions.gradient_domination.follower_program import program_finding, recompute_program
from smfg_verify.assumptions.gradient_domination.measures import (
    PROPERTY,
    DominationMeasures,
    FollowerPoints,
    evaluate_points,
    log_ratio,
    unpack,
)
from smfg_verify.assumptions.gradient_domination.sentences import GRADIENT_DOMINATION
from smfg_verify.assumptions.gradient_domination.tied_leader import STATEMENT as TIED_LEADER
from smfg_verify.assumptions.gradient_domination.tied_leader import tied_finding, tied_ratio
from smfg_verify.assumptions.leader_draws import random_leaders
from smfg_verify.assumptions.properties import Recompute, register_property
from smfg_verify.assumptions.search import LOGIT_BOX, SearchResult, minimise, mixed_starts, out_of_box, slopes_of
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.precision import TINY
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.records.entries import Entries

STATEMENTS = (
    "domination",
    "mei-inequality",
    "mei-constant",
    "near-optimum",
    "kl-identity",
    FOLLOWER_PROGRAM,
    TIED_LEADER,
)
# The theorem says at least one; what is below it by more than rounding would be an error of theory or of code.
_CLEARLY_BELOW_ONE = 1.0 - 1e-6
# Two ways to compute one gap: more than this between them and the arithmetic cannot be trusted.
_AGREEMENT = 1e-6


class _Evidence(NamedTuple):
    """All points looked at, random ones first, their measures, and the search whose ends are among them."""

    points: FollowerPoints
    measures: DominationMeasures
    num_random: int
    search: SearchResult | None
    num_ratio_starts: int
    searched: Entries


def _measure_of(measure: str) -> Recompute:
    def recompute(game: AbstractGame, witness: Entries) -> float:
        game = checked(game)
        return float(getattr(evaluate_points(game, _point_of(game, witness)), measure)[0])

    return recompute


def _point_of(game: AbstractGame, witness: Entries) -> FollowerPoints:
    shapes = {
        "follower_logits": (game.num_states, game.num_follower_actions),
        "leader_logits": leader_logits_shape(game),
        "mean_field": mean_field_shape(game),
    }
    require_shapes(witness, shapes)
    return FollowerPoints(*(witness[name][None] for name in shapes))


RECOMPUTE = {
    "domination": _measure_of("ratio"),
    "mei-inequality": _measure_of("mei_ratio"),
    "kl-identity": _measure_of("identity_error"),
    "mei-constant": constant_at_optimum,
    "near-optimum": constant_near_optimum,
    FOLLOWER_PROGRAM: recompute_program,
    TIED_LEADER: tied_ratio,
}


@register_property(
    PROPERTY,
    recompute=RECOMPUTE,
    renderings=GRADIENT_DOMINATION,
    aside=("mei-constant", "near-optimum", "kl-identity", FOLLOWER_PROGRAM, TIED_LEADER),
)
def check_domination(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Look for the smallest $\|\nabla J_f\|^2 / (J_f^* - J_f)$ and hold it against Mei et al.'s constant.

    The property stands or falls with what was found on the box of logits. The certified constants are about policies
    near the optimum, a local fact that decides nothing about others.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        One finding for each of `STATEMENTS`.
    """
    if game.num_follower_actions == 1:
        return [not_applicable(PROPERTY, statement) for statement in STATEMENTS]
    evidence = _gather(game, settings)
    return [
        _domination(game, evidence),
        _mei_inequality(game, evidence),
        *_by_optimal_floor(game, settings, evidence),
        _kl_identity(game, evidence),
        program_finding(game),
        tied_finding(game),
    ]


def _gather(game: AbstractGame, settings: SearchSettings) -> _Evidence:
    points = _random_points(game, settings)
    measures = evaluate_points(game, points)
    half = (settings.num_starts + 1) // 2
    chosen = [mixed_starts(scores, half) for scores in map(np.asarray, (measures.ratio, measures.mei_ratio))]
    starts, search = np.concatenate(chosen), None
    if starts.size:
        slopes = slopes_of(log_ratio, game, np.repeat([0.0, 1.0], [len(part) for part in chosen]))
        search = minimise(slopes, _parameters(points.at(starts)), num_steps=settings.num_steps)
        ends = FollowerPoints(*(np.stack(leaf) for leaf in zip(*(unpack(game, p) for p in search.points), strict=True)))
        points = FollowerPoints(*(np.concatenate(leaves) for leaves in zip(points, ends, strict=True)))
        measures = evaluate_points(game, points)
    searched = {
        "points": len(points.mean_field),
        "random_points": settings.num_leaders,
        "masked_gap": int(np.sum(~measures.resolved & np.isfinite(measures.gap))),
        "nan": int(np.sum(~np.isfinite(measures.gap))),
        "seed": settings.seed,
        "leader_scale": float(settings.leader_scale),
        "box": LOGIT_BOX,
        **({} if search is None else search.counts),
    }
    return _Evidence(points, measures, settings.num_leaders, search, len(chosen[0]), searched)


def _random_points(game: AbstractGame, settings: SearchSettings) -> FollowerPoints:
    # A stream of its own, so that follower and leader are not drawn alike.
    generator = np.random.default_rng([settings.seed, 1])
    shape = (settings.num_leaders, game.num_states, game.num_follower_actions)
    field_shape = mean_field_shape(game)
    fields = generator.dirichlet(np.ones(int(np.prod(field_shape))), settings.num_leaders)
    theta = np.clip(settings.leader_scale * generator.standard_normal(shape), -LOGIT_BOX, LOGIT_BOX)
    return FollowerPoints(theta, random_leaders(game, settings), fields.reshape(-1, *field_shape))


def _parameters(points: FollowerPoints) -> np.ndarray:
    """Unbounded parameters that `unpack` turns into the points, moved inside the box where they are not."""
    logs = np.log(np.maximum(points.mean_field.reshape(len(points.mean_field), -1), TINY))
    leaves = (points.follower_logits, points.leader_logits, logs - np.max(logs, axis=1, keepdims=True) + LOGIT_BOX)
    return np.concatenate([out_of_box(leaf).reshape(len(leaf), -1) for leaf in leaves], axis=1)


def _domination(game: AbstractGame, evidence: _Evidence) -> Finding:
    certified = constant_in_box(game)

    def conclude(constant: float) -> Verdict:
        return Verdict.SUPPORTED if constant > 0.0 else Verdict.REFUTED

    facts, ratio = {"box": float(LOGIT_BOX), "certified_in_box": certified}, np.asarray(evidence.measures.ratio)
    details = {"certified_in_box": certified, **_details(evidence, ratio, 0)}
    return _searched(game, evidence, "domination", ratio, Side.UPPER, conclude, facts, details)


def _mei_inequality(game: AbstractGame, evidence: _Evidence) -> Finding:
    def conclude(constant: float) -> Verdict:
        return Verdict.REFUTED if constant < _CLEARLY_BELOW_ONE else Verdict.SUPPORTED

    ratio = np.asarray(evidence.measures.mei_ratio)
    details = {"sharper_bound": 2.0 * game.num_states, **_details(evidence, ratio, 1)}
    return _searched(game, evidence, "mei-inequality", ratio, Side.UPPER, conclude, {}, details)


def _kl_identity(game: AbstractGame, evidence: _Evidence) -> Finding:
    def conclude(constant: float) -> Verdict:
        return Verdict.SUPPORTED if constant <= _AGREEMENT else Verdict.INCONCLUSIVE

    values = np.asarray(evidence.measures.identity_error)
    details = {"masked": int(np.sum(~np.isfinite(values)))}
    return _searched(game, evidence, "kl-identity", -values, Side.LOWER, conclude, {}, details)


def _searched(
    game: AbstractGame,
    evidence: _Evidence,
    statement: str,
    scores: np.ndarray,
    side: Side,
    conclude: Callable[[float], Verdict],
    facts: Entries,
    details: Entries,
) -> Finding:
    """The finding at the point of lowest score, evaluated again alone."""
    witness: dict[str, object] = {}
    constant, verdict = float("nan"), Verdict.INCONCLUSIVE
    if np.isfinite(scores).any():
        points = evidence.points.at(int(np.nanargmin(np.where(np.isfinite(scores), scores, np.nan))))
        witness = points._asdict()
        constant = RECOMPUTE[statement](game, witness)
    if math.isfinite(constant):
        verdict = conclude(constant)
    return Finding(
        property=PROPERTY,
        statement=statement,
        verdict=verdict,
        constant=constant,
        side=side,
        evidence=Evidence.SEARCH,
        facts=facts,
        witness=witness,
        searched=evidence.searched,
        details=details,
    )


def _details(evidence: _Evidence, values: np.ndarray, mei: int) -> dict[str, object]:
    """Distribution over the random points, and the best value so far of the search for this statement."""
    details: dict[str, object] = {"random": values[: evidence.num_random]}
    if evidence.search is not None:
        number = evidence.num_ratio_starts
        details["search_curve"] = np.exp(evidence.search.best_curve_of(slice(number, None) if mei else slice(number)))
    return details


def _by_optimal_floor(game: AbstractGame, settings: SearchSettings, evidence: _Evidence) -> list[Finding]:
    """The constant in the limit at the optimum, and one of all policies near it, from the floor of optimal ones."""
    constants = game_constants(game, settings)
    limit = _mei_constant(game, constants, evidence)
    near = near_optimum(game, smallest_optimal_probability(game, bounds_of(constants)))
    proved = limit.verdict is Verdict.CERTIFIED and near.constant > 0.0 and near.gap > 0.0
    around = dataclasses.replace(
        limit,
        statement="near-optimum",
        verdict=Verdict.CERTIFIED if proved else Verdict.INCONCLUSIVE,
        constant=near.constant,
        facts={**limit.facts, "gap": near.gap, "probability": near.probability},
        witness=limit.witness if proved else {},
        details={"gap": near.gap, "probability": near.probability},
    )
    bounds = ("one_step", "action_spread", ENVELOPES["follower_reward"])
    return [cut_short(finding, constants.cut, *bounds) for finding in (limit, around)]


def _mei_constant(game: AbstractGame, constants: GameConstants, evidence: _Evidence) -> Finding:
    bounds = bounds_of(constants)
    constant = constant_at_optimum(game, bounds)
    proved = constant > 0.0 and "rows" not in constants.unproved
    known = evidence.measures.optimal_probability[np.isfinite(evidence.measures.optimal_probability)]
    smallest = np.min(known) if known.size else np.float64(np.nan)
    return Finding(
        property=PROPERTY,
        statement="mei-constant",
        verdict=Verdict.CERTIFIED if proved else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.LOWER,
        evidence=Evidence.PROOF,
        facts={
            "reward_bounded": math.isfinite(constants.follower_reward_high - constants.follower_reward_low),
            "reason": constants.reason,
        },
        witness=bounds if proved else {},
        searched=constants.searched,
        details={
            "measured": measured_constant(game, float(smallest)),
            "measured_probability": smallest,
            **({"certified_probability": smallest_optimal_probability(game, bounds)} if proved else {}),
        },
    )


def bounds_of(constants: GameConstants) -> dict[str, object]:
    """What `smallest_optimal_probability` reads, from the game's proved constants."""
    low, high = constants.follower_reward_lower, constants.follower_reward_upper
    return {
        "reward_span": np.max(high) - np.min(low),
        "action_reward_span": np.max(np.max(high, axis=1) - np.min(low, axis=1)),
        "one_step": np.asarray(constants.one_step),
        "action_spread": np.asarray(constants.action_spread),
    }
