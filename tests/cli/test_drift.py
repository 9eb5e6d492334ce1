"""`smfg-verify drift`: its tables and file are those of the Python calls; bad input is one line."""

import json

import pytest

from smfg_verify.cli import main


@pytest.mark.slow
def test_laffer_tax_breaks_the_leaders_line(tmp_path, capsys):
    arguments = ["drift", "laffer-tax", "--seeds", "2", "--iterations", "1000", "--out", str(tmp_path)]
    assert main(arguments) == 0
    said = " ".join(capsys.readouterr().out.split())
    record = json.loads((tmp_path / "drift.json").read_text())
    assert record["inequalities"]["e_omega"]["contraction"] == 0.0
    assert not record["lyapunov"]["exists"]
    assert record["lyapunov"]["obstruction"]
    assert set(record["curves"]["leader"]) == {"Infinity"}
    assert "No weights decrease together" in said
    assert record["run"]["seeds"] == 2


@pytest.mark.parametrize("arguments", [["drift", "lafer-tax"], ["drift", "laffer-tax", "--seeds", "0"]])
def test_bad_input_is_one_line_and_exit_code_two(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("smfg-verify: ")
