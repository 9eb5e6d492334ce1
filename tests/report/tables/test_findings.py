"""Findings: every statement once, constants rounded to their safe side, one line for a search that serves several."""

import pytest

from smfg_verify.report.tables.findings import findings_tables, verdict_text
from tests.report.records import assumptions, finding
from tests.support.screens import cells, tables_in

SHARED = {"searched": {"leaders": 64, "failed": {"not_converged": 2}}}


@pytest.fixture
def report():
    return assumptions(
        finding("coverage", "initial", constant=0.499999999918, side="lower"),
        finding("coverage", "stationary", "supported", 0.500000000082, side="upper", evidence="search", **SHARED),
        finding("coverage", "occupancy", "refuted", -1.25, facts={"state": 1}),
        finding("step-sizes", "order", "not-applicable", float("nan"), **SHARED),
    )


def test_statements_stand_under_their_property_with_its_verdict(report):
    rows = cells(tables_in(findings_tables(report))[0])
    assert [row[:2] for row in rows] == [
        ("coverage", report.verdict("coverage").value),
        ("  initial", "certified"),
        ("  stationary", "supported"),
        ("  occupancy", "refuted"),
        ("step-sizes", report.verdict("step-sizes").value),
        ("  order", "not-applicable"),
    ]


def test_no_constant_is_printed_on_the_unsafe_side_of_its_bound(report):
    constants = {row[0].strip(): row[2] for row in cells(tables_in(findings_tables(report))[0])}
    assert constants["initial"] == "true >= 0.49999"
    assert constants["stationary"] == "true <= 0.50001"
    assert constants["occupancy"] == "true = -1.25"
    assert constants["order"] == "none"


def test_each_row_says_what_is_known_and_how(report):
    rows = {row[0].strip(): row[3] for row in cells(tables_in(findings_tables(report))[0])}
    for each in report.findings:
        assert rows[each.statement] == f"{each.meaning}\n{each.evidence.value}: {each.method}"


def test_a_search_that_serves_several_statements_is_told_once(report):
    _, searched = tables_in(findings_tables(report))
    (row,) = cells(searched)
    assert row == ("coverage: stationary\nstep-sizes: order", "leaders 64, failed (not converged 2)")
    assert len(tables_in(findings_tables(assumptions(report.findings[0])))) == 1


def test_verdicts_that_differ_look_different(report):
    styles = {verdict_text(each.verdict).style for each in report.findings}
    assert len(styles) == len({each.verdict for each in report.findings})
