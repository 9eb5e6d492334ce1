"""The command `sweep`: a file in, cells, dataset, record and figure out, the same again for nothing; refusals."""

import json
import sys

import pytest

from smfg_verify.cli import main
from smfg_verify.sweep.dataset import open_dataset
from tests.support import sweeping

FILE = """
what = "doze"
games = ["laffer-tax"]
seeds = 2
doze = {{ folder = "{folder}" }}

[parameters]
discount = [0.8, 0.9]
temperature = [0.5, 1.0]
"""


assert sweeping  # the kind of cell that it makes known


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "discounts.toml"
    path.write_text(FILE.format(folder=tmp_path))
    return path


def test_a_sweep_and_the_same_again(file, capsys):
    assert main(["sweep", str(file), "--value", "doze_value", "--x", "discount", "--y", "temperature"]) == 0
    out = file.parent / "results" / "discounts"
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        "attempts.jsonl",
        "cells",
        "sweep.json",
        "sweep.zarr",
        *(f"sweep.{kind}" for kind in ("png", "svg", "pdf")),
    }
    dataset = open_dataset(out / "sweep.zarr")
    assert dict(dataset["doze_value"].sizes) == {"game": 1, "discount": 2, "temperature": 2, "seed": 2}
    record = json.loads((out / "sweep.json").read_text())
    assert record["counts"] == {"doze": {"done": 8}}
    printed = capsys.readouterr().out
    assert "skipped: 0" in printed
    # The mean of seeds 0 and 1 at each discount, and at every temperature: the discount squared plus a half.
    assert [line.split() for line in printed.splitlines() if line.startswith((" 0.5 ", " 1.0 ", " 1 "))] == [
        ["0.5", "1.14", "1.31"],
        ["1", "1.14", "1.31"],
    ]
    cells = {path: path.read_bytes() for path in out.glob("cells/*/*.json")}
    assert len(cells) == 8
    assert main(["sweep", str(file), "--format", "netcdf"]) == 0
    assert "skipped: 8" in capsys.readouterr().out
    assert cells == {path: path.read_bytes() for path in out.glob("cells/*/*.json")}
    assert open_dataset(out / "sweep.nc")["doze_value"].identical(dataset["doze_value"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "0"], "--workers: got 0"),
        (["--attempts", "0"], "--attempts: got 0"),
        (["--threads-per-worker", "0"], "--threads-per-worker: got 0"),
        (["--scheduler", "head-node"], "expected local or an address"),
        (["--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], "that cluster has its own"),
        (["--at", "discount"], "--at: got 'discount'"),
        (["--format", "csv"], "--format"),
    ],
)
def test_a_bad_option_is_refused_before_anything_is_computed(words, said, file, capsys):
    assert main(["sweep", str(file), *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(file.parent.glob("results/*/cells"))


@pytest.mark.parametrize(("package", "words"), [("distributed", ["--workers", "2"]), ("zarr", [])])
def test_a_missing_package_is_named_with_its_extra(package, words, file, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["sweep", str(file), *words]) == 2
    assert "smfg-verify[distributed]" in capsys.readouterr().err
    assert not list(file.parent.glob("results/*/cells"))


@pytest.mark.parametrize("content", [None, "what = 'doze'", "what = "], ids=["no file", "no games", "no TOML"])
@pytest.mark.parametrize("words", [[], ["--workers", "2"], ["--scheduler", "tcp://127.0.0.1:1"]])
def test_what_is_wrong_with_the_file_is_said_before_any_package_is_asked_for(content, words, file, capsys, monkeypatch):
    for package in ("distributed", "zarr"):
        monkeypatch.setitem(sys.modules, package, None)
    file.unlink() if content is None else file.write_text(content)
    assert main(["sweep", str(file), *words]) == 2
    said = capsys.readouterr().err
    assert file.name in said
    assert "distributed" not in said


def test_a_mistake_in_the_file_is_one_line(file, capsys):
    file.write_text(FILE.format(folder=file.parent).replace("discount", "discont"))
    assert main(["sweep", str(file)]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "did you mean 'discount'" in said[-1]
