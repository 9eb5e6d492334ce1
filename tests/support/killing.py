"""Kill a command of the command line again and again, each time going on with --resume, and compare what comes out.

`python -m tests.support.killing NAME KILLS FOLDER` prints counts as JSON. Everything is imported once and then forked,
before JAX has started any thread, so that kills fall on the work and not on imports.
"""

import importlib
import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import jax
import numpy as np

from smfg_verify.cli import main
from tests.support.results import COMMANDS, assert_same_results, assert_whole


def forked(arguments, log, kill_after=None):
    """Exit code of a command in a child process (-9 if it was killed), what it said, and its seconds."""
    begun = time.monotonic()
    with warnings.catch_warnings(action="ignore"):  # JAX warns of its threads, of which there are none yet
        child = os.fork()
    if child == 0:
        for stream, path in ((1, os.devnull), (2, log)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        os._exit(main(arguments))
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), Path(log).read_text(), time.monotonic() - begun
        if kill_after is not None and time.monotonic() - begun > kill_after:
            os.kill(child, signal.SIGKILL)
            kill_after = None
        time.sleep(0.002)


def kill_again_and_again(name, kills, folder):
    """Counts of what happened; an assertion fails where a file is not whole or a result is another."""
    log, reference = folder / "log", folder / "reference"
    for out in (reference, folder / "again"):  # what is compiled is cached by the second time
        code, said, seconds = forked([*COMMANDS[name], "--out", str(out)], log)
        assert code == 0, said
    random = np.random.default_rng(sum(map(ord, name)))
    counts = {"seconds": round(seconds, 1), "killed": 0, "came to the same result": 0}
    counts |= {"resumed runs": 0, "of them said that they start again": 0}
    number, fresh = 0, True
    while counts["killed"] < kills or not fresh:
        out = folder / f"out-{number}"
        moment = random.uniform(0.0, seconds) if counts["killed"] < kills else None
        more = [] if fresh else ["--resume"]
        code, said, _ = forked([*COMMANDS[name], "--out", str(out), *more], log, moment)
        assert code in (0, -9), said
        counts["resumed runs"] += not fresh
        counts["of them said that they start again"] += not fresh and "starts again" in said
        if code == -9:
            counts["killed"] += 1
            print(counts, file=sys.stderr, flush=True)
            fresh = False
            assert_whole(out)
            continue
        assert_same_results(out, reference)
        counts["came to the same result"] += not fresh
        number, fresh = number + 1, True
    return counts


def import_what_starts_no_thread():
    # Not the methods to compare: they are arrays, and those start JAX.
    for name in ("jobs.pipeline", "report.show", "jobs.atlas", "jobs.plan", "jobs.drift", "jobs.lab"):
        importlib.import_module(f"smfg_verify.{name}")
    for name in ("xarray", "h5netcdf", "cvxpy", "matplotlib.backends.backend_svg"):
        importlib.import_module(name)
    assert not jax._src.xla_bridge._backends


if __name__ == "__main__":
    import_what_starts_no_thread()
    print(json.dumps(kill_again_and_again(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
