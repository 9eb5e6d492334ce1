"""Interrupted runs: by an exception, by SIGINT and by SIGKILL, each resumed to the bits of an uninterrupted run."""

import os
import signal
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.stochastic import Schedule, Trace, ac_smfg, resume
from tests.stochastic.games_for_runs import array_game, assert_same_bits
from tests.support.processes import interruptible

SEEDS = range(35)
SCHEDULE = {"leader": 0.1, "mean_field": 0.3, "follower": 0.7, "critic": 1.1}


class Interrupted(Exception):
    pass


def interrupt_after(iteration, error=Interrupted):
    def callback(done):
        if done >= iteration:
            raise error

    return callback


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sampling", "error"),
    [
        ("market-entrance", "markov", KeyboardInterrupt),
        pytest.param("laffer-tax", "iid", Interrupted, marks=pytest.mark.slow),
    ],
)
def test_a_run_interrupted_twice_ends_on_the_same_bits(name, sampling, error, tmp_path, monkeypatch):
    monkeypatch.setattr("smfg_verify.stochastic.engine.run._FIRST_CHUNK", 20)
    monkeypatch.setattr("smfg_verify.stochastic.engine.run._CHUNK_SECONDS", 1e-3)
    game, file = games.load(name), tmp_path / "run.nc"
    arguments = {"num_iterations": 300, "seeds": SEEDS, "schedule": Schedule(**SCHEDULE), "sampling": sampling}
    whole = ac_smfg(game, **arguments)
    with pytest.raises(error):
        ac_smfg(game, checkpoint_file=file, callback=interrupt_after(80, error), **arguments)
    partial = Trace.load(file)
    assert not partial.complete
    assert 20 < partial.iterations[-1] < 300
    with pytest.raises(error):
        resume(game, file, callback=interrupt_after(160, error))
    assert partial.iterations[-1] < Trace.load(file).iterations[-1] < 300
    assert_same_bits(resume(game, file), whole)
    assert_same_bits(Trace.load(file), whole)
    assert Trace.load(file).complete
    assert_same_bits(resume(game, file), whole)
    assert [path.name for path in tmp_path.iterdir()] == ["run.nc"]


def test_a_crash_before_the_first_chunk_is_resumed_from_the_start(tmp_path, monkeypatch):
    game, file = games.load("market-entrance"), tmp_path / "run.nc"
    with monkeypatch.context() as patch:
        patch.setattr("smfg_verify.stochastic.engine.run.Run.advance_to", lambda *_: interrupt_after(0)(0))
        with pytest.raises(Interrupted):
            ac_smfg(game, num_iterations=200, seeds=SEEDS, checkpoint_file=file)
    assert Trace.load(file).iterations.tolist() == [0]
    assert_same_bits(resume(game, file), ac_smfg(game, num_iterations=200, seeds=SEEDS))


SCRIPT = """
import sys
import jax
jax.config.update("jax_enable_x64", True)
from smfg_verify import games
from smfg_verify.stochastic import ac_smfg
from smfg_verify.stochastic.engine import run
run._CHUNK_SECONDS = 0.05
run._SAVE_SECONDS = 0.2
ac_smfg(games.load("market-entrance"), num_iterations=int(sys.argv[2]), seeds=range(3), checkpoint_file=sys.argv[1],
        callback=lambda done: print(done, flush=True))
"""
ROOT = Path(__file__).parents[3]


def run_until(file, iteration, stop_with):
    """Start a run without end in another process, and send it a signal once it is past an iteration and has saved."""
    command = [sys.executable, "-c", SCRIPT, str(file), str(2_000_000_000)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with interruptible(command, env=environment) as process:
        for line in process.stdout:
            if int(line) >= iteration:
                break
        if stop_with == signal.SIGKILL:
            time.sleep(1.0)
        begun = time.monotonic()
        process.send_signal(stop_with)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors, time.monotonic() - begun


@pytest.mark.untyped
@pytest.mark.parametrize("stop_with", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
def test_a_killed_process_leaves_a_file_that_resumes_to_the_same_bits(stop_with, tmp_path, monkeypatch):
    file = tmp_path / "run.nc"
    returncode, errors, seconds = run_until(file, 2000, stop_with)
    assert returncode != 0
    if stop_with == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
        assert seconds < 10.0
    saved = Trace.load(file)
    reached = int(saved.iterations[-1])
    assert 1 <= reached < 2_000_000_000
    game = games.load("market-entrance")
    with pytest.raises(Interrupted):
        resume(game, file, callback=interrupt_after(max(5000, 2 * reached)))
    resumed = Trace.load(file)
    last = int(resumed.iterations[-1])
    assert last > reached
    fresh = ac_smfg(game, num_iterations=last, seeds=range(3), checkpoints=resumed.iterations)
    for name in ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(fresh, name))


def test_a_run_begun_before_its_bits_changed_is_refused_in_one_line(tmp_path):
    """Schema 2: runs side by side, in another rounding and without the scale of the mean field."""
    game, file = games.load("market-entrance"), tmp_path / "run.nc"
    ac_smfg(game, num_iterations=20, seeds=[0], checkpoint_file=file)
    with h5py.File(file, "a") as older:
        older.attrs["schema_version"] = 2
    before = file.read_bytes()
    for read in (lambda: resume(game, file), lambda: Trace.load(file)):
        with pytest.raises(
            ValueError, match=r"got schema version 2, expected 3.*[Rr]ead it with that version"
        ) as refusal:
            read()
        assert "\n" not in str(refusal.value)
    assert file.read_bytes() == before


def test_another_game_file_or_precision_is_refused(tmp_path):
    import jax

    file = tmp_path / "run.nc"
    _, game = array_game(0)
    trace = ac_smfg(game, num_iterations=20, seeds=[0], checkpoint_file=file)
    for other in (array_game(0, gamma=0.8)[1], array_game(0, observations=2)[1], games.load("market-entrance")):
        with pytest.raises(ValueError, match="another game"):
            resume(other, file)
    with pytest.raises(ValueError, match=r"exists; resume\(game, checkpoint_file\)"):
        ac_smfg(game, num_iterations=20, seeds=[0], checkpoint_file=file)
    with pytest.raises(ValueError, match="does not exist"):
        resume(game, tmp_path / "other.nc")
    with pytest.raises(ValueError, match="directory does not exist"):
        ac_smfg(game, num_iterations=20, seeds=[0], checkpoint_file=tmp_path / "missing" / "run.nc")
    trace.save(tmp_path / "trace.nc")
    with pytest.raises(ValueError, match=r"written by Trace\.save"):
        resume(game, tmp_path / "trace.nc")
    market, single = games.load("market-entrance"), tmp_path / "single.nc"
    with jax.enable_x64(False):
        ac_smfg(games.load("market-entrance"), num_iterations=20, seeds=[0], checkpoint_file=single)
    with pytest.raises(ValueError, match="is in float32"):
        resume(market, single)
