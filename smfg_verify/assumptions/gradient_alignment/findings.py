"""Gradient alignment: whether the direct part of the Stackelberg gradient points where the total gradient does."""

import numpy as np

from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable
from smfg_verify.assumptions.gradient_alignment.both_readings import READINGS, readings_finding, recompute_readings
from smfg_verify.assumptions.gradient_alignment.convex_hull import STATEMENT as HULL
from smfg_verify.assumptions.gradient_alignment.convex_hull import hull_finding, recompute_hull
from smfg_verify.assumptions.gradient_alignment.evidence import AlignmentEvidence, gather_evidence, sampled_evidence
from smfg_verify.assumptions.gradient_alignment.independence import (
    FUNCTIONS,
    Independence,
    change_at,
    free_of_mean_field,
    prove_independence,
)
from smfg_verify.assumptions.gradient_alignment.leader_box import STATEMENT as LEADER_BOX
from smfg_verify.assumptions.gradient_alignment.leader_box import certified_box_finding, recompute_certified_box
from smfg_verify.assumptions.gradient_alignment.readings import Reading, about
from smfg_verify.assumptions.gradient_alignment.sentences import GRADIENT_ALIGNMENT
from smfg_verify.assumptions.gradient_alignment.statements import (
    FORMS,
    SIGNED,
    form_finding,
    frontier_finding,
    measure_of,
    slack_of,
)
from smfg_verify.assumptions.gradient_alignment.witness import PROPERTY, numbers_of
from smfg_verify.assumptions.gradient_alignment.zeros import gap_of, zeros_of_direct, zeros_of_total
from smfg_verify.assumptions.properties import Recompute, register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.precision import TINY
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries

# Where independence is proved, g and p measured may differ by rounding only.
_AGREEMENT = 1e-8
_JUDGED = (*FORMS, "frontier", "zeros-of-total", "zeros-of-direct")
_ANSWERED = tuple(Reading.FIELD_HELD.statement(form) for form in _JUDGED)
STATEMENTS = (*_JUDGED, "independence", HULL, LEADER_BOX, *_ANSWERED, READINGS)


def _change_of(game: AbstractGame, witness: Entries) -> float:
    return max(change_at(checked(game), name, witness[name]) for name in FUNCTIONS)


def _recompute(reading: Reading) -> dict[str, Recompute]:
    functions = {form: measure_of(form, reading) for form in FORMS} | {
        "frontier": slack_of(reading),
        "zeros-of-total": gap_of("direct", reading),
        "zeros-of-direct": gap_of("total", reading),
    }
    return {reading.statement(form): function for form, function in functions.items()}


RECOMPUTE = {
    **_recompute(Reading.POLICY_HELD),
    **_recompute(Reading.FIELD_HELD),
    "independence": _change_of,
    HULL: recompute_hull,
    LEADER_BOX: recompute_certified_box,
    READINGS: recompute_readings,
}


