"""`smfg-verify check GAME --along DIR`: a run's iterates in a table, a file and a figure; refusals in one line."""

import json

import pytest

from smfg_verify.cli.app import main
from smfg_verify.games import load
from smfg_verify.stochastic import ac_smfg


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The directory of a run."""
    folder = tmp_path_factory.mktemp("run")
    ac_smfg(load("laffer-tax"), num_iterations=20, seeds=range(2), checkpoints=[10]).save(folder / "trace.nc")
    return folder


def test_a_property_along_a_run_is_counted_at_its_iterates(run, tmp_path, capsys):
    words = ["check", "laffer-tax", "--along", str(run), "--property", "coverage", "--out", str(tmp_path), "--strict"]
    assert main(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "laffer-tax: 2 seeds at 2 checkpoints" in said
    assert "4 of 4" in said
    record = json.loads((tmp_path / "along.json").read_text())
    assert set(record["along"]["values"]) == {"occupancy"}
    assert (tmp_path / "along.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["two-road-toll"], "another game"),
        (["laffer-tax", "--set", "wage=2.0"], "another game or has other parameters"),
        (["laffer-tax", "--budget", "quick"], "got budget too"),
        (["laffer-tax", "--full"], "got full too"),
        (["laffer-tax", "--property", "step-sizes"], "the step sizes"),
    ],
)
def test_what_does_not_fit_a_run_is_refused_in_one_line(run, tmp_path, capsys, words, said):
    assert main(["check", *words, "--along", str(run), "--out", str(tmp_path / "out")]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("smfg-verify: ")]
    assert len(lines) == 1
    assert said in lines[0]


def test_a_place_without_a_run_is_refused(tmp_path, capsys):
    assert main(["check", "laffer-tax", "--along", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "trace.nc" in capsys.readouterr().err
