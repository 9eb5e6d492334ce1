"""Texts of records: a sentence for every code and a code for every sentence, the words of before, nothing lost."""

import ast
import pathlib
import string

import numpy as np
import pytest

import smfg_verify
from smfg_verify.bounds.drift.sentences import FitOutcome, Undecided
from smfg_verify.bounds.rates.sentences import AS_WRITTEN, Obstacle
from smfg_verify.bounds.steps.sentences import NoOptimum, NoRegion
from smfg_verify.cases.sentences import CaseText
from smfg_verify.comparison.sentences import NotTested
from smfg_verify.records.codec import decode, encode, plain
from smfg_verify.records.documents import line, parsed
from smfg_verify.records.typed import structured

PACKAGE = pathlib.Path(smfg_verify.__file__).parent
KINDS = {kind.__name__: kind for kind in (CaseText, FitOutcome, NoOptimum, NoRegion, NotTested, Obstacle, Undecided)}

# Word for word as the code said it that assembled its sentences where it computed.
SAID = [
    (Obstacle("few-seeds", {"seeds": 4, "least": 5}), "too few seeds: 4, at least 5 are needed"),
    (
        Obstacle("few-checkpoints-in-all", {"checkpoints": 8, "least": 9}),
        "too few checkpoints: 8, at least 9 are needed",
    ),
    (Obstacle("rounding-of-curve", {"everywhere": True}), "at rounding level at every checkpoint, nothing decays"),
    (Obstacle("rounding-of-curve", {"everywhere": False}), "at rounding level at some checkpoint"),
    (
        Obstacle("no-logarithm"),
        "a residual is not positive and finite, so that a resampled mean may have no logarithm",
    ),
    (Obstacle("no-variation"), "the seeds do not vary"),
    (Obstacle("one-line"), "one line has the smaller BIC"),
    (Obstacle("chance"), "chance alone gives two lines such a gain"),
    (
        Obstacle("out-of-reach", {"power": 0.123456, "seeds": 256, "iterations": 1_600_000}),
        "the largest power planned for is 0.12, with 256 seeds of 1600000 iterations",
    ),
    (
        Obstacle("too-wide", {"lower": -1.23456, "upper": 0.5}),
        "the interval [-1.23, 0.5] is too wide: it holds -1/2 and also -1 or 0",
    ),
    (
        Obstacle("few-checkpoints", {"checkpoints": 3, "least": 6}),
        "too few checkpoints in the window: 3, at least 6 are needed",
    ),
    (Obstacle("not-finite", {"bad": 2, "points": 80}), "2 of 80 points are not finite"),
    (
        Obstacle("rounding", {"everywhere": True}),
        "at rounding level at every checkpoint of the window, nothing decays",
    ),
    (Obstacle("rounding", {"everywhere": False}), "at rounding level at some checkpoint of the window"),
    (Obstacle("no-interval"), "no interval: some resampled mean is not positive"),
    (
        Obstacle("standstill", {"iteration": 123456}),
        "the smallest mean was met at k = 123,456 and not undercut in the window: its slope is 0 whatever the rate",
    ),
    (
        Obstacle("short-regime", {"checkpoints": 3, "iteration": 12345.678, "least": 6}),
        "still in its transient: 3 checkpoints after the change-point at k = 12346, at least 6 are needed; run it "
        "longer",
    ),
    (
        Obstacle("moving-leader", {"whole": 0.5, "late": 0.3333}),
        "still in its transient: of the 0.5 that the leaders' mean policy has moved, it moved 0.33 over the last three "
        "quarters of the iterations, half of the leader's clock; run it longer",
    ),
    (Obstacle(AS_WRITTEN, {"words": "in other {words}"}), "in other {words}"),
    (FitOutcome("solver", {"status": "optimal_inaccurate"}), "optimal_inaccurate"),
    (FitOutcome("no-step", {"learner": "follower"}), "the step of its learner, follower, is zero"),
    (FitOutcome("no-iterate"), "no iterate with finite residuals"),
    (FitOutcome("no-residual"), "the residual is zero, up to rounding, at every iterate"),
    (
        Undecided("unsolved", {"residuals": ["e_mu", "e_Vf"]}),
        "the inequality of e_mu, e_Vf has no constants",
    ),
    (Undecided("not-finite"), "an inequality has no constants"),
    (Undecided("no-rate"), "every rate is zero"),
    (Undecided("not-solved"), "the linear program was not solved"),
    (Undecided("not-verified"), "neither weights nor an obstruction verified"),
    (
        NoOptimum("no-mean"),
        "no choice of step sizes has a finite mean: runs diverged, or their leaders have no gradient",
    ),
    (
        NoOptimum("all-zero"),
        "every choice ends at a gradient that is zero up to rounding, so that none is better than another",
    ),
    (NoRegion("not-given"), "no drift inequalities were given"),
    (NoRegion("unsolved", {"residuals": ["e_mu"]}), "no constants for e_mu"),
    (NoRegion("refused", {"error": "max_points: got 1"}), "max_points: got 1"),
    (
        NotTested("lost-seeds", {"method": 1, "reference": 0}),
        "1 seeds of the method and 0 of the reference have no number",
    ),
    (NotTested("few-seeds", {"seeds": 2, "least": 5}), "2 seeds, at least 5 are needed"),
    (CaseText("nan"), "a number is NaN: something could not be computed"),
    (CaseText("hypothesis"), "the hypothesis of the claim was not seen to fail"),
    (
        CaseText("apart", {"measured": 1.23456789, "predicted": 2.0, "error": 0.1234}),
        "measured 1.23457 against 2 +- 0.12",
    ),
    (CaseText("too-wide", {"lower": 0.0, "upper": 2.123456}), "the interval [0, 2.123] is too wide to tell"),
]


