"""`smfg-verify new`: every file it writes is a game as it stands, and no name of a file leads to a broken one."""

import ast
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from smfg_verify import ac_smfg, check, games, solve_equilibrium
from smfg_verify.assumptions import Verdict
from smfg_verify.cli import main
from smfg_verify.errors import InputError
from smfg_verify.game import leader_logits_shape
from smfg_verify.jobs.new_game import Kind, plan_game
from tests.support.locks import ROOT

KINDS = get_args(Kind)
# One of them by default, since each takes seconds.
KIND_BY_KIND = [KINDS[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])]


def written(arguments, capsys) -> list[list[str]]:
    """The commands that are printed as the next ones."""
    assert main(["new", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("  smfg-verify ")]
    assert len(commands) == 2
    return [command[1:] for command in commands]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KIND_BY_KIND)
def test_the_first_command_that_it_prints_shows_the_file_that_it_wrote(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    show, _ = written(["my beach.py", "--from", kind], capsys)
    assert main(show) == 0
    assert "converged" in capsys.readouterr().out


def test_what_it_writes_is_checked_and_runs(tmp_path, capsys):
    path = tmp_path / "my beach.py"
    written([str(path), "--from", KINDS[0]], capsys)
    game = games.load(str(path))
    assert check(game, "coverage", budget="quick").verdict("coverage") is Verdict.CERTIFIED
    assert not ac_smfg(game, num_iterations=50, seeds=range(2)).diverged.any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_second_checks_it_and_it_runs(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    _, command = written(["my beach.py", "--from", kind], capsys)
    assert main([*command, "--property", "coverage", "--out", "checked"]) == 0
    verdict = "inconclusive" if kind == "mfglib" else "certified"
    assert f"coverage  {verdict}" in capsys.readouterr().out
    assert main(["run", command[1], "--seeds", "2", "--iterations", "50", "--out", "run"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_property_is_checked(kind, tmp_path, capsys):
    path = tmp_path / "game.py"
    written([str(path), "--from", kind], capsys)
    assert main(["check", str(path), "--budget", "quick", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Refuted: contraction: 1 of 10 checked"


def test_the_formulas_are_derived(tmp_path, capsys):
    path = tmp_path / "ferry.py"
    written([str(path), "--from", "formula"], capsys)
    assert main(["derive", str(path), "--about", "contraction", "--about", "alignment"]) == 0
    derived = capsys.readouterr().out
    assert "NOT proved" not in derived
    assert "tau_c = " in derived


@pytest.mark.slow
def test_the_kinds_are_one_game(tmp_path, capsys):
    """Class and arrays, and the environment with its leader, say the same: one equilibrium."""
    fields = []
    for kind in ("class", "arrays", "mfglib"):
        path = tmp_path / f"{kind}_game.py"
        written([str(path), "--from", kind], capsys)
        game = games.load(str(path))
        field = solve_equilibrium(game, np.array([[0.0, 1.0]])).mean_field
        assert leader_logits_shape(game) == (1, 2)
        fields.append(field.sum(axis=1) if field.ndim == 2 else field)
    np.testing.assert_allclose(fields[1:], [fields[0]] * 2, atol=1e-9)


@pytest.mark.parametrize("width", [88, 120])
def test_the_files_are_formatted_and_pass_the_linter(width, tmp_path, capsys):
    for kind in KINDS:
        written([str(tmp_path / f"my_{kind}.py"), "--from", kind], capsys)
    ruff = [Path(sys.executable).parent / "ruff"]
    options = ["--isolated", "--no-cache", "--line-length", str(width)]
    rules = "E,F,I,B,UP,SIM,RUF,NPY,PT,D1"
    for command in (["format", "--check", *options], ["check", "--select", rules, "--ignore", "F722", *options]):
        done = subprocess.run([*ruff, *command, "."], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_files_are_typed(tmp_path, capsys):
    for kind in KINDS:
        written([str(tmp_path / f"my_{kind}.py"), "--from", kind], capsys)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml")]
    files = sorted(map(str, tmp_path.glob("*.py")))
    done = subprocess.run([*mypy, *files], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my_beach.py", "MyBeach"),
        ("my-beach.py", "MyBeach"),
        ("my beach.py", "MyBeach"),
        ("my.beach.py", "MyBeach"),
        ("MyBeach.py", "MyBeach"),
        ("_my_beach_.py", "MyBeach"),
        ("class.py", "Class"),
        ("3x.py", "My3x"),
        ("none.py", "MyNone"),
        ("exception.py", "MyException"),
        ("abstract_game.py", "MyAbstractGame"),
        ("float.py", "MyFloat"),
        ("plage_été.py", "PlageÉté"),
        (unicodedata.normalize("NFD", "plage_été.py"), "PlageÉté"),
        ("海滩.py", "海滩"),
    ],
)
def test_odd_names_of_files_are_mended(file, name, tmp_path):
    planned = plan_game(tmp_path / file, "class")
    (made,) = [node for node in ast.parse(planned.text).body if isinstance(node, ast.ClassDef)]
    assert made.name == planned.class_name == name
    planned.path.write_text(planned.text)
    assert type(games.load(str(planned.path))).__name__ == name


def test_a_missing_suffix_is_added_and_said(tmp_path, capsys):
    assert main(["new", str(tmp_path / "beach")]) == 0
    assert f"Written to {tmp_path / 'beach.py'}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("beach.txt", "a name that ends in .py"),
        (".py", "a name that ends in .py"),
        ("__init__.py", "another name"),
        ("numpy.py", "another name"),
        ("smfg_verify.py", "another name"),
        ("random.py", "another name"),
        ("🏖.py", "letters and digits"),
        ("__.py", "letters and digits"),
        ('it"s.py', "letters and digits"),
        ("a\nb.py", "letters and digits"),
        ("a" * 70 + ".py", "at most 60 letters"),
        ("nowhere/beach.py", "directory does not exist"),
        (".", "which is a folder"),
    ],
)
@pytest.mark.parametrize("kind", ["class", "formula"])
def test_names_that_would_break_are_refused_in_one_line(file, why, kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", file, "--from", kind]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert why in captured.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_where_that_is_asked_for(tmp_path, capsys):
    path = tmp_path / "beach.py"
    path.write_text("mine\n")
    (tmp_path / "link.py").symlink_to("nowhere")
    for name in ("beach.py", "beach", "link.py"):
        assert main(["new", str(tmp_path / name)]) == 2
        assert "--overwrite" in capsys.readouterr().err
    assert path.read_text() == "mine\n"
    written([str(path), "--overwrite"], capsys)
    assert "class Beach(AbstractGame)" in path.read_text()


def test_a_name_that_begins_like_an_option_is_not_taken_for_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    planned = plan_game(Path("-beach.py"), "class")
    assert planned.next_commands[0] == "show ./-beach.py"


def test_a_kind_that_is_not_there_is_refused(tmp_path, capsys):
    assert main(["new", str(tmp_path / "beach.py"), "--from", "yaml"]) == 2
    assert "formula" in capsys.readouterr().err
    with pytest.raises(InputError):
        plan_game(tmp_path / "os.py", "class")
