"""Whose fault an error is: bad input, numbers that did not converge, or this package; and that no class is mixed up."""

import ast
import json
import re
from pathlib import Path

import equinox as eqx
import numpy as np
import pytest

import smfg_verify
from smfg_verify.assumptions import AssumptionReport, Finding
from smfg_verify.cli import main
from smfg_verify.cli.endings import ending_of
from smfg_verify.errors import InputError, MissingPackageError, NumericalError
from smfg_verify.exact.equilibrium.solve import Status, raise_unless_converged
from smfg_verify.games import load
from smfg_verify.interop.extras import require
from smfg_verify.jobs import pipeline

PACKAGE = Path(smfg_verify.__file__).parent

GAME = """
import jax.numpy as jnp
import numpy as np
from smfg_verify.game import AbstractGame, parameter

class Mine(AbstractGame):
    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=0.5)
    num_states, num_follower_actions, num_leader_actions = 2, 2, 2
    def transition(self, s, a, b, m): return jnp.where(jnp.arange(2) == a, 0.9, 0.1)
    def follower_reward(self, s, a, b, m): return 0.5 * b * (s == 1) - m[s]
    def leader_reward(self, s, a, b, m): return 1.0 * m[1]
"""


def ending(capsys, *arguments):
    """Exit code and the one line on standard error."""
    code = main(list(arguments))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return code, said


@pytest.mark.parametrize("error", [ValueError("zero-size array"), KeyError("x"), RuntimeError("xla")])
def test_a_fault_inside_is_no_bad_input_and_its_traceback_is_in_the_log(error, monkeypatch, capsys, tmp_path):
    inside = {"error": error}
    exec(compile("def broken(*_, **__): raise error", str(PACKAGE / "report" / "pipeline.py"), "exec"), inside)
    monkeypatch.setattr(pipeline, "carry_out", inside["broken"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, said = ending(capsys, "check", "laffer-tax", "--out", str(tmp_path / "out"))
    assert code == 3
    log = Path(re.search(r"Its traceback: (\S+)", said)[1])
    assert log.parent == tmp_path
    assert "Traceback (most recent call last)" in log.read_text()
    assert "in broken" in log.read_text()
    assert "smfg-verify check laffer-tax" in log.read_text()


@pytest.mark.parametrize(("code", "error"), [(2, InputError("b")), (2, OSError("f")), (4, NumericalError("n"))])
def test_each_class_has_its_code_and_line(code, error, monkeypatch, capsys):
    def ends(*_, **__):
        raise error

    monkeypatch.setattr(pipeline, "carry_out", ends)
    assert ending(capsys, "check", "laffer-tax") == (code, f"smfg-verify: {error}\n")


BROKEN = {
    "NameError": ("return 1.0 * m[1]", "return 1.0 * mm[1]"),
    "RuntimeError": ("return 1.0 * m[1]", "raise RuntimeError('no such road')"),
    "IndexError": ("return 1.0 * m[1]", "return [1.0][3] * m[1]"),
    "ValueError": ("    def transition", "    def __check_init__(self): raise ValueError('no')\n    def transition"),
    "KeyError": ("    def transition", "    def successors(self, s, a, b): return {}[1]\n    def transition"),
    "ZeroDivisionError": (
        "    def transition",
        "    @property\n    def leader_temperature(self): return 1 / 0\n    def transition",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_a_users_code_raises_is_the_users_with_file_and_line_or_cause(kind, tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(GAME.replace(*BROKEN[kind]))
    code, said = ending(capsys, "show", f"{file}:Mine")
    assert code == 2
    assert kind in said
    assert "cause" in said or "JAX cannot trace" in said


def test_an_error_of_the_users_after_validation_is_still_the_users(tmp_path, capsys):
    file = tmp_path / "late.py"
    file.write_text(GAME.replace("0.5 * b", "0.25 * b").replace(*BROKEN["IndexError"]))
    with pytest.raises(IndexError) as caught:
        smfg_verify.tabulate(load(f"{file}:Mine"), np.full(2, 0.5))  # which does not validate
    assert ending_of(caught.value, []) == 2
    assert "late.py, line 12, in leader_reward: IndexError" in capsys.readouterr().err


def test_python_callers_catch_it_as_a_value_error_with_its_cause(tmp_path):
    file = tmp_path / "theirs.py"
    file.write_text(GAME.replace("0.5 * b", "0.125 * b").replace(*BROKEN["KeyError"]))
    with pytest.raises(ValueError, match=r"theirs\.py, line \d+, in successors: KeyError") as caught:
        smfg_verify.validate(load(f"{file}:Mine"))
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_missing_package_is_an_import_error_and_bad_input():
    with pytest.raises(MissingPackageError, match="pip install"):
        require("no_such_package_here", "neural", "this test")
    assert issubclass(MissingPackageError, ImportError)
    assert issubclass(MissingPackageError, InputError)


def test_an_equilibrium_that_does_not_converge_is_numerical():
    found = smfg_verify.solve_equilibrium(load("laffer-tax"), np.zeros((1, 2)))
    lost = (np.array(False), np.array(int(Status.NOT_FOUND)))
    with pytest.raises(NumericalError, match="not converged"):
        raise_unless_converged(eqx.tree_at(lambda e: (e.converged, e.status), found, lost))


@pytest.mark.parametrize("text", ["{", json.dumps({"property": 1}), "[]"])
def test_a_damaged_record_is_bad_input(text, tmp_path):
    with pytest.raises(InputError):
        Finding.from_json(text)
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(InputError):
        AssumptionReport.load(file)


def test_every_refusal_of_the_package_is_an_input_error():
    """A bare ValueError would be taken for a fault of the package; guards of its own records are just that."""
    guards = {("assumptions/finding.py", "__post_init__"), ("report/tables/markdown.py", "markdown_table")}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                calls = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise)]
                if any(isinstance(call, ast.Call) and getattr(call.func, "id", "") == "ValueError" for call in calls):
                    found.add((str(path.relative_to(PACKAGE)), function.name))
    assert found <= guards
