"""The follower's objective is dominated by its gradient, with a constant that depends on the policy."""

from collections.abc import Callable

import numpy as np

from smfg_verify.assumptions.gradient_domination.measures import DominationMeasures, evaluate_points
from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.points import random_follower_points, random_game

# Squared gradient and gap are both taken where eight digits of them hold.
_RELATIVE_ERROR = 1e-6


@register_case("gradient-domination", source="Mei, Xiao, Szepesvari, Schuurmans (2020), Lemma 15.")
def gradient_domination(
    version: Version, *, measures: Callable[..., DominationMeasures] = evaluate_points
) -> CaseRecord:
    r"""The squared policy gradient of the follower dominates its optimality gap, non-uniformly in the policy.

    $$ \|\nabla_\theta J_f(\theta)\|_2^2 \ge C(\theta) (J_f^* - J_f(\theta)), \quad
       C(\theta) = \frac{2\tau}{n} \min_s \rho(s) \min_{s,a} \pi_\theta(a|s)^2
       \Big\| \frac{d^{\pi^*}}{d^{\pi_\theta}} \Big\|_\infty^{-1} $$

    Measured: the smallest ratio of the left side to the right one. Predicted: at least 1.

    Args:
        version: 256 points of one random game, or 4096 of each of four.
        measures: of a game and points, an ingredient.

    Returns:
        The smallest ratio against 1.
    """
    seeds, number = ((0,), 256) if version is Version.QUICK else (range(4), 4096)
    found = [
        np.asarray(measures(game, random_follower_points(game, number, seed)).mei_ratio)
        for seed, game in ((seed, random_game(seed)) for seed in seeds)
    ]
    ratios = np.concatenate(found)
    resolved = np.isfinite(ratios)
    return CaseRecord(
        measured=np.min(ratios[resolved]) if resolved.any() else np.nan,
        predicted=1.0,
        kind=Kind.LOWER_BOUND,
        error=_RELATIVE_ERROR,
        error_source=CaseText("rounding-of-gap"),
        looked_at=CaseText("resolved-points", {"points": int(resolved.sum()), "left_out": int(np.sum(~resolved))}),
        details={"median_ratio": np.median(ratios[resolved])} if resolved.any() else {},
    )
