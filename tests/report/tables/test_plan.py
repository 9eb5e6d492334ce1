"""A plan: its pilot, the power of each choice, the recommendation or why there is none."""

import dataclasses

import pytest

from smfg_verify.bounds import ChangeStatus, PlanStatus
from smfg_verify.bounds.rates.sentences import ASSUMPTION, Obstacle
from smfg_verify.jobs.plan import Plan
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.report.tables.plan import plan_tables
from tests.report.records import plan
from tests.support.screens import cells, pairs, printed, tables_in, titled

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


def shown(**changes):
    return plan_tables(Plan(GameSettings("a-game"), None, None, plan(**changes)))


def test_every_choice_has_its_power_with_the_error_of_the_simulation():
    table = titled(shown(), "Power of telling a slope of -0.5 from -0.4")
    assert cells(table) == [
        ("8", "5,000", "0.625 +- 0.031", "0.062"),
        ("32", "5,000", "0.938 +- 0.016", "0.047"),
    ]
    assert [row.style for row in table.rows] == ["", "bold green"]
    assert "share of 200 simulated runs" in str(table.caption)
    assert "nominally 0.05" in str(table.caption)


def test_the_pilot_says_where_its_transient_ended():
    rows = pairs(titled(shown(), "Pilot on a-game"))
    assert rows["seeds"] == "12"
    assert rows["iterations"] == "5,000"
    assert rows["change-point"] == "k = 1,234 [1,000, 1,500]: slope -1.500 before, -0.500 after"
    assert rows["noise taken from"] == "k = 1,300 ... 5,000"


@pytest.mark.parametrize("slope", [float("nan"), -0.75])
def test_without_a_break_the_slope_of_one_line_is_said_where_it_is_known(slope):
    none = dataclasses.replace(
        plan().change, status=ChangeStatus.NONE, obstacle=Obstacle("one-line"), one_line_slope=slope
    )
    said = pairs(titled(shown(change=none), "Pilot"))["change-point"]
    assert said == "none: one line has the smaller BIC" + ("" if slope != slope else ", slope -0.750 throughout")


def test_the_recommendation_or_the_reason_why_there_is_none_is_last():
    assert "32 seeds of 5,000 iterations reach the power 0.8 in simulation" in printed(shown())
    few = Obstacle("few-seeds", {"seeds": 4, "least": 5})
    nothing = shown(status=PlanStatus.INCONCLUSIVE, obstacle=few, cells=(), recommended=None)
    assert len(tables_in(nothing)) == 2  # the pilot, and the answer
    assert "inconclusive: too few seeds: 4" in printed(nothing)
    assert "reach the power" not in printed(nothing)
    for each in (shown(), nothing):
        assert printed(each).endswith(f"Taken for granted: {ASSUMPTION}")
