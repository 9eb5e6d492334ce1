"""Zeros of one gradient, and how far the other is from zero there."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from smfg_verify.assumptions.finding import Finding, Side, Verdict
from smfg_verify.assumptions.gradient_alignment.evidence import CLEARLY_POSITIVE, AlignmentEvidence
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.gradient_alignment.rest_points import RestPoints
from smfg_verify.assumptions.gradient_alignment.witness import (
    concluded,
    excess_gap,
    numbers_of,
    point_of,
    witness_at,
    worst_of,
)
from smfg_verify.game import AbstractGame


def gap_of(other: Literal["total", "direct"], reading: Reading) -> Callable[[AbstractGame, Mapping[str, Any]], float]:
    """From (game, witness), the gap of one field beyond that of the field that was followed to (nearly) zero."""
    return lambda game, witness: excess_gap(point_of(game, witness, reading), other)[0]


def zeros_of_total(game: AbstractGame, evidence: AlignmentEvidence, proved: bool) -> Finding:
    """At zeros of the total gradient, is the direct one zero?"""

    def meaning(constant: float, verdict: Verdict) -> str:
        if verdict is Verdict.REFUTED:
            return (
                f"At a leader where the total gradient is zero the direct one is not (policy-space gap "
                f"{constant:.4g}): following it leaves a stationary policy of the leader's true objective."
            )
        return (
            f"At the zeros of the total gradient that {_ends(evidence.total_rest)} the direct one is zero as far as "
            f"can be told (largest policy-space gap {constant:.2g})."
        )

    return _zeros_finding(game, "zeros-of-total", evidence, proved, evidence.total_rest, "direct", meaning)


def zeros_of_direct(game: AbstractGame, evidence: AlignmentEvidence, proved: bool) -> Finding:
    """At zeros of the direct gradient, where AC-SMFG can stop, is the total one zero?"""
    seen = (evidence.points, evidence.total_rest.points, evidence.direct_rest.points)
    best = np.max(numbers_of(np.concatenate([points.objective for points in seen])), initial=-np.inf)

    def meaning(constant: float, verdict: Verdict) -> str:
        if verdict is Verdict.REFUTED:
            stop = evidence.direct_rest
            where = worst_of(np.where(stop.reached, excess_gap(stop.points, "total"), np.nan), "max")
            return (
                "Following the direct gradient stops at a leader policy with objective "
                f"{stop.points.objective[where]:.4g} that is not stationary (policy-space gap {constant:.4g}); the "
                f"best leader seen has {best:.4g}."
            )
        return (
            f"At the zeros of the direct gradient that {_ends(evidence.direct_rest)} the total one is zero as far as "
            f"can be told (largest policy-space gap {constant:.2g})."
        )

    return _zeros_finding(game, "zeros-of-direct", evidence, proved, evidence.direct_rest, "total", meaning)


def _zeros_finding(
    game: AbstractGame,
    statement: str,
    evidence: AlignmentEvidence,
    proved: bool,
    rest: RestPoints,
    other: Literal["total", "direct"],
    meaning: Callable[[float, Verdict], str],
) -> Finding:
    """Zeros of one field, and how far the other is from zero there."""
    gaps = np.where(rest.reached, excess_gap(rest.points, other), np.nan)
    worst = worst_of(gaps, "max") if evidence.scale > 0.0 else None
    if worst is None:
        verdict = Verdict.INCONCLUSIVE
    else:
        # A gap adds one difference a row of a table, each with up to twice the error of an entry.
        rounding = 10.0 * rest.points.logits.shape[1] * rest.points.error[worst]
        again = excess_gap(point_of(game, witness_at(rest.points, worst), evidence.reading), other)[0]
        clearly = min(gaps[worst], again) > max(CLEARLY_POSITIVE * evidence.scale, rounding)
        verdict = Verdict.REFUTED if clearly else Verdict.SUPPORTED
    if evidence.scale > 0.0:
        unreached = "No zero was reached: the flows ended before both stationarity measures were within the tolerance."
    else:
        unreached = "No zero to tell: at no random leader is a gradient a number above its own numerical error."
    equal = "Both gradients are equal for every leader, so they vanish together."
    return concluded(
        game,
        statement,
        evidence.searched,
        {} if worst is None else witness_at(rest.points, worst),
        verdict=Verdict.CERTIFIED if proved else verdict,
        exact=0.0 if proved else None,
        side=Side.LOWER,
        meaning=lambda constant: equal if proved else unreached if worst is None else meaning(constant, verdict),
        details=_rest_details(rest),
        recompute=gap_of(other, evidence.reading),
    )


def _ends(rest: RestPoints) -> str:
    return f"{int(np.sum(rest.reached))} of {len(rest.reached)} flows reached"


def _rest_details(rest: RestPoints) -> dict[str, Any]:
    points = rest.points
    return {
        "reached": rest.reached,
        "num_steps": rest.num_steps,
        "logits": points.logits,
        "objective": points.objective,
        "total_norm": points.total_norm,
        "direct_norm": points.direct_norm,
        "total_gap": points.total_gap,
        "direct_gap": points.direct_gap,
    }
