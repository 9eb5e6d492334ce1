"""Whether alignment holds in both readings of the direct gradient, in one only, or in none."""

from collections.abc import Mapping, Sequence

import numpy as np

from smfg_verify.assumptions.finding import Evidence, Finding, Verdict
from smfg_verify.assumptions.gradient_alignment.evidence import AlignmentEvidence
from smfg_verify.assumptions.gradient_alignment.measures import quantiles
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.gradient_alignment.witness import PROPERTY
from smfg_verify.assumptions.properties import find_property
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries

READINGS = "readings"
_LEAST_FAVOURABLE_FIRST = (Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.SUPPORTED, Verdict.CERTIFIED)


def readings_finding(held: AlignmentEvidence, judged: Mapping[Reading, Sequence[Finding]]) -> Finding:
    """Alignment in both readings: as good as the worse of the two, whose worst statement is the witness.

    Args:
        held: everything looked at, with p as AC-SMFG follows it.
        judged: for each reading, the findings of the forms and of the zeros.

    Returns:
        The finding; `details["verdicts"]` has the verdict of each reading.
    """
    worst = {reading: _worst(findings) for reading, findings in judged.items()}
    overall = _worst(list(worst.values()))
    verdicts = {reading.value: finding.verdict.value for reading, finding in worst.items()}
    return Finding(
        property=PROPERTY,
        statement=READINGS,
        verdict=overall.verdict,
        constant=overall.constant,
        side=overall.side,
        evidence=Evidence.PROOF if overall.verdict is Verdict.CERTIFIED else overall.evidence,
        facts={"verdicts": verdicts, "statement": overall.statement},
        witness={**overall.witness, "statement": overall.statement} if overall.witness else {},
        searched=held.searched,
        details={
            "reading": "both",
            "verdicts": verdicts,
            "difference": _difference(held),
        },
    )


def recompute_readings(game: AbstractGame, witness: Entries) -> float:
    """The constant of the statement that the witness names."""
    return find_property(PROPERTY).recompute[witness["statement"]](game, witness)


def _worst(findings: Sequence[Finding]) -> Finding:
    return min(findings, key=lambda finding: _LEAST_FAVOURABLE_FIRST.index(finding.verdict))


def _difference(held: AlignmentEvidence) -> dict[str, float]:
    """Distribution over the random leaders of the distance between both p, relative to the total gradient."""
    points = held.points.at(slice(0, held.num_random))
    distance = np.linalg.norm(points.held - points.direct, axis=(1, 2))
    resolved = held.measures.total_resolved[: held.num_random]
    return quantiles(distance / np.where(resolved, points.total_norm, np.nan))
