"""The laboratory's tables: both optima with every number, shares of what is certified and of what diverged."""

import numpy as np
import pytest

from smfg_verify.bounds.steps.sentences import NoOptimum, NoRegion
from smfg_verify.jobs.lab import LabResult
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.report.tables.lab import lab_tables
from tests.report.records import laboratory, optimum
from tests.support.screens import cells, pairs, printed, tables_in, titled

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


def shown(**changes):
    return lab_tables(LabResult(GameSettings("a-game"), None, RunSettings(4, 400), laboratory(**changes)))


def test_both_optima_stand_with_their_choice_and_all_that_is_known_of_them():
    table = titled(shown(), "Least final")
    assert cells(table) == [
        (
            name,
            f"leader {leader}, mean_field 0.5, follower 1, critic 2",
            "leader 0.5, others 0.5",
            *(f"{k * number:.3g}" for k in (1.0, 2.0)),
            f"{3.0 * number:.3g} +- {number / 8.0:.2g}",
            f"{5.0 * number:.3g}",
            f"{7.0 * number:.4g}",
        )
        for name, number, leader in (("found", 0.125, 0.2), ("predicted", 0.25, 0.1))
    ]
    assert "mean of 4 seeds" in str(table.caption)
    assert "mean of 16 seeds" in str(table.caption)


def test_the_summary_counts_choices_over_all_planes():
    rows = pairs(titled(shown(), "Step-size laboratory on a-game"))
    assert rows["runs"] == "12 choices, 4 seeds, 400 iterations, markov"
    assert rows["diverged"] == "2 choices"
    assert rows["drift certifies"] == "50% of 12 choices"
    assert rows["measured / predicted"] == "median 0.5, quartiles 0.25 to 0.75"
    assert rows["rank correlation"].startswith("0.875")
    assert rows["error of the prediction's integration"].startswith("0.016 relative")


def test_what_is_not_known_is_none_and_a_missing_region_has_its_reason():
    nan = float("nan")
    refused = NoRegion("refused", {"error": "of a test"})
    unknown = shown(rank_correlation=nan, ratio=(nan,) * 3, refinement=nan, no_region=refused)
    rows = pairs(titled(unknown, "Step-size"))
    assert [rows[name] for name in list(rows)[-3:]] == ["none"] * 3
    assert rows["drift certifies"] == "of a test"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "is +0.5 +- 0.12 above that of the one found: at two standard errors they differ"),
        (
            {"difference": (-0.25, 0.125)},
            "is -0.25 +- 0.12 above that of the one found: at two standard errors they c",
        ),
        ({"difference": (np.nan, 0.1)}, "could not be compared"),
        ({"foreseen": optimum(0.125)}, "The predicted optimum is the one found."),
        ({"foreseen": None}, "No prediction"),
        ({"found": None, "foreseen": None, "no_optimum": NoOptimum("no-mean")}, "No optimum: no choice of step sizes"),
    ],
)
def test_the_answer_says_what_the_fresh_seeds_allow(changes, words):
    said = printed(shown(**changes))
    assert words in said
    tables = [table for table in tables_in(shown(**changes)) if str(getattr(table, "title", "")).startswith("Least")]
    assert len(tables) == (changes.get("found", True) is not None)
