"""Cells a second of a sweep on one worker process and on two, both on this machine.

Cells of two kinds: such that sleep, whose ratio is what handing out and keeping cells costs, and runs of AC-SMFG, whose
ratio is that and what two processes leave each other of the processors. Counted from the moment at which every worker
has brought back its first batch (compiled programs) to the last cell; the whole, with the start of the cluster, beside.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from smfg_verify.cli.precision import use_float64
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries, Record
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.cluster import OnCluster
from smfg_verify.sweep.conduct import How, conduct
from smfg_verify.sweep.kinds.kind import KINDS, Kind, Seeds, Variable, register
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.settings import settings_of
from smfg_verify.sweep.store import Store


def _sleep(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    time.sleep(settings["seconds"])
    return [Outcome(CellStatus.DONE, values={"slept": settings["seconds"]})]


def know_sleep() -> None:
    """What every worker is prepared by; the kind of cell that sleeps is none of the package's."""
    use_float64()
    if "sleep" not in KINDS:
        register(
            Kind(
                name="sleep",
                table="sleep",
                options=("seconds",),
                settings=dict,
                by_schedule=lambda settings: False,
                by_seed=False,
                with_seeds=False,
                variables={"slept": Variable("time slept", "s")},
                compute=_sleep,
            )
        )


def designs(cells: int, seconds: float, iterations: int) -> dict[str, Record]:
    """The sweeps by name, as files have them."""
    games = {"games": ["laffer-tax"], "parameters": {"discount": {"low": 0.5, "high": 0.95, "points": cells}}}
    return {
        f"cells that sleep {seconds:g} s": {"what": "sleep", **games, "sleep": {"seconds": seconds}},
        f"runs of {iterations:,} iterations": {
            "what": "run",
            "seeds": 2,
            **games,
            "run": {"iterations": iterations, "checkpoints": 8},
        },
    }


def measured(tables: Record, workers: int) -> tuple[float, float]:
    """Cells a second once all workers are warm, and seconds of the whole."""
    plan = make_plan(settings_of(tables, Path()))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        conduct(plan, Path(folder), How(OnCluster("", workers, know_sleep)), say=lambda line: None)
        whole = time.perf_counter() - begun
        ends = [entry for entry in Store(Path(folder)).attempts() if entry["event"] == "finished"]
    first = {entry["worker"]: float(str(entry["time"])) for entry in reversed(ends)}
    assert len(first) == workers, "a worker computed nothing"
    warm, last = max(first.values()), float(str(ends[-1]["time"]))
    counted = sum(len(entry["cells"]) for entry in ends if float(str(entry["time"])) > warm)  # type: ignore[arg-type]
    return counted / (last - warm), whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    know_sleep()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f} before anything began", flush=True)
    for name, tables in designs(arguments.cells, arguments.seconds, arguments.iterations).items():
        for _ in range(arguments.repeats):
            one, whole = measured(tables, 1)
            print(f"{name}, one worker: {one:.2f} cells/s (whole {whole:.1f} s)", flush=True)
            two, whole = measured(tables, 2)
            print(f"{name}, two workers: {two:.2f} cells/s, {two / one:.2f} times (whole {whole:.1f} s)", flush=True)


if __name__ == "__main__":
    from benchmarks import sweep_throughput  # by its name, under which workers find it too

    use_float64()
    sweep_throughput.main()
