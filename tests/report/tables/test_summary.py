"""One screen: every property once with what its verdict rests on, in any width, and the count that ends it."""

import io
import itertools

import pytest
from rich.console import Console

from smfg_verify.assumptions import Verdict, property_names
from smfg_verify.assumptions.outlook import could_change
from smfg_verify.assumptions.summary import first_sentence, refuted_line
from smfg_verify.report.tables.summary import summary_table
from tests.report.records import assumptions, finding


@pytest.fixture
def report():
    return assumptions(
        finding("coverage", "initial", constant=0.499999999918, side="lower"),
        finding("coverage", "stationary", "refuted", 0.0),
        finding("coverage", "occupancy", "supported", 0.25, side="lower", facts={"state": 1}),
        finding("step-sizes", "order", "not-applicable", float("nan")),
    )


def printed(content, width):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(content)
    return console.export_text()


@pytest.mark.parametrize("width", [40, 80, 120, 300])
def test_every_property_has_its_row_and_no_line_is_wider_than_the_screen(report, width):
    text = printed(summary_table(report), width)
    assert all(len(line) <= width for line in text.splitlines())
    words = " ".join(text.split())
    assert words.startswith(
        "property verdict decided by coverage supported occupancy: true >= 0.25 No positive lower bound"
    )
    assert f"Could change: {could_change('coverage', Verdict.SUPPORTED)}." in words
    assert "step-sizes not-applicable order: none Not applicable" in words
    assert "stationary" not in words  # it decides nothing


# A proof decides alone; one that proves nothing leaves it to the search.
CONTRACTION = {
    ("certified", "supported"): "certified-bound",
    ("inconclusive", "supported"): "modulus",
    ("inconclusive", "refuted"): "modulus",
    ("inconclusive", "inconclusive"): "modulus",
}


@pytest.mark.parametrize(("verdicts", "statement"), CONTRACTION.items())
def test_a_verdict_rests_on_statements_that_have_it_and_a_sufficient_proof_alone(verdicts, statement):
    bound, modulus = verdicts
    found = assumptions(
        finding("contraction", "certified-bound", bound, 0.5 if bound == "certified" else 3.0, side="upper"),
        finding("contraction", "modulus", modulus, 2.0 if modulus == "refuted" else 0.4, side="lower"),
        finding("contraction", "spectral-radius", "refuted" if modulus == "refuted" else "supported", 0.3),
    )
    deciding = found.deciding("contraction")
    assert [each.statement for each in deciding] == [statement]
    assert deciding[0].verdict is found.verdict("contraction")


def test_findings_without_a_constant_come_last():
    found = assumptions(
        finding("coverage", "initial", "inconclusive", float("nan")),
        finding("coverage", "occupancy", "inconclusive", 0.5),
    )
    assert [each.statement for each in found.deciding("coverage")] == ["occupancy", "initial"]


def test_the_last_line_counts_what_was_checked_and_what_was_not(report):
    others = len(property_names()) - 2
    assert refuted_line(report) == f"Refuted: none of 2 checked, {others} not checked"
    one = assumptions(finding("coverage", "initial", "refuted", 0.0))
    assert refuted_line(one) == f"Refuted: coverage: 1 of 1 checked, {others + 1} not checked"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One sentence only, with 0.5 in it.", "One sentence only, with 0.5 in it."),
        ("The first holds 1.5e-3. The second is more.", "The first holds 1.5e-3. [...]"),
        ("||g|| is 2. <g, p> is 3.", "||g|| is 2. [...]"),
    ],
)
def test_what_is_left_out_of_a_meaning_is_marked(text, first):
    assert first_sentence(text) == first


def test_an_outlook_fits_a_line_of_eighty_columns():
    for name, verdict in itertools.product(property_names(), Verdict):
        assert len(f"    Could change: {could_change(name, verdict)}.") <= 80
