"""Residuals are evaluated in pieces: the peak memory is set by the game, not by the number of points."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import resource, sys
import jax
jax.config.update("jax_enable_x64", True)
from smfg_verify import games
from smfg_verify.bounds import exact_residuals
from smfg_verify.stochastic import ac_smfg
game = games.load("random-game", num_states=int(sys.argv[1]))
for checkpoints in map(int, sys.argv[2:]):
    trace = ac_smfg(game, num_iterations=500, seeds=range(8), checkpoints=range(checkpoints))
    found = exact_residuals(game, trace)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(found.num_points, found.num_not_converged, peak)
"""


def peaks(num_states: int, *checkpoints: int) -> list[tuple[int, int, float]]:
    """Points, points without an equilibrium, and the peak so far in MiB, after each run."""
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, *map(str, (num_states, *checkpoints))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
    return [(int(a), int(b), float(c)) for a, b, c in map(str.split, done.stdout.splitlines())]


@pytest.mark.slow
def test_ten_times_the_points_take_no_more_memory():
    # One table of tangents of this game is 0.4 MiB, so that another 416 points at once would take 170 MiB a table.
    (few, failed, before), (many, failed_too, after) = peaks(24, 16, 68)
    assert [few, many, failed, failed_too] == [136, 552, 0, 0]
    assert after < before + 100.0


@pytest.mark.slow
def test_two_hundred_states_stay_under_four_gibibytes():
    ((number, failed, peak),) = peaks(200, 2)
    assert [number, failed] == [24, 0]
    assert peak < 4096.0
