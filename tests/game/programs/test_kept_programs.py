"""Programs that outlive their process: the same bits, not traced again, and never those of another game."""

import os
import pickle
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games, leader_objective, solve_equilibrium
from smfg_verify.errors import InputError
from smfg_verify.game import compiled_for_game, traced
from smfg_verify.game.programs import kept_programs, program_memory
from smfg_verify.game.programs.kept_programs import forget_programs, keep_programs
from smfg_verify.game.programs.program_store import ProgramStore
from tests.game.reach.roads import road

LOGITS = np.array([[0.3, -0.2]])


@pytest.fixture
def store(tmp_path, without_jaxs_cache):
    keep_programs(ProgramStore(tmp_path))
    yield tmp_path
    keep_programs(None)


def files(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_a_solve_has_the_same_bits_whether_its_program_was_compiled_kept_or_neither(tmp_path, without_jaxs_cache):
    game = games.load("two-road-toll")
    plain = solve_equilibrium(game, LOGITS)
    keep_programs(ProgramStore(tmp_path))
    try:
        compiled = solve_equilibrium(game, LOGITS)
        assert files(tmp_path)
        forget_programs()
        read = solve_equilibrium(game, LOGITS)
    finally:
        keep_programs(None)
    for found in (compiled, read):
        assert jax.tree.structure(found) == jax.tree.structure(plain)
        jax.tree.map(np.testing.assert_array_equal, found, plain)


@pytest.mark.slow
def test_kept_programs_are_dropped_with_the_others_where_maps_get_few(store, monkeypatch):
    game = games.load("two-road-toll")
    first = solve_equilibrium(game, LOGITS)
    held = len(kept_programs._PROGRAMS)
    assert held
    forget_programs()
    monkeypatch.setattr(program_memory, "max_maps", lambda: 1.0)
    monkeypatch.setattr(program_memory, "num_maps", lambda: 1000)
    again = solve_equilibrium(game, LOGITS)
    assert len(kept_programs._PROGRAMS) <= 1
    np.testing.assert_array_equal(again.mean_field, first.mean_field)


def test_what_is_read_is_not_traced_and_follows_its_numbers(store):
    traces = []

    @compiled_for_game
    def value(game, reward, *, times=1):
        traces.append(times)
        return {"value": times * reward / (1.0 - game.discount), "times": times, "nothing": None}

    def ask(discount, **named):
        return value(games.load("laffer-tax", discount=discount), jnp.asarray([1.0, 2.0]), **named)

    first = ask(0.5)
    np.testing.assert_allclose(first["value"], [2.0, 4.0])
    assert (first["times"], first["nothing"]) == (1, None)
    forget_programs()
    np.testing.assert_allclose(ask(0.75)["value"], [4.0, 8.0])
    assert traces == [1]
    np.testing.assert_allclose(ask(0.75, times=3)["value"], [12.0, 24.0])
    assert traces == [1, 3]
    assert ask(0.75, times=3.0)["times"] == 3.0
    assert len(files(store)) == 3


def test_a_game_that_does_something_else_gets_its_own_program(store):
    field = jnp.asarray([0.25, 0.75])
    for toll in (0.5, 1.5, 0.5):
        forget_programs()
        game = road(lambda self, s, toll=toll: toll * s)
        np.testing.assert_allclose(_reward(game, field), -0.75 - toll)


@compiled_for_game
def _reward(game, field):
    return game.follower_reward(1, 0, 0, field)


def test_a_game_that_changes_while_it_is_compiled_is_refused_and_not_kept(store):
    tolls = {"toll": 1.0}
    game = traced(road(lambda self, s: tolls["toll"] * s))

    @compiled_for_game
    def value(game):
        tolls["toll"] += 1.0
        return game.follower_reward(1, 0, 0, jnp.asarray([0.5, 0.5]))

    with pytest.raises(InputError, match="changed while value was being compiled"):
        value(game)
    assert files(store) == {}


def test_a_program_that_calls_the_host_is_not_kept(store):
    @compiled_for_game
    def value(game):
        return jax.pure_callback(lambda x: np.asarray(x) + 1.0, jax.ShapeDtypeStruct((), float), game.discount)

    game = games.load("laffer-tax", discount=0.5)
    assert float(value(game)) == 1.5
    forget_programs()
    assert float(value(game)) == 1.5
    assert files(store) == {}


def test_a_program_that_returns_a_game_is_not_kept_and_what_has_no_hash_is_refused_as_ever(store):
    game = traced(games.load("laffer-tax", discount=0.5))
    assert float(compiled_for_game(lambda game: game)(game).discount) == 0.5
    assert files(store) == {}
    with pytest.raises(TypeError, match="hash"):
        compiled_for_game(lambda game, x: game.discount)(game, {1, 2})


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps((b"no program", 1, 0)), pickle.dumps(None)])
def test_a_file_that_holds_no_program_is_replaced(content, store):
    game = games.load("laffer-tax", discount=0.5)

    def ask():
        forget_programs()
        return float(_gain(game))

    assert ask() == 2.0
    (name,) = files(store)
    key = name.partition(".")[0]
    ProgramStore(store).put(key, content)
    assert ask() == 2.0
    assert len(ProgramStore(store).get(key)) > 1000


@compiled_for_game
def _gain(game):
    return 1.0 / (1.0 - game.discount)


@pytest.mark.slow
def test_part_of_a_larger_program_and_under_derivatives_nothing_changes(store):
    game = games.load("two-road-toll")
    slope = jax.grad(lambda logits: leader_objective(game, logits, throw=False))(jnp.asarray(LOGITS))
    keep_programs(None)
    np.testing.assert_allclose(
        slope, jax.grad(lambda logits: leader_objective(game, logits, throw=False))(jnp.asarray(LOGITS)), rtol=1e-12
    )


def test_a_new_process_carries_out_what_it_never_traced(tmp_path):
    """Compiled code calls LAPACK through addresses that JAX looks up only when it lowers a program itself."""
    code = (
        "import jax, sys; jax.config.update('jax_enable_x64', True); import jax.numpy as jnp, pathlib\n"
        "from smfg_verify import games; from smfg_verify.game import compiled_for_game\n"
        "from smfg_verify.game.programs.kept_programs import keep_programs\n"
        "from smfg_verify.game.programs.program_store import ProgramStore\n"
        "keep_programs(ProgramStore(pathlib.Path(sys.argv[1])))\n"
        "def solution(game, matrix, right):\n"
        "    print('traced')\n"
        "    return jnp.linalg.solve(matrix, right)\n"
        "import smfg_verify.exact.kernel as room; solution.__module__ = room.__name__\n"
        "matrix = jnp.asarray([[2.0, 1.0], [0.0, 4.0]])\n"
        "print(compiled_for_game(solution)(games.load('laffer-tax'), matrix, jnp.asarray([4.0, 4.0])).tolist())"
    )
    own = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = [subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert said == ["traced\n[1.5, 1.0]\n", "[1.5, 1.0]\n"]


def test_where_jaxs_own_cache_is_on_no_program_is_kept(store, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "jax"))
    try:
        assert float(_gain(games.load("laffer-tax", discount=0.5))) == 2.0
    finally:
        jax.config.update("jax_compilation_cache_dir", None)
    assert not any(name.endswith(".program") for name in files(store))
