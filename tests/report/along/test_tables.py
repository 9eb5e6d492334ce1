"""The table along a run: counts, the worst with its place, and what is proved around the leaders."""

import numpy as np
import pytest

from smfg_verify.assumptions.along.conditions import CONDITIONS
from smfg_verify.jobs.along import Along
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.report.along.tables import along_tables, said_near
from tests.report import records
from tests.support.screens import cells, printed, titled

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


def shown(**changes):
    return along_tables(Along(GameSettings("a-game"), None, None, "ac-smfg", records.along(**changes)))


def test_a_row_counts_where_the_number_lies_on_its_side_and_names_the_worst():
    rows = {row[1]: row for row in cells(titled(shown(), "a-game: 2 seeds at 3 checkpoints"))}
    assert len(rows) == len(CONDITIONS)
    assert rows[CONDITIONS["alignment"].words][2:] == (
        "> 0",
        "4 of 5",
        "-0.125",
        "seed 4, iteration 10",
        "0.625, 0.688, 0.75",
    )
    assert rows[CONDITIONS["modulus"].words][2:6] == ("< 1", "6 of 6", "0.75", "seed 4, iteration 1,000")
    assert rows[CONDITIONS["curvature"].words][2] == "finite"
    assert "1 iterates are not finite" in printed(shown())


def sentence(words, **changes):
    (said,) = [line for line in said_near(records.along(**changes)) if line.startswith(words)]
    return said


def test_what_is_proved_around_the_iterates_is_the_worst_of_all_proofs_rounded_to_the_safe_side():
    said = sentence("Alignment")
    assert "c >= 0.187 around 4 of 6 iterates (4 could" in said
    assert "within 0.0625 (median 0.187) of theirs" in said
    said = sentence("Contraction around the equilibria")
    assert "modulus <= 0.875 around 4 of 6 iterates (6 could" in said
    assert "within 0.0312 (median 0.187) of theirs in total variation" in said
    assert "6 of 6 iterates (6 could have a proof): no leader within 0.25" in sentence("Uniqueness")


def test_where_nothing_is_proved_the_reason_is_told():
    nothing = np.zeros((2, 3))
    changes = {"radius": {"alignment": nothing}, "certified": {"alignment": nothing * np.nan}}
    assert "around none of the 4" in sentence("Alignment", uncertified={"alignment": ""}, **changes)
    assert sentence("One-sided") == "One-sided contraction around the equilibria: nothing proved, of a test."
    assert said_near(records.along(radius={}, certified={}, uncertified={})) == []
