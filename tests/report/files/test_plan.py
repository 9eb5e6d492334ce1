"""plan.json holds the power of each choice, the pilot and the game."""

import json

import pytest

from smfg_verify.game import game_hash
from smfg_verify.games import load
from smfg_verify.jobs.plan import Plan
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.report.files.plan import write_plan
from tests.report.records import plan


def test_cells_pilot_and_game_are_written(tmp_path):
    power, game = plan(), load("laffer-tax")
    path = write_plan(Plan(GameSettings("laffer-tax"), game, RunSettings(12, 5000), power), tmp_path)
    record = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert record["game"]["identity"] == game_hash(game)
    assert (record["pilot"]["seeds"], record["pilot"]["iterations"]) == (12, 5000)
    assert [cell["power"] for cell in record["cells"]] == [cell.power for cell in power.cells]
    assert record["recommended"]["seeds"] == power.recommended.seeds
    assert record["change"]["iteration"] == power.change.iteration
    assert record["window"] == list(power.window)
