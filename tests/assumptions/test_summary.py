"""A property's verdict is that of the findings which decide it, and no constant is said on its unsafe side."""

import math

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from smfg_verify.assumptions import Verdict, find_property
from smfg_verify.assumptions.contradictions import Contradiction
from smfg_verify.assumptions.summary import constant_words
from tests.report.records import assumptions, finding

STATEMENTS = {
    "uniqueness": (
        "contraction",
        "one-sided",
        "index",
        "multi-start",
        "negative-index",
        "temperature-path",
        "monotonicity",
        "occupation-monotonicity",
        "potential",
    ),
    "ergodicity": ("dobrushin", "doeblin", "mixing", "spectral-gap"),
    "step-sizes": ("order", "range", "ratios"),
}


VERDICTS = st.sampled_from([verdict.value for verdict in Verdict])
DRAWN = st.sampled_from(sorted(STATEMENTS)).flatmap(
    lambda name: st.tuples(st.just(name), st.tuples(*(VERDICTS for _ in STATEMENTS[name])))
)


def report_of(name, verdicts):
    """A report with these verdicts; none where proof and witness would exclude each other."""
    pairs = zip(STATEMENTS[name], verdicts, strict=True)
    try:
        return assumptions(*(finding(name, statement, verdict) for statement, verdict in pairs))
    except Contradiction:
        reject()


@given(DRAWN)
def test_all_of_them_have_the_verdict_of_the_property(drawn):
    name, report = drawn[0], report_of(*drawn)
    found = report.deciding(name)
    assert found
    verdict = report.verdict(name)
    assert {each.verdict for each in found} == {verdict}


@given(DRAWN)
def test_what_only_tells_more_never_decides(drawn):
    """Taking the aside statements out of a report changes neither the verdict nor what it rests on."""
    name, report = drawn[0], report_of(*drawn)
    entry = find_property(name)
    kept = [each for each in report.findings if each.statement not in entry.aside]
    without = assumptions(*kept)
    assert report.deciding(name) == without.deciding(name)


def test_a_certified_sufficient_statement_is_what_the_verdict_rests_on():
    report = assumptions(
        finding("uniqueness", "multi-start", "supported"), finding("uniqueness", "contraction", "certified")
    )
    assert [each.statement for each in report.deciding("uniqueness")] == ["contraction"]


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["exact", "upper", "lower"]))
def test_a_bound_that_is_said_is_one(constant, side):
    words = constant_words(finding("coverage", "initial", constant=constant, side=side)).split()
    sign, said = words[1], float(words[2])
    assert (sign, side) in {("=", "exact"), ("<=", "upper"), (">=", "lower")}
    if math.isfinite(said):
        assert said >= constant or side != "upper"
        assert said <= constant or side != "lower"


@pytest.mark.parametrize("constant", [math.nan, math.inf, -math.inf])
def test_no_number_is_none(constant):
    assert constant_words(finding("coverage", "initial", "inconclusive", constant)) == "none"
