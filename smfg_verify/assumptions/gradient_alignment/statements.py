"""The forms of gradient alignment, each judged at everything looked at."""

import dataclasses
from typing import Literal

import numpy as np

from smfg_verify.assumptions.finding import Finding, Side, Verdict
from smfg_verify.assumptions.gradient_alignment.evidence import CLEARLY_POSITIVE, AlignmentEvidence
from smfg_verify.assumptions.gradient_alignment.leader_plane import alignment_field
from smfg_verify.assumptions.gradient_alignment.measures import RESOLUTION, alignment_measures, frontier, quantiles
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.gradient_alignment.witness import concluded, point_of, witness_at, worst_of
from smfg_verify.assumptions.leader_draws import most_of
from smfg_verify.assumptions.properties import Recompute
from smfg_verify.exact.kernel import has_table
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries


@dataclasses.dataclass(frozen=True)
class _Form:
    """One way to compare: its measure, which extreme is worst, and the value when g = p."""

    measure: str
    worst: Literal["min", "max"]
    ideal: float

    @property
    def side(self) -> Side:
        return Side.UPPER if self.worst == "min" else Side.LOWER


FORMS: dict[str, _Form] = {
    "cosine": _Form("cosine", "min", 1.0),
    "inner-product-constant": _Form("inner_product_constant", "min", 1.0),
    "direct-constant": _Form("direct_constant", "min", 1.0),
    "relative-error": _Form("relative_error", "max", 0.0),
    "norm-ratio": _Form("norm_ratio", "max", 1.0),
}
# Forms whose sign is the claim: one clearly negative point refutes them.
SIGNED = ("cosine", "inner-product-constant", "direct-constant")
# Of these, the forms that a p of zero fails where g is not zero; <g, p> >= c |p|^2 holds there, as 0 >= 0.
_ASCENDING = ("cosine", "inner-product-constant")


def measure_of(form: str, reading: Reading) -> Recompute:
    """From (game, witness), the measure of a form in one reading."""
    measure = FORMS[form].measure
    return lambda game, witness: float(getattr(alignment_measures(point_of(game, witness, reading)), measure)[0])


def slack_of(reading: Reading) -> Recompute:
    """From (game, witness), the smallest slack that <g, p> >= -e needs there."""

    def slack(game: AbstractGame, witness: Entries) -> float:
        return max(0.0, -float(alignment_measures(point_of(game, witness, reading)).inner[0]))

    return slack


def form_finding(game: AbstractGame, statement: str, evidence: AlignmentEvidence, proved: bool) -> Finding:
    """The worst case of one form, and its verdict."""
    form = FORMS[statement]
    values = evidence.values(form.measure)
    refuting = _refuting(game, evidence, values, statement in _ASCENDING) if statement in SIGNED else None
    index = worst_of(values, form.worst) if refuting is None else refuting
    if refuting is not None:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.INCONCLUSIVE if index is None else _form_verdict(statement, evidence)
    # Equal gradients that are zero everywhere still have no ratio.
    certified = proved and index is not None
    details = {**_distribution(evidence, values), **_curve(statement, evidence)}
    if statement == "cosine" and evidence.reading is Reading.POLICY_HELD and has_table(game):
        details["field"] = alignment_field(game)
    vanishes = refuting is not None and bool(evidence.measures.direct_vanishes[refuting])
    return concluded(
        game,
        statement,
        evidence.searched,
        {} if index is None else witness_at(evidence.points, index),
        verdict=Verdict.CERTIFIED if certified else verdict,
        exact=form.ideal if certified else None,
        side=form.side,
        facts=_facts(statement, evidence, vanishes),
        details=details,
        recompute=measure_of(statement, evidence.reading),
    )


def _refuting(game: AbstractGame, evidence: AlignmentEvidence, values: np.ndarray, zero_refutes: bool) -> int | None:
    """The worst point at which p does not ascend, beyond the errors, also when it is evaluated alone.

    A negative inner product comes first; where p is zero and g is not, the point of largest g.
    """
    measures = evidence.measures
    index = worst_of(np.where(measures.misaligned, values, np.nan), "min")
    if index is None and zero_refutes:
        index = worst_of(np.where(measures.direct_vanishes, measures.squared_norm, np.nan), "max")
    if index is None:
        return None
    again = alignment_measures(point_of(game, witness_at(evidence.points, index), evidence.reading))
    return index if (again.not_ascending if zero_refutes else again.misaligned)[0] else None


