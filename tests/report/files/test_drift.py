"""drift.json holds the constants of every line, what was held out, and the curves."""

import json

import numpy as np
import pytest

from smfg_verify.bounds.drift.inequalities import RESIDUALS
from smfg_verify.games import load
from smfg_verify.jobs.drift import Drift
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.report.files.drift import write_drift
from tests.report.records import curves, drift_report

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


def test_constants_groups_held_out_and_curves_are_written(tmp_path):
    report, drawn = drift_report(), curves()
    drift = Drift(GameSettings("laffer-tax"), load("laffer-tax"), RunSettings(6, 40), report, drawn)
    record = json.loads(write_drift(drift, tmp_path).read_text(), parse_constant=pytest.fail)
    assert set(record["inequalities"]) == set(RESIDUALS)
    for name, entry in record["inequalities"].items():
        known = report.inequalities[name]
        assert (entry["contraction"], entry["coupling"], entry["noise"]) == (
            known.contraction, known.coupling, known.noise
        )  # fmt: skip
        assert entry["held_out"] == report.held_out[name].tolist()
        assert entry["binding"] == list(report.binding[name])
        assert entry["markov_correction"] == report.markov_correction[name]
        assert "slack" not in entry
    assert (record["iterates"], record["iterates_left_out"]) == (6, 1)
    assert record["lyapunov"]["weights"] == report.lyapunov.weights
    assert record["region"]["intervals"]["critic"] == ["NaN", "NaN"]
    assert record["curves"]["leader"] == ["Infinity", 9.0, 6.0, 3.0]
    for name, values in record["curves"]["tracking"].items():
        np.testing.assert_array_equal(values, drawn.tracking[name])
