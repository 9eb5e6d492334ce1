"""Sentences of uniqueness in the cases in which they used to be false: what they say is what was computed."""

import numpy as np
import pytest

from smfg_verify.assumptions import Verdict
from smfg_verify.assumptions.sentence import FindingData
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.uniqueness import findings as uniqueness
from smfg_verify.assumptions.uniqueness.sentences import UNIQUENESS
from smfg_verify.assumptions.uniqueness.several_equilibria import Equilibria
from tests.assumptions.crowds import crowd

TINY = SearchSettings(num_leaders=3, num_starts=8, num_steps=2, num_boxes=20)


@pytest.fixture(scope="module")
def game():
    return crowd(-1.0, 0.5)


def found_equilibria(*searches):
    """One record a leader, from (equilibria told apart, searches that did not arrive)."""
    fields = np.array([[0.4, 0.6], [0.9, 0.1], [0.1, 0.9]])
    return lambda *_: [Equilibria(fields[:number], lost, *np.full((2, number), 0.5)) for number, lost in searches]


@pytest.mark.parametrize(
    ("searches", "verdict", "words"),
    [
        ([(1, 4), (1, 6), (1, 4)], Verdict.SUPPORTED, "10 of 24 searches arrived"),
        ([(1, 7), (1, 7), (0, 8)], Verdict.INCONCLUSIVE, "2 of 24 searches arrived"),
        ([(0, 8), (0, 8), (0, 8)], Verdict.INCONCLUSIVE, "0 of 24 searches arrived"),
        ([(1, 0), (1, 7), (0, 8)], Verdict.SUPPORTED, "For 1 of 3 leaders two searches or more arrived"),
        ([(1, 0), (2, 6), (1, 0)], Verdict.REFUTED, "at least two equilibria"),
    ],
)
def test_uniqueness_counts_the_searches_that_arrived(monkeypatch, game, searches, verdict, words):
    monkeypatch.setattr(uniqueness, "find_equilibria", found_equilibria(*searches))
    finding = uniqueness._multi_start_finding(uniqueness._search(game, TINY), TINY)
    assert finding.verdict is verdict
    assert words in finding.meaning
    assert "every start" not in finding.meaning
    assert finding.searched["unconverged"] == sum(lost for _, lost in searches)


def test_an_eigenvalue_too_near_zero_leaves_no_gap_in_the_sentence():
    data = FindingData("inconclusive", 1e-13, {"obstacle": {"case": "none"}})
    said = UNIQUENESS["monotonicity"].meaning(data)
    assert "; (" not in said.replace("  ", " ")
    assert "too near zero to tell" in said