def check_alignment_without_table(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    """The forms whose sign is the claim, at random leaders and a run's: refuted by a witness, or supported.

    Args:
        game: the game, traced, of any size.
        settings: number of leaders, see `sampled_evidence`.

    Returns:
        One finding for each of `SIGNED` in both readings; what rests on searches, flows to rest points or tables is
        not looked at.
    """
    if leader_logits_shape(game)[1] == 1:
        return [about(not_applicable(PROPERTY, name), reading) for reading in Reading for name in SIGNED]
    evidence = sampled_evidence(game, settings)
    return [about(form_finding(game, name, one, False), one.reading) for one in evidence for name in SIGNED]


@register_property(
    PROPERTY,
    recompute=RECOMPUTE,
    renderings=GRADIENT_ALIGNMENT,
    aside=(HULL, LEADER_BOX, *_ANSWERED, READINGS),
    without_table=check_alignment_without_table,
)
def check_alignment(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Compare $g = \nabla\Phi$ with its direct part $p$ in every common form and in both readings of "direct".

    Random leaders, the leaders of a run, the ends of worst-case searches and the rest points of the fields are
    looked at. Refuted where $\langle g, p \rangle < 0$ beyond the numerical error, or p is zero and g is not;
    certified only where the structure proves g = p: leader's reward and transition independent of mean field and
    follower's action, or, where p holds the mean field alone, all three functions independent of the mean field. The
    forms without a natural threshold (relative error, norm ratio) are inconclusive where they have no bound.

    The property stands or falls with the p that AC-SMFG follows, which holds the follower's policy too; the
    statements about the other reading, named "...-field-held", stand aside, and "readings" compares the two.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        One finding for each of `STATEMENTS`, its reading in `details["reading"]`.

    Source: forms of the gradient alignment assumption of actor-critic methods for Stackelberg mean field games.
    """
    if leader_logits_shape(game)[1] == 1:
        first = [about(not_applicable(PROPERTY, name), Reading.POLICY_HELD) for name in STATEMENTS[: len(_JUDGED) + 3]]
        second = [about(not_applicable(PROPERTY, name), Reading.FIELD_HELD) for name in _JUDGED]
        return [*first, *second, not_applicable(PROPERTY, READINGS)]
    proofs = [prove_independence(game, name) for name in FUNCTIONS]
    held, answered = gather_evidence(game, settings)
    independent = all(proof.proved for proof in proofs)
    first = [
        *_judged(game, held, independent and not _measurably_different(held)),
        _independence_finding(proofs, held),
        hull_finding(game, held.points, settings),
        certified_box_finding(game, settings),
    ]
    equal = (independent or free_of_mean_field(game)) and not _measurably_different(answered)
    second = _judged(game, answered, equal)
    first = [about(finding, Reading.POLICY_HELD) for finding in first]
    second = [about(finding, Reading.FIELD_HELD) for finding in second]
    judged = {Reading.POLICY_HELD: first[: len(_JUDGED)], Reading.FIELD_HELD: second}
    return [*first, *second, readings_finding(held, judged)]


def _judged(game: AbstractGame, evidence: AlignmentEvidence, proved: bool) -> list[Finding]:
    """One finding for each of `_JUDGED`."""
    return [
        *(form_finding(game, name, evidence, proved) for name in FORMS),
        frontier_finding(game, evidence, proved),
        zeros_of_total(game, evidence, proved),
        zeros_of_direct(game, evidence, proved),
    ]


def _measurably_different(evidence: AlignmentEvidence) -> bool:
    """Whether g and p differ anywhere by more than their errors: then a proof of g = p meets bad arithmetic."""
    points = evidence.points
    errors = 2.0 * points.error / np.maximum(points.total_norm, TINY)
    return bool(np.any(evidence.measures.relative_error > _AGREEMENT + errors))


def _independence_finding(proofs: list[Independence], evidence: AlignmentEvidence) -> Finding:
    proved = all(proof.proved for proof in proofs)
    deviation = np.max(numbers_of(evidence.measures.relative_error), initial=0.0)
    verdict = Verdict.CERTIFIED if proved else Verdict.NOT_APPLICABLE
    if proved and _measurably_different(evidence):
        verdict = Verdict.INCONCLUSIVE
    return Finding(
        property=PROPERTY,
        statement="independence",
        verdict=verdict,
        constant=max(proof.change for proof in proofs),
        side=Side.EXACT if proved else Side.LOWER,
        evidence=Evidence.PROOF if proved else Evidence.SEARCH,
        facts={"deviation": float(deviation), "proofs": {proof.function: proof.how for proof in proofs}},
        witness={proof.function: proof.witness for proof in proofs},
        searched=evidence.searched,
        details={
            proof.function: {"free_of_mean_field": proof.mean_field, "free_of_follower_action": proof.follower_action}
            for proof in proofs
        },
    )
