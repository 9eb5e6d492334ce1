"""Programs made ahead: made once whoever asks, carried out by nobody but who asks, never a reason to fail or differ."""

import threading

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games, solve_equilibrium
from smfg_verify.game import compiled_for_game, traced
from smfg_verify.game.programs import kept_programs, making_ahead
from smfg_verify.game.programs.kept_programs import keep_programs
from smfg_verify.game.programs.program_store import ProgramStore

TAXED = games.load("laffer-tax", discount=0.5)


@pytest.fixture
def store(tmp_path, monkeypatch, without_jaxs_cache):
    monkeypatch.setattr(making_ahead, "processors", lambda: 2)
    keep_programs(ProgramStore(tmp_path))
    yield tmp_path
    keep_programs(None)


def counted():
    """A program of a game, and the threads that traced it, one for each time."""
    traces = []

    @compiled_for_game
    def value(game, reward):
        traces.append(threading.current_thread())
        return reward / (1.0 - game.discount)

    return value, traces


def made(*calls):
    """Until all of them were tried."""
    tried = threading.Event()
    with making_ahead.making_ahead([*calls, tried.set]):
        assert tried.wait(60.0)


@pytest.mark.parametrize("calls", [1, 2, 5])
def test_what_is_made_ahead_is_made_once_and_what_it_gives_is_what_it_gives(store, calls):
    value, traces = counted()
    beyond = []

    def ask():
        beyond.append(value(TAXED, jnp.asarray(1.0)))

    with making_ahead.making_ahead([ask] * calls):
        found = [float(value(TAXED, jnp.asarray(reward))) for reward in (1.0, 3.0)]
    assert found == [2.0, 6.0]
    assert len(traces) == 1
    assert beyond == []  # a call ends where its program would be carried out
    made(ask)
    assert len(traces) == 1


def test_who_asks_while_it_is_made_waits_for_it(store):
    began, may_end = threading.Event(), threading.Event()
    traces = []

    @compiled_for_game
    def value(game, reward):
        traces.append(threading.current_thread())
        began.set()
        assert may_end.wait(60.0)
        return reward / (1.0 - game.discount)

    with making_ahead.making_ahead([lambda: value(TAXED, jnp.asarray(1.0))]):
        assert began.wait(60.0)
        threading.Timer(0.2, may_end.set).start()
        assert float(value(TAXED, jnp.asarray(4.0))) == 8.0
    assert len(traces) == 1
    assert traces[0] is not threading.current_thread()


def test_what_fails_ahead_fails_once_more_for_who_asks_or_is_made_there(store):
    failures = []

    @compiled_for_game
    def value(game, reward):
        if threading.current_thread() is not threading.main_thread() or reward.shape == (2,):
            failures.append(reward.shape)
            raise RuntimeError("the game's own fault")
        return reward / (1.0 - game.discount)

    made(lambda: value(TAXED, jnp.asarray(1.0)), lambda: value(TAXED, jnp.ones(2)), lambda: 1 / 0)
    assert sorted(failures) == [(), (2,)]
    assert float(value(TAXED, jnp.asarray(1.0))) == 2.0
    with pytest.raises(RuntimeError, match="own fault"):
        value(TAXED, jnp.ones(2))


def test_who_waits_for_one_that_fails_makes_it(store):
    began, may_fail = threading.Event(), threading.Event()

    @compiled_for_game
    def value(game, reward):
        if threading.current_thread() is not threading.main_thread():
            began.set()
            assert may_fail.wait(60.0)
            raise MemoryError
        return reward / (1.0 - game.discount)

    with making_ahead.making_ahead([lambda: value(TAXED, jnp.asarray(1.0))]):
        assert began.wait(60.0)
        threading.Timer(0.2, may_fail.set).start()
        assert float(value(TAXED, jnp.asarray(4.0))) == 8.0


def test_an_end_begins_nothing_more_and_an_error_in_the_block_is_its_own(store):
    began, may_end, late = threading.Event(), threading.Event(), []

    def hold():
        began.set()
        may_end.wait(60.0)

    def leave():
        with making_ahead.making_ahead([hold, hold, lambda: late.append(1)]):
            assert began.wait(60.0)
            threading.Timer(0.2, may_end.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert late == []
    assert not making_ahead.is_ahead()


@pytest.mark.parametrize("cores", [1, 2])
def test_a_solve_made_ahead_has_the_same_bits_and_one_core_makes_nothing(store, monkeypatch, cores):
    monkeypatch.setattr(making_ahead, "processors", lambda: cores)
    game = traced(games.load("two-road-toll"))
    with making_ahead.making_ahead([lambda: solve_equilibrium(game, np.zeros((1, 2)))]):
        found = solve_equilibrium(game, np.array([[0.3, -0.2]]))
    keep_programs(None)
    plain = solve_equilibrium(game, np.array([[0.3, -0.2]]))
    np.testing.assert_array_equal(found.mean_field, plain.mean_field)
    np.testing.assert_array_equal(found.error_bound, plain.error_bound)


def test_where_nothing_is_kept_a_call_ahead_is_no_different(without_jaxs_cache):
    value, traces = counted()
    assert not kept_programs.is_keeping()
    assert float(value(TAXED, jnp.asarray(1.0))) == 2.0
    assert len(traces) == 1
