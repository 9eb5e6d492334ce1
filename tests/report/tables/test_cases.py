"""Cases: numbers, relations and verdicts are the records', and every case has its section."""

import pytest

from smfg_verify.cases import Kind
from smfg_verify.report.tables.cases import cases_markdown, cases_tables
from tests.report.records import outcome
from tests.report.tables.test_markdown import rendered
from tests.support.screens import cells, heads, titled

MEASURED = {"measured": 2.0, "interval": (1.5, 2.5), "error": 0.25, "details": {"two_words": 4.0}}
OUTCOMES = (
    outcome(),
    outcome("gap-identity", kind=Kind.EQUALITY, **MEASURED),
    outcome("ac-smfg-rate", kind=Kind.RATE, at_most=True, measured=float("nan")),
    outcome("critic-lower-bound", kind=Kind.LOWER_BOUND, measured=0.25),
)


def test_the_table_holds_what_was_measured_and_predicted_and_how_they_stand():
    table = titled(cases_tables(OUTCOMES), "Cases")
    assert heads(table) == ["name", "measured", "predicted", "kind", "verdict"]
    assert cells(table) == [
        ("policy-lipschitz", "0.5", "<= 1", "upper-bound", "holds"),
        ("gap-identity", "2 [1.5, 2.5]", "= 1 +- 2.5e-01", "equality", "fails"),
        ("ac-smfg-rate", "nan", "<= 1", "rate", "inconclusive"),
        ("critic-lower-bound", "0.25", ">= 1", "lower-bound", "fails"),
    ]


@pytest.mark.parametrize("one", OUTCOMES, ids=lambda one: one.case.name)
def test_what_a_case_says_and_why_it_does_not_hold_is_in_its_row(one):
    ((name, about),) = cells(titled(cases_tables([one]), "What the cases say"))
    assert name == one.case.name
    lines = about.split("\n")
    assert lines[:2] == [one.case.statement, "two points; quick, 1.2 s"]
    assert lines[2:] == ([f"{one.verdict}: {one.record.reason}"] if one.record.reason else [])


def test_markdown_has_the_same_table_and_a_section_a_case():
    text = cases_markdown(OUTCOMES)
    table, *sections = text.split("\n\n### ")
    assert [tuple(row) for row in rendered(table)[1:]] == cells(titled(cases_tables(OUTCOMES), "Cases"))
    for section, one in zip(sections, OUTCOMES, strict=True):
        assert section.startswith(f"{one.case.name}\n\n{one.case.statement}\n\n$$ {one.case.formula} $$")
        assert f"- Source: {one.case.source}" in section
        assert f"- Granted: {one.record.error:.2g}: roundings" in section
        assert ("Further numbers: two words 4" in section) == bool(one.record.details)