@pytest.mark.parametrize(("text", "words"), SAID, ids=lambda entry: getattr(entry, "case", ""))
def test_the_words_are_those_of_before_and_outlive_every_record(text, words):
    assert text.sentence == str(text) == words
    assert text
    assert type(text)() == type(text)("") != text
    assert not type(text)()
    assert str(type(text)()) == ""
    again = decode(parsed(line(encode(text))))
    assert (type(again), again, again.sentence) == (type(text), text, words)
    read = structured(type(text), parsed(line(plain(text))))
    assert (read, read.sentence) == (text, words)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_unknown_case_or_a_missing_figure_is_refused(kind):
    with pytest.raises(KeyError):
        _ = kind("no such case").sentence
    for case, said in kind.SENTENCES.items():
        if not isinstance(said, str) or "{" in said:
            with pytest.raises(KeyError):
                _ = kind(case).sentence


def made_in_the_package():
    """Every `Kind("case", {...})` of the package: module, kind, its case, and its figures where they stand there."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS and node.args:
                cases = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                figures = node.args[1] if len(node.args) > 1 else ast.Dict(keys=[], values=[])
                whole = isinstance(figures, ast.Dict) and None not in figures.keys
                names = {key.value for key in figures.keys} if whole else None
                yield from ((path, KINDS[node.func.id], case, names) for case in cases if isinstance(case, str))


def test_every_code_that_numerics_use_has_its_sentence_with_the_figures_it_needs_and_every_sentence_is_used():
    used = {kind: set() for kind in KINDS.values()}
    for path, kind, case, figures in made_in_the_package():
        assert case in kind.SENTENCES, path
        used[kind].add(case)
        said = kind.SENTENCES[case]
        if isinstance(said, str) and figures is not None:
            assert {name for _, name, _, _ in string.Formatter().parse(said) if name} == figures, (path, case)
    for kind, cases in used.items():
        assert cases | {AS_WRITTEN} >= set(kind.SENTENCES), kind


def test_numerics_of_bounds_cases_and_comparisons_assemble_no_sentence():
    """Figures stand among words in a sentences.py, an error's message and what is told meanwhile, nowhere else."""
    found = []
    for room in ("bounds", "cases", "comparison"):
        for path in sorted((PACKAGE / room).rglob("*.py")):
            tree = ast.parse(path.read_text())
            told = [
                node
                for node in ast.walk(tree)
                if isinstance(node, ast.Raise)
                or (isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("progress", "InputError"))
            ]
            allowed = {id(part) for node in told for part in ast.walk(node)}
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr) and id(node) not in allowed and path.name != "sentences.py":
                    words = "".join(part.value for part in node.values if isinstance(part, ast.Constant)).split()
                    found += [(path.name, node.lineno)] if len(words) > 1 else []
    assert found == []


def test_a_text_says_its_figures_whatever_kind_of_number_they_are():
    for whole in (int, np.int64, np.int32):
        assert "met at k = 1,000 and" in Obstacle("standstill", {"iteration": whole(1000)}).sentence
