"""Gradient alignment: whether the direct part of the Stackelberg gradient points where the total gradient does."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from smfg_verify.assumptions._registry import SearchSettings, register_property
from smfg_verify.assumptions.alignment_box import STATEMENT as BOX
from smfg_verify.assumptions.alignment_box import certified_box_finding, recompute_certified_box
from smfg_verify.assumptions.alignment_evidence import (
    CLEARLY_POSITIVE,
    AlignmentEvidence,
    gather_evidence,
)
from smfg_verify.assumptions.alignment_field import alignment_field
from smfg_verify.assumptions.alignment_findings import PROPERTY, concluded, numbers_of, point_of, witness_at, worst_of
from smfg_verify.assumptions.alignment_hull import STATEMENT as HULL
from smfg_verify.assumptions.alignment_hull import hull_finding, recompute_hull
from smfg_verify.assumptions.alignment_measures import RESOLUTION, alignment_measures, frontier, quantiles
from smfg_verify.assumptions.alignment_zeros import gap_of, zeros_of_direct, zeros_of_total
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable
from smfg_verify.assumptions.independence import FUNCTIONS, Independence, change_at, prove_independence
from smfg_verify.assumptions.leaders import checked
from smfg_verify.game import AbstractGame, leader_logits_shape

# Where independence is proved, g and p measured may differ by rounding only.
_AGREEMENT = 1e-8


@dataclasses.dataclass(frozen=True)
class _Form:
    """One way to compare: its measure, which extreme is worst, the value when g = p, and what a failure is."""

    measure: str
    worst: Literal["min", "max"]
    ideal: float
    formula: str

    @property
    def side(self) -> Side:
        return Side.UPPER if self.worst == "min" else Side.LOWER


FORMS: dict[str, _Form] = {
    "cosine": _Form("cosine", "min", 1.0, "cos(g, p)"),
    "inner-product-constant": _Form("inner_product_constant", "min", 1.0, "<g, p> / ||g||^2"),
    "direct-constant": _Form("direct_constant", "min", 1.0, "<g, p> / ||p||^2"),
    "relative-error": _Form("relative_error", "max", 0.0, "||g - p|| / ||g||"),
    "norm-ratio": _Form("norm_ratio", "max", 1.0, "||p|| / ||g||"),
}
# Forms whose sign is the claim: one clearly negative point refutes them.
_SIGNED = ("cosine", "inner-product-constant", "direct-constant")
STATEMENTS = (*FORMS, "frontier", "zeros-of-total", "zeros-of-direct", "independence", HULL, BOX)


def _measure_of(measure: str):
    return lambda game, witness: getattr(alignment_measures(point_of(game, witness)), measure)[0]


def _slack_of(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    return max(0.0, -float(alignment_measures(point_of(game, witness)).inner[0]))


def _change_of(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    return max(change_at(checked(game), name, witness[name]) for name in FUNCTIONS)


RECOMPUTE = {
    **{statement: _measure_of(form.measure) for statement, form in FORMS.items()},
    "frontier": _slack_of,
    "zeros-of-total": gap_of("direct"),
    "zeros-of-direct": gap_of("total"),
    "independence": _change_of,
    HULL: recompute_hull,
    BOX: recompute_certified_box,
}


@register_property(PROPERTY, recompute=RECOMPUTE, aside=(HULL, BOX))
def check_alignment(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Compare $g = \nabla\Phi$ with its direct part $p$ in every common form.

    Random leaders, the leaders of a run, the ends of worst-case searches and the rest points of both fields are
    looked at. Refuted where $\langle g, p \rangle < 0$ beyond the numerical error; certified only where the leader's
    reward and the transition are proved independent of mean field and follower's action, so that g = p exactly.
    The forms without a natural threshold (relative error, norm ratio) are inconclusive where they have no bound.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        One finding for each of `STATEMENTS`.

    Source: forms of the gradient alignment assumption of actor-critic methods for Stackelberg mean field games.
    """
    if leader_logits_shape(game)[1] == 1:
        return [_not_applicable(statement) for statement in STATEMENTS]
    proofs = [prove_independence(game, name) for name in FUNCTIONS]
    evidence = gather_evidence(game, settings)
    proved = all(proof.proved for proof in proofs) and not _measurably_different(evidence)
    findings = [_form_finding(game, name, evidence, proved) for name in FORMS]
    findings.append(_frontier_finding(game, evidence, proved))
    findings.append(zeros_of_total(game, evidence, proved))
    findings.append(zeros_of_direct(game, evidence, proved))
    findings.append(_independence_finding(proofs, evidence))
    findings.append(hull_finding(game, evidence.points, settings))
    findings.append(certified_box_finding(game, settings))
    return findings


