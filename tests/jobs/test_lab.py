"""The laboratory's tables, record and figure say what the sweep holds."""

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from smfg_verify.bounds.steps.laboratory import step_laboratory
from smfg_verify.bounds.steps.sweep import StepPlane
from smfg_verify.games import load
from smfg_verify.jobs.lab import LabResult
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.report.files.lab import write_lab
from smfg_verify.report.tables.lab import lab_tables

# By default tests/report reads what is said and written of a record made by hand.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result():
    game = load("laffer-tax")
    planes = (StepPlane("leader", "critic", np.array([0.2, np.inf]), np.array([1.0, 2.0])),)
    lab = step_laboratory(game, num_iterations=30, num_seeds=4, planes=planes)
    return LabResult(GameSettings("laffer-tax"), game, RunSettings(4, 30), lab)


def printed(result) -> str:
    console = Console(width=220, file=io.StringIO())
    console.print(lab_tables(result))
    return " ".join(console.file.getvalue().split())


def test_tables_count_what_diverged_and_say_why_there_is_no_region(result):
    said = printed(result)
    assert "diverged 2 choices" in said
    assert "no drift inequalities were given" in said
    assert f"{result.lab.found.policy_gap:.3g}" in said


def test_two_optima_are_compared_on_fresh_seeds(result):
    other = dataclasses.replace(result.lab.found, choice={**result.lab.found.choice, "leader": 7.0})
    lab = dataclasses.replace(result.lab, foreseen=other, difference=(0.5, 0.1))
    assert "+0.5 +- 0.1 above" in printed(dataclasses.replace(result, lab=lab))
    assert "differ" in printed(dataclasses.replace(result, lab=lab))
    near = dataclasses.replace(lab, difference=(0.1, 0.1))
    assert "cannot be told apart" in printed(dataclasses.replace(result, lab=near))
    none = dataclasses.replace(lab, foreseen=None)
    assert "No prediction" in printed(dataclasses.replace(result, lab=none))


def test_the_record_holds_every_cell_and_names_what_is_no_number_where_a_run_diverged(result, tmp_path):
    written = write_lab(result, tmp_path)
    assert [path.name for path in written] == ["lab.json", "lab.png", "lab.svg", "lab.pdf"]
    plane = json.loads(written[0].read_text())["lab"]["planes"][0]
    np.testing.assert_allclose([row[0] for row in plane["measured"]], result.lab.planes[0].measured[:, 0])
    assert [row[1] for row in plane["measured"]] == ["NaN", "NaN"]
    assert written[1].stat().st_size > 10_000
