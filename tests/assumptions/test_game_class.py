"""The class of a game says what findings say, with their verdicts, and nothing of what was not looked at."""

import numpy as np
import pytest

from smfg_verify.assumptions.game_class import class_line
from tests.report.records import assumptions, finding

MONOTONE, POTENTIAL = ("uniqueness", "occupation-monotonicity"), ("uniqueness", "potential")
RATE = ("one-sided-contraction", "rate")


def coupling(constant, measured, verdict="certified"):
    details = {"measured": measured, "measured_error": 1e-12}
    return finding("lipschitz", "transition", verdict, constant, details=details)


def test_each_class_stands_with_its_verdict_and_proofs_stand_first():
    report = assumptions(
        finding("contraction", "modulus", "refuted", 2.0),
        finding(*RATE, "supported", 0.4),
        finding(*MONOTONE, "certified"),
        finding(*POTENTIAL, "refuted", 0.4),
        coupling(0.0, 0.0),
    )
    told = "monotone (certified), one-sided contractive (supported); not coupled through the dynamics (certified)"
    assert class_line(report) == f"Class: {told}"


@pytest.mark.parametrize(
    ("constant", "measured", "verdict", "words"),
    [
        (0.0, 0.0, "supported", "not coupled through the dynamics (supported)"),
        (0.5, 0.4, "certified", "coupled through the dynamics"),
        (0.4, 0.4, "inconclusive", "coupled through the dynamics"),
        (0.5, 1e-13, "certified", ""),
        (np.inf, np.nan, "inconclusive", ""),
    ],
)
def test_coupling_takes_two_mean_fields_and_its_absence_a_proof(constant, measured, verdict, words):
    line = class_line(assumptions(coupling(constant, measured, verdict)))
    assert line == (f"Class: {words}" if words else "")


def test_nothing_is_said_of_what_was_not_looked_at():
    assert class_line(assumptions(finding("coverage", "initial"))) == ""
    assert class_line(assumptions(finding(*POTENTIAL, "inconclusive", np.nan))) == "Class: not shown to be potential"


def test_a_report_in_brief_ends_with_the_class_and_what_is_refuted():
    exact = {"exact": True, "rounding": 0.0}
    report = assumptions(
        finding("lipschitz", "transition", constant=0.0, details={"measured": 0.0, "measured_error": 0.0}, facts=exact)
    )
    *_, last_but_one, last = report.summary().splitlines()
    assert last_but_one == class_line(report)
    assert last.startswith("Refuted: ")


def test_what_a_proof_keeps_back_is_kept_back_in_the_class():
    monotone = finding(*MONOTONE, "certified", facts={"stationary": False, "slack": 1e-12})
    potential = finding(*POTENTIAL, "certified", facts={"stationary": True, "bound": 0.0})
    told = "monotone over all laws of state and action (certified up to rounding), potential (certified)"
    assert class_line(assumptions(monotone, potential)) == f"Class: {told}"
