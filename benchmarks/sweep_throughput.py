"""Cells a second of a sweep on one worker process and on two, both on this machine.

Cells of two kinds: such that sleep, whose ratio is what handing out and keeping cells costs, and runs of AC-SMFG, whose
ratio is that and what two processes leave each other of the processors. Seconds of processor a cell are printed too;
they tell a machine that others use (fewer cells a second, the same seconds) from workers in each other's way. Counted
from the moment at which every worker has brought back its first batch (compiled programs) to the last cell; the whole,
with the start of the cluster, beside.
"""

import argparse
import dataclasses
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries, Record
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.cluster import OnCluster
from smfg_verify.sweep.conduct import How, conduct
from smfg_verify.sweep.kinds.kind import KINDS, Seeds, Variable, register
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.settings import settings_of
from smfg_verify.sweep.store import Store


def _sleep(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    time.sleep(settings["seconds"])
    return [Outcome(CellStatus.DONE, values={"cpu": 0.0})]


def _timed_run(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    """A bundle of runs, each with its share of the seconds of processor."""
    begun = time.process_time()
    found = KINDS["run"].compute(game, settings, seeds)
    share = (time.process_time() - begun) / len(seeds)
    return [dataclasses.replace(outcome, values={"cpu": share}, labels={}) for outcome in found]


def know_kinds() -> None:
    """What every worker is prepared by; these kinds of cells are none of the package's."""
    jax.config.update("jax_enable_x64", True)
    if "sleep" in KINDS:
        return
    sleep = dataclasses.replace(
        KINDS["solve"],
        name="sleep",
        table="sleep",
        options=("seconds",),
        settings=dict,
        variables={"cpu": Variable("time of the processor", "s")},
        compute=_sleep,
    )
    register(sleep)
    register(dataclasses.replace(KINDS["run"], name="timed", variables=sleep.variables, compute=_timed_run))


def designs(cells: int, seconds: float, iterations: int) -> dict[str, Record]:
    """The sweeps by name, as files have them."""
    games = {"games": ["laffer-tax"], "parameters": {"discount": {"low": 0.5, "high": 0.95, "points": cells}}}
    return {
        f"cells that sleep {seconds:g} s": {"what": "sleep", **games, "sleep": {"seconds": seconds}},
        f"runs of {iterations:,} iterations": {
            "what": "timed",
            "seeds": 2,
            **games,
            "run": {"iterations": iterations, "checkpoints": 8},
        },
    }


class Measured(NamedTuple):
    """Cells a second once all workers are warm, median seconds of processor a cell, and seconds of the whole."""

    rate: float
    cpu: float
    whole: float


def measured(tables: Record, workers: int) -> Measured:
    """One sweep on so many workers, into a folder that is thrown away."""
    plan = make_plan(settings_of(tables, Path()))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        swept = conduct(plan, Path(folder), How(OnCluster("", workers, know_kinds)), say=lambda line: None)
        whole = time.perf_counter() - begun
        ends = [entry for entry in Store(Path(folder)).attempts() if entry["event"] == "finished"]
    first = {entry["worker"]: float(str(entry["time"])) for entry in reversed(ends)}
    assert len(first) == workers, "a worker computed nothing"
    warm, last = max(first.values()), float(str(ends[-1]["time"]))
    counted = sum(len(entry["cells"]) for entry in ends if float(str(entry["time"])) > warm)  # type: ignore[arg-type]
    cpu = np.median([float(record.outcome.values["cpu"]) for record in swept.records.values()])
    return Measured(counted / (last - warm), float(cpu), whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    know_kinds()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f} before anything began", flush=True)
    for name, tables in designs(arguments.cells, arguments.seconds, arguments.iterations).items():
        for _ in range(arguments.repeats):
            one, two = measured(tables, 1), measured(tables, 2)
            ratio = two.rate / one.rate
            print(f"{name}: one worker {one.rate:.2f} cells/s, two {two.rate:.2f}, {ratio:.2f} times")
            print(
                f"  seconds of processor a cell {one.cpu:.3f}, {two.cpu:.3f}; whole {one.whole:.1f}, {two.whole:.1f} s"
            )


if __name__ == "__main__":
    from benchmarks import sweep_throughput  # by its name, under which workers find it too

    sweep_throughput.main()
