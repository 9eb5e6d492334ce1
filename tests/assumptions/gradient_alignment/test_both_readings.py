"""Alignment in both readings: as good as the worse of the two, and how far the two gradients are apart."""

import itertools

import numpy as np
import pytest

from smfg_verify.assumptions import Finding, Verdict
from smfg_verify.assumptions.finding import Evidence, Side
from smfg_verify.assumptions.gradient_alignment.both_readings import readings_finding
from smfg_verify.assumptions.gradient_alignment.evidence import AlignmentEvidence
from smfg_verify.assumptions.gradient_alignment.measures import alignment_measures
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.exact.gradient.at_leaders import LeaderPoints

ORDER = (Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.SUPPORTED, Verdict.CERTIFIED)


def points_with(total, direct, held) -> LeaderPoints:
    """Leaders of one row whose three gradients are given, with errors far below them."""
    table = {name: np.asarray(part, dtype=float)[:, None, :] for name, part in locals().items()}
    number = len(total)
    numbers = dict.fromkeys(LeaderPoints._fields, np.zeros(number))
    tables = {f"{name}_table": part for name, part in table.items()}
    known = {"error": np.full(number, 1e-12), "converged": np.ones(number, bool), "logits": table["total"]}
    return LeaderPoints(**{**numbers, **table, **tables, **known})


def evidence(points, num_random) -> AlignmentEvidence:
    empty = dict.fromkeys(AlignmentEvidence._fields)
    shared = {"reading": Reading.POLICY_HELD, "points": points, "measures": alignment_measures(points)}
    return AlignmentEvidence(**{**empty, **shared, "num_random": num_random, "searched": {"seed": 0}})


def judged_as(verdict, constant) -> Finding:
    proof = Evidence.PROOF if verdict is Verdict.CERTIFIED else Evidence.SEARCH
    return Finding(
        property="gradient-alignment",
        statement="cosine",
        verdict=verdict,
        constant=constant,
        side=Side.UPPER,
        evidence=proof,
        witness={"logits": np.zeros((1, 2))},
    )


HELD = evidence(points_with([[3.0, -4.0]], [[3.0, -4.0]], [[3.0, -4.0]]), 1)


def test_the_worst_of_all_statements_decides_whichever_reading_it_is_of():
    for verdicts in itertools.product(ORDER, repeat=4):
        findings = [judged_as(verdict, float(k)) for k, verdict in enumerate(verdicts)]
        found = readings_finding(HELD, dict(zip(Reading, (findings[:2], findings[2:]), strict=True)))
        worst = [min(ORDER.index(verdict) for verdict in half) for half in (verdicts[:2], verdicts[2:])]
        assert found.verdict is ORDER[min(worst)]
        assert verdicts[int(found.constant)] is found.verdict
        assert list(found.details["verdicts"].values()) == [ORDER[place].value for place in worst]
        assert found.witness["statement"] == "cosine"


def test_the_distance_of_both_gradients_is_relative_to_the_total_one_and_of_random_leaders_alone():
    total, direct = [[3.0, -4.0], [6.0, 8.0], [1.0, 0.0]], [[3.0, -4.0], [0.0, 0.0], [0.0, 0.0]]
    held = [[3.0, -3.0], [0.0, 1.0], [100.0, 0.0]]
    found = readings_finding(
        evidence(points_with(total, direct, held), 2), {r: [judged_as(ORDER[2], 1.0)] for r in Reading}
    )
    assert found.details["difference"]["min"] == pytest.approx(0.1)
    assert found.details["difference"]["max"] == pytest.approx(0.2)
