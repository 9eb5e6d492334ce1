"""along.json holds every number, beside the figure."""

import json
from pathlib import Path

import numpy as np
import pytest

from smfg_verify.games import load
from smfg_verify.jobs.along import Along
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.report.along import files
from tests.report import records


def test_every_number_is_written(tmp_path):
    found = records.along()
    along = Along(GameSettings("laffer-tax"), load("laffer-tax"), Path("trace.nc"), "ac-smfg", found)
    paths = files.write_along(along, tmp_path)
    assert [path.name for path in paths] == ["along.json", "along.png", "along.svg", "along.pdf"]
    record = json.loads(paths[0].read_text(), parse_constant=pytest.fail)
    assert (record["format"], record["schema_version"]) == (files.FORMAT, files.SCHEMA_VERSION)
    for name, values in found.values.items():
        written = [[float(cell) for cell in row] for row in record["along"]["values"][name]]
        np.testing.assert_array_equal(written, values)
    assert set(record["near"]) == {"alignment", "modulus", "index"}
    assert record["near"]["alignment"]["proved"] == 4
    assert record["near"]["alignment"]["constant"] == 0.1875
    assert record["near"]["modulus"]["constant"] == 0.875
