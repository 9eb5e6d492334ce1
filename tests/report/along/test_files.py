"""along.json holds every number, beside the figure."""

import dataclasses
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


def test_a_number_of_which_nothing_was_proved_is_written_as_none(tmp_path):
    given = records.along()
    nothing = {name: np.zeros_like(part) for name, part in given.radius.items()}
    found = dataclasses.replace(given, radius=nothing)
    along = Along(GameSettings("laffer-tax"), load("laffer-tax"), Path("trace.nc"), "ac-smfg", found)
    record = json.loads(files.write_along(along, tmp_path)[0].read_text(), parse_constant=pytest.fail)
    assert record["near"]["modulus"]["proved"] == 0
    assert not np.isfinite(float(record["near"]["modulus"]["constant"] or np.nan))
