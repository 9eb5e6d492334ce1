"""What the two checkers of names and types see: faults are planted, and each has to be found by both."""

import subprocess
import sys
import tomllib
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Array, Float, jaxtyped

from tests.support.annotations import checked

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

PLANTED = '''"""Faults by line."""

from jaxtyping import Array, Float


def one_word(x: Float[Array, " n"], y: Float[Array, "n k"]) -> Float[Array, " n *k"]:
    """Shapes are no names."""
    return x + y


def two_words(x: Float[Array, "n n"]) -> Undefined1:
    """An annotation."""
    return undefined_2(x)


def quoted(x: "Undefined3") -> "Float[Undefined4, 'n n']":
    """Annotations in quotes."""
    return x


class Fields:
    """A field."""

    field: "list[Undefined5]"
'''
WANTED = {"Undefined1", "undefined_2", "Undefined3", "Undefined4", "Undefined5"}

MISUSED = '''"""Calls that a compiled function of a game refuses."""

from jaxtyping import Array

from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.game import AbstractGame, compiled_for_game


@jit_for_game
def first(game: AbstractGame, number: int) -> Array:
    """A function."""
    return game.initial_distribution * number


@compiled_for_game
def second(game: AbstractGame, number: int) -> Array:
    """A function."""
    return game.initial_distribution * number


def misuse(game: AbstractGame) -> None:
    """Four faults."""
    first(game, "one")
    first(game)
    word: str = second(game, 1)
    second(game, 1, 2)
'''


def names_in(output: str) -> set[str]:
    """Undefined names in what a checker printed."""
    return {name for name in WANTED | {"n", "k"} if any(quote + name + quote in output for quote in '`"')}


def run_mypy(file: Path) -> str:
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    done = subprocess.run([BIN / "mypy", *config, str(file)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1, done.stderr
    return done.stdout


def test_undefined_names_are_found_by_the_linter_and_no_shape_is_taken_for_one(tmp_path):
    file = tmp_path / "planted.py"
    file.write_text(PLANTED)
    settings = ["--config", str(ROOT / "pyproject.toml"), "--output-format", "concise"]
    done = subprocess.run([BIN / "ruff", "check", *settings, str(file)], capture_output=True, text=True)
    assert done.returncode == 1
    assert names_in(done.stdout) == WANTED
    assert all("F821" in line for line in done.stdout.splitlines() if "planted.py" in line), done.stdout


def test_undefined_names_are_found_by_the_type_checker_and_no_shape_is_taken_for_one(tmp_path):
    file = tmp_path / "planted.py"
    file.write_text(PLANTED)
    assert names_in(run_mypy(file)) == WANTED


@pytest.mark.slow
def test_callers_of_compiled_functions_are_checked(tmp_path):
    file = tmp_path / "misused.py"
    file.write_text(MISUSED)
    lines = {int(line.split(":")[1]) for line in run_mypy(file).splitlines() if " error: " in line}
    assert lines == {23, 24, 25, 26}


def test_the_type_checker_is_strict_and_no_code_is_off():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tools["mypy"]["strict"] is True
    loose = {"disable_error_code", "ignore_errors", "follow_imports", "exclude"}
    assert not any(loose & set(table) for table in (tools["mypy"], *tools["mypy"]["overrides"]))
    assert "F821" not in tools["ruff"]["lint"]["ignore"]
    assert (ROOT / "smfg_verify" / "py.typed").exists()


@jaxtyped(typechecker=checked)
def product(first: Float[Array, "n k"], second: Float[Array, " k"]) -> Float[Array, " n"]:
    return first @ second


@jaxtyped(typechecker=checked)
def unchanged(first: Float[Array, " k"]) -> Float[Array, " k"]:
    return first


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (product, (jnp.ones((2, 3)), jnp.ones(2))),
        (product, (jnp.ones((2, 3)), np.ones(2))),
        (product, (jnp.ones((2, 3)), jnp.ones(3, int))),
        (product, (jnp.ones((2, 3)), [1.0, 1.0, 1.0])),
        (unchanged, (np.ones(3),)),  # a result has to be what it is said to be
    ],
)
def test_checked_annotations_refuse_wrong_shapes_and_kinds(function, arguments):
    with pytest.raises((TypeError, BeartypeCallHintViolation)):
        function(*arguments)


def test_checked_annotations_take_what_jax_takes():
    np.testing.assert_array_equal(product(np.ones((2, 3)), jnp.ones(3)), [3.0, 3.0])
