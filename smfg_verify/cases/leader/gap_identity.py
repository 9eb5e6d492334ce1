"""The follower's optimality gap is a discounted sum of relative entropies."""

from collections.abc import Callable

import numpy as np

from smfg_verify.assumptions.gradient_domination.measures import DominationMeasures, evaluate_points
from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.points import random_follower_points, random_game

# The values carry the rounding errors of two linear solves beside that of their size.
_ROUNDINGS = 16.0


@register_case("gap-identity", source="Mei, Xiao, Szepesvari, Schuurmans (2020), Lemma 26.")
def gap_identity(version: Version, *, measures: Callable[..., DominationMeasures] = evaluate_points) -> CaseRecord:
    r"""The follower's optimality gap is the discounted sum of relative entropies to the soft optimal policy.

    $$ J_f^* - J_f(\pi) = \frac{1}{1-\gamma} \sum_s d^\pi(s)\, \tau\, KL(\pi(\cdot|s) \,\|\, \pi^*(\cdot|s)) $$

    Measured: the difference of the two values from the initial distribution. Predicted: the right side. The pair is
    reported that differs most in units of its own tolerance.

    Args:
        version: 256 points of one random game, or 4096 of each of four.
        measures: of a game and points, an ingredient.

    Returns:
        The worst pair.
    """
    seeds, number = ((0,), 256) if version is Version.QUICK else (range(4), 4096)
    columns = []
    for seed in seeds:
        game = random_game(seed)
        found = measures(game, random_follower_points(game, number, seed))
        columns.append(np.stack([found.value_gap, found.gap, _ROUNDINGS * np.asarray(found.value_gap_error)]))
    values, divergences, errors = np.concatenate(columns, axis=1)
    worst = int(np.argmax(np.abs(values - divergences) / errors))
    return CaseRecord(
        measured=values[worst],
        predicted=divergences[worst],
        kind=Kind.EQUALITY,
        error=errors[worst],
        error_source=CaseText("rounding-of-values"),
        looked_at=CaseText("points", {"points": len(values)}),
        details={"smallest_gap": np.min(divergences), "largest_gap": np.max(divergences)},
    )
