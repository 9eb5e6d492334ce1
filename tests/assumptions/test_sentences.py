"""Sentences apart from numbers: rendered from a finding's data alone, in one place a property."""

import ast
import json
import pathlib
import re
from types import SimpleNamespace

import numpy as np
import pytest

import smfg_verify
from smfg_verify.assumptions import AssumptionReport, Finding, Side, Verdict, check, find_property, property_names
from smfg_verify.assumptions.ergodicity.findings import _dobrushin_finding
from smfg_verify.assumptions.lipschitz.findings import _finding as lipschitz_finding
from smfg_verify.games import load

PACKAGE = pathlib.Path(smfg_verify.__file__).parent
ROOMS = sorted((PACKAGE / "assumptions").glob("*/sentences.py"))
WORDS_ONLY = {"collections", "collections.abc", "dataclasses", "math", "typing"} | {
    "smfg_verify.assumptions.sentence",
    "smfg_verify.numerals",
    "smfg_verify.records.entries",
}
SMALL = {"budget": "quick", "num_leaders": 8, "num_starts": 2, "num_steps": 3, "num_boxes": 8}


def imports_of(path):
    """Modules that a file imports, with the names taken from each."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.asname or alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.asname or alias.name) for alias in node.names)


def test_every_statement_has_its_texts_and_its_constant_again():
    for name in property_names():
        entry = find_property(name)
        assert set(entry.renderings) == set(entry.recompute), name


@pytest.mark.parametrize("path", [*ROOMS, PACKAGE / "assumptions" / "sentence.py"], ids=lambda path: path.parent.name)
def test_sentences_know_nothing_but_words(path):
    assert {module for module, _ in imports_of(path)} <= WORDS_ONLY


def test_numerics_hand_their_sentences_to_the_registry_and_read_them_nowhere():
    users = []
    for path in (PACKAGE / "assumptions").rglob("*.py"):
        taken = [name for module, name in imports_of(path) if (module or "").endswith(".sentences")]
        for name in taken:
            uses = re.findall(rf"\b{name}\b(?! as)", re.sub(r"(?m)^from .*$", "", path.read_text()))
            assert uses == [name], path
            assert f"renderings={name}" in path.read_text(), path
            users.append(path)
    assert len(users) == len(property_names())


@pytest.fixture(scope="module")
def report():
    return check(load("laffer-tax"), ["lipschitz", "coverage"], **SMALL)


@pytest.mark.slow
def test_saved_findings_of_searches_and_proofs_are_told_in_the_same_words():
    test_a_saved_finding_is_told_in_the_same_words(check(load("laffer-tax"), ["uniqueness", "smoothness"], **SMALL))


def test_a_saved_finding_is_told_in_the_same_words(report):
    again = AssumptionReport.from_json(report.to_json())
    for before, after in zip(report.findings, again.findings, strict=True):
        assert (before.meaning, before.method) == (after.meaning, after.method)
        assert before == after


def test_a_record_holds_the_sentence_for_others_and_is_read_from_the_data(report):
    finding = report.finding("coverage", "initial")
    record = json.loads(finding.to_json())
    assert record["meaning"] == finding.meaning
    assert record["method"] == finding.method
    assert Finding.from_record({**record, "meaning": "Something else."}).meaning == finding.meaning
    assert "facts" in record


def test_a_record_that_lacks_a_fact_of_its_sentence_is_refused(report):
    record = report.finding("lipschitz", "transition").as_record()
    with pytest.raises(ValueError, match=r"lipschitz/transition with the facts \[\]"):
        Finding.from_record({**record, "facts": {}})


def test_a_text_needs_its_own_facts_only():
    made_up = Finding(
        property="coverage",
        statement="initial",
        verdict=Verdict.REFUTED,
        constant=0.0,
        side=Side.EXACT,
        evidence="proof",
        witness={"state": np.array(1)},
    )
    with pytest.raises(KeyError, match="state"):
        _ = made_up.meaning
    assert made_up.method == "initial distribution"


def test_a_statement_nobody_knows_has_no_sentence():
    made_up = Finding(
        property="coverage",
        statement="inital",
        verdict=Verdict.INCONCLUSIVE,
        constant=0.0,
        side=Side.EXACT,
        evidence="proof",
    )
    with pytest.raises(ValueError, match="did you mean 'initial'"):
        _ = made_up.meaning


@pytest.mark.wrong_types
def test_numbers_that_were_not_measured_are_not_printed():
    sampled = SimpleNamespace(witnesses={}, searched={}, errors={})
    bound = SimpleNamespace(
        proved=False, upper=np.inf, reason="a primitive without a rule", exact=False, searched={}, rounding=0.0
    )
    names = ("one_step", "transition_lipschitz")
    constants = SimpleNamespace(
        bounds=dict.fromkeys(names, bound), measured=dict.fromkeys(names, np.nan), sampled=sampled, searched={}
    )
    for finding in (_dobrushin_finding(constants), lipschitz_finding("transition", constants)):
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert "nan" not in finding.meaning


@pytest.mark.slow
@pytest.mark.parametrize("name", ["laffer-tax", "market-entrance", "equilibrium-pricing"])
def test_no_sentence_holds_a_number_that_is_none(name):
    for finding in check(load(name), budget="quick", num_leaders=24, num_starts=2, num_steps=5).findings:
        assert not re.search(r"\bnan\b|\(\)|; \(", finding.meaning), finding.meaning