def _not_applicable(statement: str) -> Finding:
    why = "the leader has a single action, so both gradients are zero for every leader"
    return not_applicable(PROPERTY, statement, method="number of the leader's actions", why=why)


def _form_finding(game: AbstractGame, statement: str, evidence: AlignmentEvidence, proved: bool) -> Finding:
    form = FORMS[statement]
    values = evidence.values(form.measure)
    refuting = _refuting(game, evidence, values) if statement in _SIGNED else None
    index = worst_of(values, form.worst) if refuting is None else refuting
    if refuting is not None:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.INCONCLUSIVE if index is None else _form_verdict(statement, evidence)
    # Equal gradients that are zero everywhere still have no ratio.
    certified = proved and index is not None
    details = {**_distribution(evidence, values), **_curve(statement, evidence)}
    if statement == "cosine":
        details["field"] = alignment_field(game)
    return concluded(
        game,
        statement,
        evidence.searched,
        {} if index is None else witness_at(evidence.points, index),
        verdict=Verdict.CERTIFIED if certified else verdict,
        exact=form.ideal if certified else None,
        side=form.side,
        meaning=lambda constant: _form_meaning(statement, constant, verdict, evidence, certified),
        details=details,
        recompute=RECOMPUTE[statement],
    )


def _refuting(game: AbstractGame, evidence: AlignmentEvidence, values: np.ndarray) -> int | None:
    """The worst point at which the inner product is negative beyond its error, also when it is evaluated alone."""
    index = worst_of(np.where(evidence.measures.misaligned, values, np.nan), "min")
    if index is None:
        return None
    again = alignment_measures(point_of(game, witness_at(evidence.points, index)))
    return index if again.misaligned[0] else None


def _form_verdict(statement: str, evidence: AlignmentEvidence) -> Verdict:
    if statement in _SIGNED:
        # Negative somewhere, but not where it was looked at again: neither a counter-example nor support.
        return Verdict.INCONCLUSIVE if evidence.measures.misaligned.any() else Verdict.SUPPORTED
    # Both others divide by ||g||: where it is zero and p, in logits too, is not, there is no bound to find.
    zeros = evidence.total_rest
    clearly = np.maximum(CLEARLY_POSITIVE * evidence.scale, RESOLUTION * zeros.points.error)
    unbounded = zeros.reached & (zeros.points.direct_norm > clearly)
    return Verdict.INCONCLUSIVE if unbounded.any() else Verdict.SUPPORTED


def _form_meaning(statement: str, constant: float, verdict: Verdict, evidence: AlignmentEvidence, proved: bool) -> str:
    formula = FORMS[statement].formula
    if proved:
        return (
            f"{formula} = {constant:g} for every leader with a gradient: nothing the leader cares about depends on the "
            "followers."
        )
    if math.isnan(constant):
        return f"{formula} could not be taken at any of {_unusable(evidence)}."
    extreme = "smallest" if FORMS[statement].worst == "min" else "largest"
    text = f"The {extreme} {formula} found is {constant:.4g}"
    return f"{text}{_consequence(statement, constant, verdict)}{_collinear(evidence)}."


def _consequence(statement: str, constant: float, verdict: Verdict) -> str:
    if statement in ("relative-error", "norm-ratio"):
        if verdict is Verdict.INCONCLUSIVE:
            return ", which bounds nothing: the direct gradient is not zero where the total one is (zeros-of-total)"
        certain = statement == "relative-error" and constant < 1.0
        return ": below one, so that the direct gradient ascends wherever looked" if certain else ""
    if verdict is Verdict.INCONCLUSIVE:
        return ", but a negative inner product was met that did not repeat"
    if verdict is Verdict.REFUTED:
        return ": there a small step along the direct gradient lowers the leader's objective"
    if constant < 0.0:
        return ", a sign within its numerical error"
    return ": no leader was found at which the direct gradient points against the total one"


def _unusable(evidence: AlignmentEvidence) -> str:
    """How many points were looked at, and why none of them has a ratio."""
    points, lost = len(evidence.points.converged), int(np.sum(~evidence.points.converged))
    return f"{points} leaders: {lost} without an equilibrium, the others with gradients within their numerical error"


def _collinear(evidence: AlignmentEvidence) -> str:
    if evidence.points.logits.shape[1:] == (1, 2):
        return " (one-parameter leader: both gradients lie on one line, so the cosine is 1 or -1)"
    return ""