def _form_verdict(statement: str, evidence: AlignmentEvidence) -> Verdict:
    if statement in SIGNED:
        failing = evidence.measures.not_ascending if statement in _ASCENDING else evidence.measures.misaligned
        # Failing somewhere, but not where it was looked at again: neither a counter-example nor support. Where leaders
        # are drawn and none is searched for, few of them support nothing either.
        return Verdict.INCONCLUSIVE if failing.any() or _few(statement, evidence) else Verdict.SUPPORTED
    # Both others divide by ||g||: where it is zero and p, in logits too, is not, there is no bound to find.
    zeros = evidence.total_rest
    clearly = np.maximum(CLEARLY_POSITIVE * evidence.scale, RESOLUTION * zeros.points.error)
    unbounded = zeros.reached & (zeros.points.direct_norm > clearly)
    return Verdict.INCONCLUSIVE if unbounded.any() else Verdict.SUPPORTED


def _is_sampled(evidence: AlignmentEvidence) -> bool:
    """Whether leaders were drawn and none searched for, as in games of any size."""
    return "starts" not in evidence.searched


def _few(statement: str, evidence: AlignmentEvidence) -> bool:
    """Whether leaders were drawn, and too few of them have a number to support anything."""
    return _is_sampled(evidence) and not most_of(*_lost(statement, evidence))


def _lost(statement: str, evidence: AlignmentEvidence) -> tuple[int, int]:
    """Leaders at which a form has no number, and all of them."""
    values = evidence.values(FORMS[statement].measure)
    return int(np.sum(~np.isfinite(values))), len(values)


def _facts(statement: str, evidence: AlignmentEvidence, vanishes: bool) -> dict[str, object]:
    """What a sentence about a form may need: how many leaders had no ratio, and why."""
    measures, converged = evidence.measures, evidence.points.converged
    # Of the norms that the form divides by, those within their own error everywhere.
    divided = {
        "total": statement != "direct-constant" and not measures.total_resolved.any(),
        "direct": statement in ("cosine", "direct-constant") and not measures.direct_resolved.any(),
    }
    sampled = _is_sampled(evidence)
    return {
        "vanishes": vanishes,
        "leaders": len(converged),
        "unconverged": int(np.sum(~converged)),
        "masked": [name for name, masked in divided.items() if masked],
        "one_parameter": evidence.points.logits.shape[1:] == (1, 2),
        "resolution": float(RESOLUTION),
        "sampled": sampled,
        "few": _few(statement, evidence),
        **({"lost": _lost(statement, evidence)[0]} if sampled else {}),
    }


def frontier_finding(game: AbstractGame, evidence: AlignmentEvidence, proved: bool) -> Finding:
    """The smallest slack that some c >= 0 can have, and the largest c for each slack."""
    found = frontier(evidence.measures)
    resolved = evidence.measures.total_resolved
    refuting = _refuting(game, evidence, evidence.measures.inner, True)
    refuted = refuting is not None
    index = refuting if refuted else worst_of(np.where(resolved, evidence.measures.inner, np.nan), "min")
    verdict = (
        Verdict.REFUTED if refuted else Verdict.INCONCLUSIVE if index is None else _form_verdict("cosine", evidence)
    )
    vanishes = refuting is not None and bool(evidence.measures.direct_vanishes[refuting])
    return concluded(
        game,
        "frontier",
        evidence.searched,
        {} if index is None else witness_at(evidence.points, index),
        verdict=Verdict.CERTIFIED if proved else verdict,
        exact=0.0 if proved else None,
        side=Side.LOWER,
        facts=_facts("frontier", evidence, vanishes),
        details={"slack": found.slack, "largest_constant": found.constant},
        recompute=slack_of(evidence.reading),
    )


def _distribution(evidence: AlignmentEvidence, values: np.ndarray) -> dict[str, object]:
    random = values[: evidence.num_random]
    details = {"random": random, "quantiles": quantiles(random)}
    if evidence.run is not None:
        run = values[evidence.run]
        details |= {"trajectory": run, "trajectory_quantiles": quantiles(run)}
    return details


def _curve(statement: str, evidence: AlignmentEvidence) -> dict[str, object]:
    """Best value so far of the search for this statement, step by step; NaN where it had no start."""
    if evidence.search is None or statement not in _ASCENDING:
        return {}
    if statement == "cosine":
        return {"search_curve": evidence.search.best_curve_of(slice(evidence.num_cosine_starts))}
    return {"search_curve": np.sinh(evidence.search.best_curve_of(slice(evidence.num_cosine_starts, None)))}
