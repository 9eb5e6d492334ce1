"""A sweep on two workers of which one is killed (kill -9) in the middle of a run: its log, what was lost, what doubled.

Kills the worker that began the newest batch, once a third of the cells are there, so that it dies with cells in hand;
then counts, from the log and from the files: every cell finished once, every cell's file there, the same numbers as in
one process. Exit code 1 where that is not so.
"""

import argparse
import collections
import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from smfg_verify.sweep.dataset import open_dataset
from smfg_verify.sweep.store import Store

FILE = """
what = "run"
games = ["laffer-tax"]
seeds = 2
parameters = {{ discount = {{ low = 0.5, high = 0.95, points = {points} }} }}
run = {{ iterations = {iterations}, checkpoints = 4 }}
"""


def sweep(file: Path, out: Path, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "smfg_verify", "sweep", str(file), "--out", str(out), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def pid_at(address: str) -> int:
    """The process that listens at a worker's port, by the tables of the system."""
    port = f":{int(address.rpartition(':')[2]):04X}"
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inodes = {words[9] for words in lines if words[1].endswith(port) and words[3] == "0A"}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # another user's, or gone by now
            links = {os.readlink(link) for link in (entry / "fd").iterdir()}
            if any(f"socket:[{inode}]" in links for inode in inodes):
                return int(entry.name)
    raise RuntimeError(f"no process listens at {address}")


def killed_in_the_middle(running: subprocess.Popen, store: Store, cells: int) -> str:
    """Kill the worker with the newest batch in hand once so many cells are there; returns its address."""
    while len(list(store.directory.glob("cells/*/*.json"))) < cells:
        assert running.poll() is None, "the sweep ended before anyone was killed"
        time.sleep(0.02)
    entry = [entry for entry in store.attempts() if entry["event"] == "begun"][-1]
    os.kill(pid_at(str(entry["worker"])), signal.SIGKILL)
    return str(entry["worker"])


def show(store: Store, victim: str) -> None:
    """The log around the death: all lines of the dead worker, and every later one about its cells."""
    lines = store.attempts()
    lost = {key for entry in lines if entry["event"] == "lost" for key in entry["cells"]}
    counts = collections.Counter(str(entry["event"]) for entry in lines)
    print(f"{len(lines)} lines: " + ", ".join(f"{count} {event}" for event, count in counts.items()))
    for entry in lines:
        if entry["event"] == "lost" or lost & set(entry["cells"]):
            at = datetime.datetime.fromtimestamp(float(str(entry["time"])), datetime.UTC).strftime("%H:%M:%S.%f")[:-3]
            cells = ", ".join(f"{key[:8]} (attempt {number})" for key, number in entry["cells"].items())
            print(f"  {at} {entry['event']:<8} {entry['worker']}{' (killed)' * (entry['worker'] == victim)}: {cells}")


def judged(store: Store, out: Path, here: Path, cells: int) -> bool:
    """Whether every cell was finished once and has the numbers that it has in one process."""
    finished = collections.Counter(
        key for entry in store.attempts() if entry["event"] == "finished" for key in entry["cells"]
    )
    files = len(list(out.glob("cells/*/*.json")))
    lost, doubled = cells - len(finished), sum(count > 1 for count in finished.values())
    alone, there = (open_dataset(folder / "sweep.zarr") for folder in (here, out))
    names = [str(name) for name in alone.data_vars if not str(name).endswith(("_seconds", "_attempts"))]
    differ = [name for name in names if not alone[name].identical(there[name])]
    print(f"{cells} cells, {files} files, {lost} lost, {doubled} finished twice; ", end="")
    print(f"{len(names)} variables beside one process: {', '.join(differ) or 'none'} differ in a bit")
    return files == cells and not lost and not doubled and not differ


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=24, help="of the discount; two seeds each")
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    cells = 2 * arguments.points
    with tempfile.TemporaryDirectory() as folder:
        file, out, here = (Path(folder) / name for name in ("faults.toml", "two", "one"))
        file.write_text(FILE.format(points=arguments.points, iterations=arguments.iterations))
        store = Store(out)
        running = sweep(file, out, "--workers", "2")
        try:
            victim = killed_in_the_middle(running, store, cells // 3)
        except BaseException:
            running.terminate()
            raise
        assert running.wait() == 0
        assert sweep(file, here).wait() == 0
        show(store, victim)
        passed = judged(store, out, here, cells)
        if arguments.out is not None:
            record = {"cells": cells, "killed": victim, "passed": passed, "log": store.attempts()}
            arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
