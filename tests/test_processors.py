"""How many processors a process uses: what it is told, what the system lets it; and a run's bits at any number."""

import os
import subprocess
import sys

import numpy as np
import pytest

from smfg_verify import ac_smfg, games
from smfg_verify.errors import InputError
from smfg_verify.processors import VARIABLE, allowed, processors, share, take, taken

# In turn and side by side: digests of every array of two runs.
RUNS = """
import hashlib
import jax
jax.config.update("jax_enable_x64", True)
from smfg_verify import ac_smfg, games
for sampling in ("markov", "iid"):
    trace = ac_smfg(games.load("two-road-toll"), num_iterations=300, seeds=range(37), sampling=sampling, checkpoints=3)
    arrays = (trace.leader_logits, trace.follower_logits, trace.leader_critic, trace.follower_critic, trace.mean_field)
    print(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
print(sum(open(f"/proc/self/task/{task}/comm").read().startswith("tf_XLAEigen")
          for task in __import__("os").listdir("/proc/self/task")))
"""

# The first module, if any, that has JAX look for its devices.
LOADED = """
import contextlib, importlib, pkgutil
import jax._src.xla_bridge
import smfg_verify
for module in pkgutil.walk_packages(smfg_verify.__path__, "smfg_verify."):
    if not module.name.endswith("__main__") and not jax._src.xla_bridge._backends:
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)
        if jax._src.xla_bridge._backends:
            print(module.name)
"""


def test_what_is_said_comes_before_what_is_allowed_and_shares_never_exceed_the_whole(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert processors() == allowed() >= 1
    for whole in (1, 2, 5, 64):
        with taken(whole):
            assert processors() == whole
            for workers in (1, 2, 3, 64, 65):
                assert share(workers) >= 1
                assert share(workers) * workers <= max(whole, workers)
                assert (share(workers) + 1) * workers > whole
    assert VARIABLE not in os.environ


def test_a_share_that_is_taken_for_a_block_is_given_back_however_it_ends(monkeypatch):
    monkeypatch.setenv(VARIABLE, "7")
    with pytest.raises(ZeroDivisionError), taken(3):
        1 // (processors() - 3)
    assert processors() == 7
    with taken(None):
        assert processors() == 7
    take(2)
    assert processors() == 2


@pytest.mark.parametrize("said", ["0", "-1", "two", "1.5", " "])
def test_what_is_no_number_of_processors_is_refused(said, monkeypatch):
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(InputError, match=f"{VARIABLE}: got"):
        processors()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no way to leave out processors")
def test_processors_that_the_system_leaves_out_are_not_counted(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert processors() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_the_groups_of_a_run_change_no_bit():
    """One thread has one group of seeds, three have three; a share is taken in the middle of a process too."""
    found = {}
    for number in (1, 3):
        with taken(number):
            found[number] = ac_smfg(games.load("laffer-tax"), num_iterations=200, seeds=range(7), checkpoints=3)
    for name in ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field"):
        np.testing.assert_array_equal(getattr(found[1], name), getattr(found[3], name))


@pytest.mark.slow
@pytest.mark.untyped
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for threads in /proc")
def test_the_threads_of_the_compiler_change_no_bit_and_are_as_many_as_were_said():
    """JAX makes its pool once, so each number is a process of its own."""
    found = {}
    for number in (1, 2):
        environment = {**os.environ, VARIABLE: str(number)}
        done = subprocess.run([sys.executable, "-c", RUNS], env=environment, capture_output=True, text=True, check=True)
        *found[number], threads = done.stdout.split()
        assert int(threads) == number
    assert found[1] == found[2]
    assert len(set(found[1])) == 2


@pytest.mark.untyped
def test_no_module_makes_an_array_as_it_is_loaded():
    """The first array fixes how many threads JAX has: a worker is told its share after it has loaded the package."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
