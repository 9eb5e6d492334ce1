"""Keys of compiled programs: another key for whatever could make another program, the same for what cannot."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import smfg_verify
from smfg_verify import games
from smfg_verify.exact.equilibrium.residual import Point
from smfg_verify.game import traced
from smfg_verify.game.programs import program_keys
from smfg_verify.game.programs.program_keys import NotKept, program_key
from tests.game.reach.roads import road

GAME = traced(games.load("laffer-tax"))


def one(game):
    return game.discount


def other(game):
    return game.temperature


def key(*arguments, function=one, options=None, **named):
    return program_key(function, options or {}, ((GAME, *arguments), named))


def test_numbers_of_a_game_and_of_arrays_are_no_part_of_it():
    colder = traced(games.load("laffer-tax", temperature=0.01, discount=0.3))
    assert program_key(one, {}, ((GAME,), {})) == program_key(one, {}, ((colder,), {}))
    assert key(jnp.zeros(3)) == key(jnp.ones(3))
    assert key(np.zeros(3)) == key(jnp.zeros(3))


DIFFERENT = {
    "nothing": lambda: key(),
    "function": lambda: key(function=other),
    "option": lambda: key(options={"xla_backend_optimization_level": 0}),
    "value of an option": lambda: key(options={"xla_backend_optimization_level": 3}),
    "array": lambda: key(jnp.zeros(3)),
    "shape": lambda: key(jnp.zeros(4)),
    "rank": lambda: key(jnp.zeros((3, 1))),
    "precision": lambda: key(jnp.zeros(3, jnp.float32)),
    "kind": lambda: key(jnp.zeros(3, int)),
    "weak type": lambda: key(jnp.asarray(1.0)),
    "strong type": lambda: key(jnp.zeros(())),
    "whole number": lambda: key(1),
    "number": lambda: key(1.0),
    "truth": lambda: key(True),
    "nothing given": lambda: key(None),
    "by name": lambda: key(n=1),
    "by another name": lambda: key(m=1),
    "in a tuple": lambda: key((1,)),
    "in a list": lambda: key([1]),
    "in a class": lambda: key(Point(jnp.zeros(3), jnp.zeros(3))),
    "a function of this package": lambda: key(traced),
    "another function of this package": lambda: key(program_key),
    "game": lambda: program_key(one, {}, ((traced(games.load("two-road-toll")),), {})),
}


def test_whatever_could_make_another_program_makes_another_key():
    keys = {name: make() for name, make in DIFFERENT.items()}
    assert len(set(keys.values())) == len(keys)
    assert {name: make() for name, make in DIFFERENT.items()} == keys


def test_what_a_users_game_does_is_a_part_of_the_key():
    def of(toll):
        return program_key(one, {}, ((traced(road(lambda self, s: toll * s)),), {}))

    assert of(0.25) == of(0.25)
    assert of(0.25) != of(0.5)


def test_the_sources_are_those_of_the_whole_package():
    assert Path(smfg_verify.__file__).parent == program_keys._PACKAGE


@pytest.mark.parametrize("part", ["_sources", "_processor"])
def test_sources_and_the_processor_are_parts_of_the_key(part, monkeypatch):
    before = key()
    monkeypatch.setattr(program_keys, part, lambda: "another")
    program_keys._environment.cache_clear()
    assert key() != before
    monkeypatch.undo()
    program_keys._environment.cache_clear()
    assert key() == before


def test_versions_flags_and_settings_are_parts_of_the_key(monkeypatch):
    before, version = key(), program_keys.metadata.version
    for name in ("jax", "jaxlib", "equinox", "numpy"):
        monkeypatch.setattr(program_keys.metadata, "version", lambda n, name=name: version(n) + "1" * (n == name))
        program_keys._environment.cache_clear()
        assert key() != before
    monkeypatch.undo()
    monkeypatch.setenv("XLA_FLAGS", os.environ.get("XLA_FLAGS", "") + " --xla_cpu_enable_fast_math=true")
    program_keys._environment.cache_clear()
    assert key() != before
    monkeypatch.undo()
    program_keys._environment.cache_clear()
    with jax.enable_x64(False):
        assert key() != before
    with jax.default_matmul_precision("bfloat16"):
        assert key() != before
    assert key() == before


def test_an_installed_library_that_changed_makes_another_key_of_a_game_that_may_call_it(tmp_path, monkeypatch):
    folder, users = tmp_path / "site-packages", traced(road(lambda self, s: s))
    folder.mkdir()
    (folder / "some_roads.py").write_text("TOLL = 1.0\n")

    def keys():
        return program_key(one, {}, ((users,), {})), key()

    before = keys()
    monkeypatch.syspath_prepend(str(folder))
    __import__("some_roads")
    with_library = keys()
    assert with_library[0] != before[0]
    (folder / "some_roads.py").write_text("TOLL = 2.00\n")
    assert keys()[0] not in (before[0], with_library[0])
    # The package's own games call none: what was imported in the meantime, by whomever, costs them no program.
    assert keys()[1] == with_library[1] == before[1]
    monkeypatch.delitem(sys.modules, "some_roads")
    assert keys() == before


class Asking(type(games.load("laffer-tax"))):
    def source_gap(self, mean_field, policy):
        return None


@dataclasses.dataclass(frozen=True)
class Mine:
    number: int = 1


def my_own(x):
    return x


@pytest.mark.parametrize("argument", [my_own, lambda x: x, Mine(), Mine, eqx.Partial(my_own)])
def test_an_argument_whose_meaning_a_key_cannot_tell_is_not_kept(argument):
    with pytest.raises(NotKept):
        key(argument)


def test_neither_is_a_game_that_asks_other_code_or_is_not_prepared():
    for game in (traced(Asking()), games.load("laffer-tax")):
        with pytest.raises(NotKept):
            program_key(one, {}, ((game,), {}))


@pytest.mark.slow
def test_another_process_finds_the_same_key():
    code = (
        "import jax; jax.config.update('jax_enable_x64', True); import jax.numpy as jnp\n"
        "from smfg_verify import games; from smfg_verify.game import traced\n"
        "from smfg_verify.exact.equilibrium.residual import Point, residual\n"
        "from smfg_verify.game.programs.program_keys import program_key\n"
        "point = Point(jnp.zeros(3), jnp.zeros(3))\n"
        "print(program_key(residual, {}, ((traced(games.load('laffer-tax')), point), {'most': 3, 'how': 'so'})))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
