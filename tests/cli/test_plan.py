"""`smfg-verify plan`: its table, its file, and what a pilot that is too small says."""

import json

import pytest

from smfg_verify.bounds import exact_residuals, plan_power
from smfg_verify.cli import main
from smfg_verify.game import game_hash
from smfg_verify.games import load
from smfg_verify.stochastic import Schedule, ac_smfg

STEPS = ["--leader-step", "1", "--mean-field-step", "1", "--follower-step", "2", "--critic-step", "4"]
GAME = ["independent-leader", "--set", "leader_temperature=1", "--set", "discount=0.5"]


@pytest.mark.slow
def test_a_plan_is_that_of_the_python_calls(tmp_path, capsys):
    pilot = ["--pilot-seeds", "6", "--pilot-iterations", "4000", "--seeds", "8", "--iterations", "4000"]
    assert main(["plan", *GAME, *STEPS, *pilot, "--out", str(tmp_path / "new")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    record = json.loads((tmp_path / "new" / "plan.json").read_text())
    game = load("independent-leader", leader_temperature=1.0, discount=0.5)
    trace = ac_smfg(
        game,
        num_iterations=4000,
        seeds=range(6),
        schedule=Schedule(leader=1.0, mean_field=1.0, follower=2.0, critic=4.0),
    )
    residuals = exact_residuals(game, trace)
    expected = json.loads(
        plan_power(residuals.e_omega, residuals.iterations, seeds=[8], planned_iterations=[4000]).to_json()
    )
    assert record["game"]["identity"] == game_hash(game)
    assert record["pilot"]["seeds"] == 6
    assert record["pilot"]["schedule"]["critic"] == 4.0
    assert {name: record[name] for name in expected} == expected
    assert expected["assumption"] in said
    for cell in expected["cells"]:
        assert f"{cell['seeds']} {cell['iterations']:,} {cell['power']:.3f}" in said

    # Four seeds give no interval, whatever they show; the programs are compiled already.
    assert main(["plan", *GAME, *STEPS, "--pilot-seeds", "4", "--pilot-iterations", "500"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "inconclusive: too few seeds: 4" in said
    assert "power" not in said.split("Taken for granted")[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "lafer-tax"], "laffer-tax"),
        (["plan", "laffer-tax", "--pilot-seeds", "0"], "seeds"),
        (["plan", "laffer-tax", "--pilot-iterations", "few"], "--pilot-iterations"),
        (["plan", "laffer-tax", "--critic-step", "-1"], "critic"),
        (["plan", "laffer-tax", "--seeds", "4"], "seeds"),
        (["plan", "laffer-tax", "--iterations", "10"], "planned_iterations"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments, words, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert words in captured.err
