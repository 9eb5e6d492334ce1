"""`smfg-verify bound`: constants and curve where all is certified, one plain line each where something is missing."""

import json

import pytest

from smfg_verify.cli import main
from smfg_verify.games import load
from smfg_verify.jobs.pipeline import kept_run
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import RunSettings

HOT = ["independent-leader", "--set", "temperature=3", "--set", "discount=0.3", "--set", "inertia=0.4"]


@pytest.mark.slow
def test_bound_beside_a_run(tmp_path, capsys):
    arguments = ["bound", *HOT, "--seeds", "2", "--iterations", "200", "--budget", "quick", "--out", str(tmp_path)]
    assert main(arguments) == 0
    said = " ".join(capsys.readouterr().out.split())
    record = json.loads((tmp_path / "bound.json").read_text())
    assert record["missing"] == record["missing_for_leader"] == []
    assert "Every constant is certified" in said
    assert "Which constant loses how much" in said
    assert {path.suffix for path in tmp_path.glob("bound.*")} == {".json", ".png", ".svg", ".pdf"}
    for name, bound in record["curve"]["tracking"].items():
        assert all(mean <= most for mean, most in zip(record["measured"][name], bound, strict=True)), name
    assert record["measured"]["e_omega"][-1] <= record["curve"]["leader"][-1] <= record["curve"]["trivial"]["e_omega"]


def test_run_of_another_floor_is_not_gone_on_with(tmp_path):
    game, run = load("laffer-tax"), RunSettings(seeds=2, iterations=40, sampling="iid", schedule={"leader": 0.1})

    class Kept:
        def checkpoint_file(self, name):
            return tmp_path / f"{name}.nc"

    floors = [
        kept_run(Kept(), "run", game, run, range(2), Progress(), floor).metadata.options.get("follower_floor")
        for floor in (1e-3, 1e-2, None)
    ]
    assert floors == [1e-3, 1e-2, None]


@pytest.mark.slow
def test_missing_constants_are_a_plain_outcome(tmp_path, capsys):
    assert main(["bound", "market-entrance", "--budget", "quick", "--out", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "No bound: constants without a certificate. M: no mixing is certified" in said
    record = json.loads((tmp_path / "bound.json").read_text())
    assert record["constants"] is None
    assert record["curve"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lafer-tax"], "laffer-tax"),
        (["laffer-tax", "--sampling", "markov"], "iid"),
        (["laffer-tax", "--leader-step", "0"], "leader"),
        (["laffer-tax", "--budget", "huge"], "budget"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments, words, capsys):
    assert main(["bound", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("smfg-verify: ")
    assert words in line
