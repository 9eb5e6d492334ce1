"""Methods beside each other: what was reached is the record's, diverged seeds are in sight, Markdown says the same."""

import numpy as np
import pytest

from smfg_verify.comparison.paired import PairedVerdict
from smfg_verify.comparison.quartiles import quartiles
from smfg_verify.games import load
from smfg_verify.jobs.compare import Compared
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.report.tables.comparison import comparison_markdown, comparison_tables, table_rows
from tests.report.records import SETTINGS, comparison
from tests.report.tables.test_markdown import rendered
from tests.support.screens import cells, heads, titled


@pytest.fixture
def found():
    return comparison()


@pytest.fixture
def shown(found):
    return comparison_tables(Compared(GameSettings("a-game"), load("laffer-tax"), found))


def test_every_method_has_its_samples_its_quartiles_and_its_losses(found, shown):
    rows = {row[0]: row for row in cells(titled(shown, "Methods on a-game"))}
    assert list(rows.values()) == table_rows(found)
    assert [rows[name][1] for name in found.results] == ["600", "2,400", "none (exact)"]
    assert [rows[name][-1] for name in found.results] == ["0 of 5", "3 of 5", "0 of 5"]
    low, middle, high = quartiles(found.results["ac-smfg"].measures.objective, -np.inf)[:, -1]
    assert rows["ac-smfg"][3] == f"{middle:.4g} [{low:.4g}, {high:.4g}]"
    # Three of five lost: worse than every number where more is better, and where less is.
    assert rows["adage"][3] == "diverged [diverged, 2]"
    assert rows["adage"][4] == "diverged [0.01, diverged]"


def test_each_test_says_its_interval_and_what_was_not_tested_why(found, shown):
    table = titled(shown, "Against AC-SMFG")
    assert cells(table) == [
        ("adage", "", "", "not tested: 3 seeds of the method and 0 of the reference have no number"),
        ("exact-ascent", "0.5", "[0.25, 0.75]", "better"),
    ]
    assert "97.50% each" in str(table.caption)
    assert f"median over {SETTINGS.seeds} seeds" in str(titled(shown, "Methods").caption)


def test_what_was_tuned_is_listed_with_the_better_score_and_the_defaults_own(found, shown):
    for name, options, best, first in cells(titled(shown, "Options chosen")):
        assert options == "inner_iterations 7, leader 0.25, critic 2"
        assert (best, first) == ("0.375", "0.125")
        assert name in found.results


def test_markdown_is_a_table_with_the_verdicts_at_its_end(found):
    head, *rows = rendered(comparison_markdown(found))
    assert head == [*heads(titled(comparison_tables_of(found), "Methods")), "against AC-SMFG"]
    assert [tuple(row[:-1]) for row in rows] == table_rows(found)
    assert [row[-1] for row in rows] == ["reference", str(PairedVerdict.NOT_TESTED), "better, +0.5 [0.25, 0.75]"]


def comparison_tables_of(found):
    return comparison_tables(Compared(GameSettings("a-game"), load("laffer-tax"), found))
