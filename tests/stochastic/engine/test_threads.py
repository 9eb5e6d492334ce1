"""Compile, then threads: the first call alone, results in order, and the pool closed however the block ends."""

import threading
import time

import pytest

from smfg_verify import games
from smfg_verify.stochastic import ac_smfg
from smfg_verify.stochastic.engine.threads import CompiledThenThreads


def test_the_first_call_ends_before_any_other_begins_and_results_keep_their_order():
    running, seen = threading.Lock(), []

    def call(number, twice):
        if number == 0:
            with running:
                time.sleep(0.05)
                assert seen == []
        assert not (number > 0 and running.locked())
        seen.append(number)
        return number + twice

    with CompiledThenThreads(4) as threads:
        assert list(threads.map(call, range(9), range(0, 18, 2))) == [3 * k for k in range(9)]
        assert list(threads.map(call, [], [])) == []
    assert sorted(seen) == list(range(9))


def test_columns_of_different_lengths_are_refused():
    with CompiledThenThreads(2) as threads, pytest.raises(ValueError, match="zip"):
        list(threads.map(max, [1, 2], [3]))


@pytest.mark.parametrize("broken", [0, 3])
def test_an_error_is_raised_and_the_pool_is_closed(broken):
    def call(number):
        return 1 // (number - broken)

    with pytest.raises(ZeroDivisionError), CompiledThenThreads(2) as threads:
        list(threads.map(call, range(5)))
    with pytest.raises(RuntimeError, match="shutdown"):
        list(threads.map(call, [7, 8]))


def test_a_run_leaves_no_thread_behind():
    before = threading.active_count()
    ac_smfg(games.load("two-road-toll"), num_iterations=10, seeds=range(40))
    assert threading.active_count() == before