def _frontier_finding(game: AbstractGame, evidence: AlignmentEvidence, proved: bool) -> Finding:
    found = frontier(evidence.measures)
    resolved = evidence.measures.total_resolved
    refuting = _refuting(game, evidence, evidence.measures.inner)
    refuted = refuting is not None
    index = refuting if refuted else worst_of(np.where(resolved, evidence.measures.inner, np.nan), "min")
    verdict = (
        Verdict.REFUTED if refuted else Verdict.INCONCLUSIVE if index is None else _form_verdict("cosine", evidence)
    )
    details = {"slack": found.slack, "largest_constant": found.constant}

    def meaning(constant: float) -> str:
        if math.isnan(constant):
            return f"No frontier: it could not be taken at any of {_unusable(evidence)}."
        if proved:
            return "<g, p> = ||g||^2 for every leader: no slack is needed."
        if verdict is Verdict.INCONCLUSIVE:
            return "A negative <g, p> was met that did not repeat: whether slack is needed is not told."
        if not refuted:
            return (
                "<g, p> >= c ||g||^2 with some c >= 0 needs no slack, beyond numerical errors, at any leader looked at."
            )
        return f"<g, p> >= c ||g||^2 - e fails for every c >= 0 unless the slack e is at least {constant:.4g}."

    return concluded(
        game,
        "frontier",
        evidence.searched,
        {} if index is None else witness_at(evidence.points, index),
        verdict=Verdict.CERTIFIED if proved else verdict,
        exact=0.0 if proved else None,
        side=Side.LOWER,
        meaning=meaning,
        details=details,
        recompute=_slack_of,
    )


def _measurably_different(evidence: AlignmentEvidence) -> bool:
    """Whether g and p differ anywhere by more than their errors: then a proof of g = p meets bad arithmetic."""
    points = evidence.points
    errors = 2.0 * points.error / np.maximum(points.total_norm, 1e-300)
    return bool(np.any(evidence.measures.relative_error > _AGREEMENT + errors))


def _independence_finding(proofs: list[Independence], evidence: AlignmentEvidence) -> Finding:
    proved = all(proof.proved for proof in proofs)
    deviation = np.max(numbers_of(evidence.measures.relative_error), initial=0.0)
    contradicted = proved and _measurably_different(evidence)
    if contradicted:
        verdict = Verdict.INCONCLUSIVE
        meaning = (
            f"Independence is proved, yet g and p differ by {deviation:.2g} of g: the arithmetic cannot be trusted."
        )
    elif proved:
        verdict = Verdict.CERTIFIED
        meaning = (
            "Neither the leader's reward nor the transition depends on mean field or follower's action, so the direct "
            f"gradient is the total gradient (measured difference {deviation:.2g})."
        )
    else:
        verdict = Verdict.NOT_APPLICABLE
        culprits = " and ".join(proof.function.replace("_", " ") for proof in proofs if not proof.proved)
        meaning = f"No proof that g = p: the {culprits} may depend on the mean field or on the follower's action."
    return Finding(
        property=PROPERTY,
        statement="independence",
        verdict=verdict,
        constant=max(proof.change for proof in proofs),
        side=Side.EXACT if proved else Side.LOWER,
        evidence=Evidence.PROOF if proved else Evidence.SEARCH,
        method="; ".join(f"{p.function}: {p.how or 'probes at 8 mean fields'}" for p in proofs),
        meaning=meaning,
        witness={proof.function: proof.witness for proof in proofs},
        searched=evidence.searched,
        details={
            proof.function: {"free_of_mean_field": proof.mean_field, "free_of_follower_action": proof.follower_action}
            for proof in proofs
        },
    )


def _distribution(evidence: AlignmentEvidence, values: np.ndarray) -> dict[str, Any]:
    random = values[: evidence.num_random]
    details = {"random": random, "quantiles": quantiles(random)}
    if evidence.run is not None:
        run = values[evidence.run]
        details |= {"trajectory": run, "trajectory_quantiles": quantiles(run)}
    return details


def _curve(statement: str, evidence: AlignmentEvidence) -> dict[str, Any]:
    """Best value so far of the search for this statement, step by step."""
    if evidence.search is None or statement not in ("cosine", "inner-product-constant"):
        return {}
    columns = evidence.search.curve
    if statement == "cosine":
        return {"search_curve": np.min(columns[:, : evidence.num_cosine_starts], axis=1)}
    return {"search_curve": np.sinh(np.min(columns[:, evidence.num_cosine_starts :], axis=1))}
