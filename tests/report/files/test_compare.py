"""compare.json gives the comparison back, number by number, beside its figure."""

import dataclasses
import json

import numpy as np
import pytest

from smfg_verify.comparison import Measures
from smfg_verify.comparison.compare import ContenderResult
from smfg_verify.game import game_hash
from smfg_verify.games import load
from smfg_verify.jobs.compare import Compared
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.records.typed import structured
from smfg_verify.report.files.compare import write_comparison
from tests.report.records import comparison


def test_every_number_of_every_method_is_read_back(tmp_path):
    found, game = comparison(), load("laffer-tax")
    paths = write_comparison(Compared(GameSettings("laffer-tax"), game, found), tmp_path)
    assert [path.name for path in paths] == ["compare.json", "compare.png", "compare.svg", "compare.pdf"]
    record = json.loads(paths[0].read_text(), parse_constant=pytest.fail)
    assert record["game"]["identity"] == game_hash(game)
    assert record["settings"] == dataclasses.asdict(found.settings)
    assert record["differences"]["adage"]["difference"] == "NaN"
    for name, result in found.results.items():
        again = structured(ContenderResult, record["results"][name])
        for field in dataclasses.fields(Measures):
            expected = getattr(result.measures, field.name)
            np.testing.assert_array_equal(getattr(again.measures, field.name), expected)
        np.testing.assert_array_equal(again.samples, result.samples)
        np.testing.assert_array_equal(again.diverged, result.diverged)
        assert again.trials == result.trials
        assert again.options == result.options
