"""Programs are dropped before the system refuses their memory, and compiled again where they are needed again."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games, leader_objective, solve_equilibrium
from smfg_verify.game.programs import program_memory
from smfg_verify.game.programs.program_memory import drop_programs_if_many, max_maps, num_maps

# Of sizes that no other test of the folder has, so that its programs are new ones.
GAME = games.load("two-road-toll", tolls=((0.0, 0.0), (0.5, 0.0), (0.1, 0.3), (0.2, 0.2), (0.3, 0.1)))
LOGITS = np.zeros((1, 5))
KNOWN = pytest.mark.skipif(num_maps() == 0, reason="this system does not tell the memory maps of a process")


@pytest.fixture
def few(monkeypatch):
    """A system that gives a process hardly more than it has."""
    gc.collect()  # what other tests left behind would be given back while this one runs
    limit = 1.5 * num_maps()
    monkeypatch.setattr(program_memory, "max_maps", lambda: limit)


@pytest.mark.slow
@KNOWN
def test_the_solver_of_a_new_program_drops_what_is_too_many_and_finds_the_same_again(few):
    before = num_maps()
    plain = jax.jit(lambda x: jnp.sin(x) + 1.0)
    plain(jnp.ones(3))
    found = solve_equilibrium(GAME, LOGITS)
    assert plain._cache_size() == 0
    assert num_maps() <= before + 200
    again = solve_equilibrium(GAME, LOGITS)
    np.testing.assert_array_equal(again.mean_field, found.mean_field)


@pytest.mark.slow
@KNOWN
def test_a_program_that_is_being_traced_keeps_its_parts(few):
    seen = []

    @jax.jit
    def value(logits):
        seen.append(drop_programs_if_many())
        return leader_objective(GAME, logits, throw=False)

    result = value(jnp.asarray(LOGITS))
    assert seen == [False]
    assert float(result) == pytest.approx(float(leader_objective(GAME, LOGITS)), rel=1e-12)


def test_with_maps_to_spare_nothing_is_dropped(monkeypatch):
    monkeypatch.setattr(program_memory, "max_maps", lambda: 1e9)
    assert not drop_programs_if_many()


def test_a_system_that_does_not_tell_has_no_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(program_memory, "_MAPS", tmp_path / "none")
    monkeypatch.setattr(program_memory, "_LIMIT", tmp_path / "none")
    assert num_maps() == 0
    assert max_maps() == float("inf")
    assert not drop_programs_if_many()
