"""Cells a second of a sweep on one worker process and on two, both on this machine.

Cells of four kinds: such that sleep, whose ratio is what handing out and keeping cells costs, and runs, solves and
quick checks. A worker has the threads that each of two would have (`--threads-per-worker`), so that one and two of them
are the same thing once and twice; one worker with all threads stands beside. Seconds of processor a cell tell a machine
that others use (fewer cells a second, the same seconds) from workers in each other's way. Counted from the moment at
which every worker has brought back its first batch (compiled programs) to the last cell; the whole, with the start of
the cluster, beside.
"""

import argparse
import dataclasses
import json
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from smfg_verify.game import AbstractGame
from smfg_verify.processors import processors, share
from smfg_verify.records.entries import Entries, Record
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.cluster import OnCluster
from smfg_verify.sweep.conduct import How, conduct
from smfg_verify.sweep.kinds.kind import KINDS, Compute, Seeds, Variable, register
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.settings import settings_of
from smfg_verify.sweep.store import Store

TIMED = ("run", "solve", "check")
_CPU = {"cpu": Variable("time of the processor", "s")}


def _sleep(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    time.sleep(settings["seconds"])
    return [Outcome(CellStatus.DONE, values={"cpu": 0.0})]


def _timed(kind: str) -> Compute:
    """The cells of a kind, each with its share of the seconds of processor in place of its numbers."""

    def compute(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
        begun = time.process_time()
        found = KINDS[kind].compute(game, settings, seeds)
        taken = (time.process_time() - begun) / len(found)
        return [dataclasses.replace(outcome, values={"cpu": taken}, labels={}) for outcome in found]

    return compute


def know_kinds() -> None:
    """What every worker is prepared by; these kinds of cells are none of the package's."""
    jax.config.update("jax_enable_x64", True)
    if "sleep" in KINDS:
        return
    own = {"table": "sleep", "options": ("seconds",), "settings": dict, "variables": _CPU}
    register(dataclasses.replace(KINDS["solve"], name="sleep", compute=_sleep, **own))
    for kind in TIMED:
        register(dataclasses.replace(KINDS[kind], name=f"timed-{kind}", variables=_CPU, compute=_timed(kind)))


def designs(cells: int, seconds: float, iterations: int) -> dict[str, Record]:
    """The sweeps by name, as files have them."""

    def over_discounts(points: int, what: str, **more: object) -> Record:
        discounts = {"low": 0.5, "high": 0.95, "points": points}
        return {"what": what, "games": ["laffer-tax"], "parameters": {"discount": discounts}, **more}

    run = {"iterations": iterations, "checkpoints": 8}
    return {
        f"cells that sleep {seconds:g} s": over_discounts(cells, "sleep", sleep={"seconds": seconds}),
        f"runs of {iterations:,} iterations": over_discounts(cells, "timed-run", seeds=2, run=run),
        "solves": over_discounts(20 * cells, "timed-solve"),
        "quick checks": over_discounts(cells, "timed-check", check={"budget": "quick"}),
    }


class Measured(NamedTuple):
    """Cells a second once all workers are warm, median seconds of processor a cell, and seconds of the whole."""

    rate: float
    cpu: float
    whole: float


def measured(tables: Record, workers: int, threads: int) -> Measured:
    """One sweep on so many workers of so many threads, into a folder that is thrown away."""
    plan = make_plan(settings_of(tables, Path()))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        how = How(OnCluster("", workers, know_kinds, threads))
        swept = conduct(plan, Path(folder), how, say=lambda line: None)
        whole = time.perf_counter() - begun
        ends = [entry for entry in Store(Path(folder)).attempts() if entry["event"] == "finished"]
    first = {entry["worker"]: float(str(entry["time"])) for entry in reversed(ends)}
    assert len(first) == workers, "a worker computed nothing"
    warm, last = max(first.values()), float(str(ends[-1]["time"]))
    if last <= warm:
        raise SystemExit(f"{workers} workers: the last one began as the cells ended; give more --cells.")
    counted = sum(len(entry["cells"]) for entry in ends if float(str(entry["time"])) > warm)  # type: ignore[arg-type]
    cpu = np.median([float(record.outcome.values["cpu"]) for record in swept.records.values()])
    return Measured(counted / (last - warm), float(cpu), whole)


def compared(name: str, tables: Record, repeats: int) -> dict[str, object]:
    """One worker, one with all threads, and two, in turns; ratios are medians over the turns."""
    each = share(2)
    ways = {"one": (1, each), "one with all threads": (1, processors()), "two": (2, each)}
    turns = [{way: measured(tables, *numbers) for way, numbers in ways.items()} for _ in range(repeats)]
    ratios = {way: [turn["two"].rate / turn[way].rate for turn in turns] for way in ways}
    print(f"{name}: {each} thread a worker; two workers over one {_spread(ratios['one'])}, ", end="")
    print(f"over one with all {processors()} threads {_spread(ratios['one with all threads'])}")
    for way in ways:
        rate, cpu, whole = np.median([turn[way] for turn in turns], axis=0)
        print(f"  {way}: {rate:.2f} cells/s, {cpu:.4f} s of processor a cell, whole {whole:.1f} s", flush=True)
    return {"ratios": ratios, "turns": [{way: found._asdict() for way, found in turn.items()} for turn in turns]}


def _spread(values: list[float]) -> str:
    return f"{np.median(values):.2f} times ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[""], help="sweeps with one of these words in their name")
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    know_kinds()
    print(f"{processors()} processors, load {os.getloadavg()[0]:.1f} before anything began", flush=True)
    chosen = designs(arguments.cells, arguments.seconds, arguments.iterations)
    found = {
        name: compared(name, tables, arguments.repeats)
        for name, tables in chosen.items()
        if any(word in name for word in arguments.only)
    }
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    from benchmarks import sweep_throughput  # by its name, under which workers find it too

    sweep_throughput.main()
