"""lab.json holds every plane and both optima, beside the figure."""

import json

import numpy as np
import pytest

from smfg_verify.games import load
from smfg_verify.jobs.lab import LabResult
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.report.files import lab as files
from tests.report.records import laboratory


def test_planes_and_optima_are_written_number_by_number(tmp_path):
    lab = laboratory()
    result = LabResult(GameSettings("laffer-tax"), load("laffer-tax"), RunSettings(4, 400), lab)
    paths = files.write_lab(result, tmp_path)
    assert [path.name for path in paths] == ["lab.json", "lab.png", "lab.svg", "lab.pdf"]
    record = json.loads(paths[0].read_text(), parse_constant=pytest.fail)
    assert (record["format"], record["schema_version"]) == (files.FORMAT, files.SCHEMA_VERSION)
    for entry, plane in zip(record["lab"]["planes"], lab.planes, strict=True):
        measured = [[float(cell) for cell in row] for row in entry["measured"]]
        np.testing.assert_array_equal(measured, plane.measured)
        assert entry["certified"] == plane.certified.tolist()
    assert record["lab"]["found"]["choice"] == lab.found.choice
    assert record["lab"]["foreseen"]["fresh"] == lab.foreseen.fresh
    assert record["run"]["seeds"] == 4
