"""`smfg-verify lab`: tables, files, refusals."""

import json

import pytest

from smfg_verify.cli.app import main
from smfg_verify.report.files.lab import SCHEMA_VERSION


@pytest.mark.slow
def test_a_small_sweep_leaves_its_record_and_figure(tmp_path, capsys):
    out = tmp_path / "lab"
    assert main(["lab", "laffer-tax", "--seeds", "4", "--iterations", "40", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "343 choices, 4 seeds, 40 iterations" in " ".join(printed.split())
    record = json.loads((out / "lab.json").read_text())
    assert record["schema_version"] == SCHEMA_VERSION
    planes = record["lab"]["planes"]
    assert [len(planes), len(planes[0]["measured"]), len(planes[0]["measured"][0])] == [7, 7, 7]
    # LafferTax: the leader's line has no contraction, so no step constants are certified.
    assert not any(cell for plane in planes for row in plane["certified"] for cell in row)
    assert (out / "lab.png").stat().st_size > 10_000


def test_too_few_seeds_and_a_frozen_learner_are_refused_in_one_line(capsys):
    for words in (["--seeds", "2"], ["--leader-step", "0"]):
        assert main(["lab", "laffer-tax", *words]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
