"""Statements: what was not read can neither hold nor fail, and every text has its case."""

import pathlib
import re

import pytest

import smfg_verify.theorems as room
from smfg_verify.errors import InputError
from smfg_verify.theorems import Answer, Decision, Hypothesis, Reason, Theorem, Wording, find_theorem, theorem_names
from smfg_verify.theorems.deciding import unread

FOLDER = pathlib.Path(room.__file__).parent


def statement(wording, *hypotheses):
    return Theorem(
        name="mine", title="", source="", wording=wording, about="", conclusion="", hypotheses=tuple(hypotheses)
    )


def test_a_statement_that_was_not_read_has_a_hypothesis_that_was_not():
    given = Hypothesis("h", "", Wording.ABSTRACT, lambda facts: Decision(Answer.HOLDS, Reason("finite")))
    for wording in Wording:
        if wording.whole:
            statement(wording, given)
        else:
            with pytest.raises(InputError, match="not read"):
                statement(wording, given)
        statement(wording, given, unread())
    with pytest.raises(InputError, match="not read"):
        statement(Wording.READ)


def test_statements_by_an_abstract_are_known_to_be_such():
    for name in theorem_names():
        theorem = find_theorem(name)
        unknown = [one for one in theorem.hypotheses if one.wording is Wording.UNREAD]
        assert bool(unknown) != theorem.wording.whole, name
        assert len({one.name for one in theorem.hypotheses}) == len(theorem.hypotheses), name


def test_every_sentence_is_said_somewhere_and_every_case_has_one():
    source = "".join(path.read_text() for path in FOLDER.rglob("*.py") if path.name != "sentences.py")
    cases = set(re.findall(r'(?:Reason|_words|_by_verdict)\(\s*"([a-z-]+)"', source))
    assert cases == set(Reason.SENTENCES)


def test_no_number_of_a_paper_stands_in_a_hypothesis_that_was_not_read():
    for name in theorem_names():
        for hypothesis in find_theorem(name).hypotheses:
            if hypothesis.wording is Wording.UNREAD:
                assert "not read" in hypothesis.formula or hypothesis.name in ("the rest", "horizon and dynamics")
                assert not re.search(r"\d", hypothesis.formula), hypothesis
