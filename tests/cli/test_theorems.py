"""`smfg-verify theorems`: every theorem with what decides it, by a check or a saved report; refusals in one line."""

import json
import re

import pytest

from smfg_verify import check
from smfg_verify.cli import main
from smfg_verify.games import load
from smfg_verify.theorems import find_theorem, theorem_names
from tests.support.pages import DOCS

STEPS = ["--follower-step", "1e-5", "--exponent", "follower=0"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "laffer-tax.json"
    check(load("laffer-tax"), ["coverage"], budget="quick").save(path)
    return path


def test_theorems_by_a_saved_report(saved, tmp_path, capsys):
    arguments = ["theorems", "laffer-tax", "--report", str(saved), "--budget", "quick", *STEPS]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    record = json.loads((tmp_path / "theorems.json").read_text())
    assert list(record["theorems"]) == list(theorem_names())
    assert record["properties"] == ["coverage"]
    assert record["steps"]["follower"] == {"constant": 1e-5, "exponent": "0"}
    page = (tmp_path / "theorems.md").read_text()
    for name, entry in record["theorems"].items():
        wordings = [one.wording.value for one in find_theorem(name).hypotheses]
        assert [one["wording"] for one in entry["hypotheses"]] == wordings
        assert f"{name}: {entry['answer']}" in said
        assert f"## {name}: {entry['answer']}" in page
    exact = record["theorems"]["softmax-policy-gradient"]
    assert (exact["answer"], exact["decided_by"]) == ("applies", None)
    (covered,) = [one for one in exact["hypotheses"] if one["finding"] is not None]
    assert covered["finding"]["constant"] == 0.5
    unchecked = record["theorems"]["robbins-siegmund"]["hypotheses"][0]
    assert (unchecked["answer"], unchecked["would_decide"]) == (
        "unknown",
        "`check --property one-sided-contraction`",
    )


@pytest.mark.slow
def test_theorems_by_a_check(tmp_path):
    assert main(["theorems", "laffer-tax", "--budget", "quick", "--leaders", "8", "--out", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "theorems.json").read_text())
    assert record["theorems"]["finite-time-bound"]["answer"] == "applies"
    assert record["theorems"]["robbins-siegmund"]["decided_by"] == "step sizes"
    assert "step-sizes" not in record["properties"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lafer-tax"], "laffer-tax"),
        (["laffer-tax", "--exponent", "folower=1/2"], "follower"),
        (["laffer-tax", "--exponent", "follower=fast"], "3/5"),
        (["laffer-tax", "--exponent", "follower"], "name=value"),
        (["laffer-tax", "--budget", "huge"], "budget"),
        (["laffer-tax", "--report", "nowhere.json"], "nowhere.json"),
        (["laffer-tax", "--set", "temperature=2", "--report", "REPORT"], "other parameters"),
        (["two-road-toll", "--report", "REPORT"], "other parameters"),
        (["laffer-tax", "--report", "REPORT", "--leaders", "8"], "leaders"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments, words, saved, capsys):
    assert main(["theorems", *(str(saved) if word == "REPORT" else word for word in arguments)]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("smfg-verify: ")]
    (line,) = lines
    assert words in line


def test_the_page_names_every_theorem():
    rows = re.findall(r"^\| `(.+?)` \|.*?\| (.*?) \|", (DOCS / "theorems.md").read_text(), re.MULTILINE)
    assert rows == [(name, find_theorem(name).wording.value) for name in theorem_names()]
