"""Zeros of one gradient, and how far the other is from zero there."""

from typing import Literal

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
from smfg_verify.assumptions.properties import Recompute
from smfg_verify.game import AbstractGame


def gap_of(other: Literal["total", "direct"], reading: Reading) -> Recompute:
    """From (game, witness), the gap of one field beyond that of the field that was followed to (nearly) zero."""
    return lambda game, witness: excess_gap(point_of(game, witness, reading), other)[0]


def zeros_of_total(game: AbstractGame, evidence: AlignmentEvidence, proved: bool) -> Finding:
    """At zeros of the total gradient, is the direct one zero?"""
    return _zeros_finding(game, "zeros-of-total", evidence, proved, evidence.total_rest, "direct")


def zeros_of_direct(game: AbstractGame, evidence: AlignmentEvidence, proved: bool) -> Finding:
    """At zeros of the direct gradient, where AC-SMFG can stop, is the total one zero?"""
    return _zeros_finding(game, "zeros-of-direct", evidence, proved, evidence.direct_rest, "total")


def _zeros_finding(
    game: AbstractGame,
    statement: str,
    evidence: AlignmentEvidence,
    proved: bool,
    rest: RestPoints,
    other: Literal["total", "direct"],
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
    return concluded(
        game,
        statement,
        evidence.searched,
        {} if worst is None else witness_at(rest.points, worst),
        verdict=Verdict.CERTIFIED if proved else verdict,
        exact=0.0 if proved else None,
        side=Side.LOWER,
        facts=_facts(evidence, rest, worst),
        details=_rest_details(rest),
        recompute=gap_of(other, evidence.reading),
    )


def _facts(evidence: AlignmentEvidence, rest: RestPoints, worst: int | None) -> dict[str, object]:
    seen = (evidence.points, evidence.total_rest.points, evidence.direct_rest.points)
    best = np.max(numbers_of(np.concatenate([points.objective for points in seen])), initial=-np.inf)
    return {
        "reached": int(np.sum(rest.reached)),
        "flows": len(rest.reached),
        "gradients": evidence.scale > 0.0,
        "compared": worst is not None,
        "objective": float("nan") if worst is None else float(rest.points.objective[worst]),
        "best_objective": float(best),
    }


def _rest_details(rest: RestPoints) -> dict[str, object]:
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
