"""The command on two workers: stopped by Ctrl-C, gone on with, a worker killed from outside; the same at the end."""

import os
import signal
import subprocess
import sys
import time

import pytest

from smfg_verify.cli import main
from smfg_verify.sweep.dataset import open_dataset
from smfg_verify.sweep.store import Store

FILE = """
what = "run"
games = ["laffer-tax"]
seeds = 2
parameters = { discount = { low = 0.5, high = 0.95, points = 24 } }
run = { iterations = 100_000, checkpoints = 4 }
"""


def command(file, out, *words):
    """The command in a group of processes of its own, as a terminal has it."""
    line = [sys.executable, "-m", "smfg_verify", "sweep", str(file), "--out", str(out), *words]
    return subprocess.Popen(line, start_new_session=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def wait_for(out, cells):
    end = time.monotonic() + 200.0
    while len(list(out.glob("cells/*/*.json"))) < cells:
        assert time.monotonic() < end
        time.sleep(0.05)


def workers_of(process):
    """Process numbers of the workers, the oldest first: what multiprocessing spawned for the command."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline") as file:
                    words = file.read()
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == process.pid and "spawn_main" in words:
                found.append(int(entry))
    return sorted(found)


@pytest.mark.untyped
@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for the workers in /proc")
def test_ctrl_c_and_kill_9_lose_nothing_and_double_nothing(tmp_path):
    file, out = tmp_path / "sweep.toml", tmp_path / "out"
    file.write_text(FILE)
    stopped = command(file, out, "--workers", "2")
    wait_for(out, 8)
    os.killpg(stopped.pid, signal.SIGINT)
    said = stopped.communicate(timeout=60)[1]
    assert stopped.returncode == 130
    assert "the same command goes on" in said.splitlines()[-1]
    assert "Traceback" not in said
    kept = {path: path.read_bytes() for path in out.glob("cells/*/*.json")}
    going_on = command(file, out, "--workers", "2")
    wait_for(out, len(kept) + 4)
    os.kill(workers_of(going_on)[0], signal.SIGKILL)
    said = going_on.communicate(timeout=300)[1]
    assert going_on.returncode == 0, said
    assert "died with" in said
    finished = [key for entry in Store(out).attempts() if entry["event"] == "finished" for key in entry["cells"]]
    assert len(finished) == len(set(finished))  # an interruption between a file and its line leaves the file alone
    assert len(list(out.glob("cells/*/*.json"))) == 48
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert main(["sweep", str(file), "--out", str(tmp_path / "here")]) == 0
    here, there = (open_dataset(folder / "sweep.zarr") for folder in (tmp_path / "here", out))
    for name in here.data_vars:
        if not str(name).endswith(("_seconds", "_attempts")):
            assert here[name].identical(there[name]), name
