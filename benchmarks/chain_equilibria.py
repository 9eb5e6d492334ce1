"""Equilibria without entropy on the crowded chain, beside Bench-MFG's online mirror descent and SciPy.

Exploitability and consistency are recomputed for everyone by one NumPy program in double precision, which shares no
code with any of them; times are medians after compilation. Targets are absolute at n = 7 and relative to the scale of
rewards elsewhere, as a tolerance in single precision can be.
"""

import argparse
import functools
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.peers import chain
from benchmarks.peers.environments import MissingPeerError, run_peer
from benchmarks.peers.our_chain import crowded_chain
from benchmarks.timing import Seconds, seconds
from smfg_verify import NashEquilibrium, solve_nash
from smfg_verify.games import LasryLionsChain

TARGETS = (1e-3, 1e-6)


def targets(size: int) -> tuple[float, ...]:
    unit = 1.0 if size == 7 else chain.scale(size)
    return tuple(unit * target for target in TARGETS)


def ours(size: int, repeats: int) -> Iterator[dict]:
    """Times of the same object again, and of a new one each time with another number in it."""
    game, logits = crowded_chain(size), np.zeros((2, 1))
    crowds = itertools.count(chain.CROWD, 1e-3)

    def solved(game: LasryLionsChain, target: float) -> NashEquilibrium:
        return solve_nash(game, logits, exploitability=target)

    for target in targets(size):
        found = solved(game, target)
        verdict = chain.judge(np.asarray(found.follower_policy), np.asarray(found.mean_field))
        same = seconds(functools.partial(solved, game, target), repeats)
        anew = seconds(lambda target=target: solved(crowded_chain(size, crowd=next(crowds)), target), repeats)
        for name, times in (("same object", same), ("new object", anew)):
            yield _row(f"smfg_verify, {name}", target, "float64", int(found.steps), times, verdict)


def bench_mfg(size: int, repeats: int) -> Iterator[dict]:
    for flags in ((), ("--double",)):
        wanted = map(repr, targets(size))
        found = run_peer(
            "bench-mfg", "peers.bench_mfg_chain", "--states", size, "--repeats", repeats, *flags, "--targets", *wanted
        )
        for entry in found["results"]:
            for loop in ("lean", "shipped"):
                name = f"Bench-MFG mirror descent, {entry['step_size']} step size, {loop} loop"
                times = Seconds(**entry[loop], first=np.nan) if entry["iterations"] else None
                verdict = chain.Verdict(entry.get("exploitability", np.nan), entry.get("consistency", np.nan))
                row = _row(name, entry["target"], found["precision"], entry["iterations"], times, verdict)
                yield {**row, "versions": found["versions"]}


def _row(
    solver: str, target: float, precision: str, iterations: int | None, times: Seconds | None, verdict: chain.Verdict
) -> dict:
    return {
        "solver": solver,
        "target": target,
        "precision": precision,
        "iterations": iterations,
        "seconds": None if times is None else times._asdict(),
        **verdict._asdict(),
    }


def with_ratios(rows: list[dict]) -> list[dict]:
    """Each beside this package's new object at the same target: above one, it is slower than that."""
    own = {row["target"]: row["seconds"]["median"] for row in rows if row["solver"] == "smfg_verify, new object"}
    return [
        {**row, "times_ours": None if row["seconds"] is None else row["seconds"]["median"] / own[row["target"]]}
        for row in rows
    ]


def table(size: int, rows: list[dict]) -> Table:
    found = Table(
        "solver",
        "target",
        "precision",
        "iterations",
        "ms",
        "times ours",
        "exploitability",
        "||mu P - mu||",
        title=f"Crowded chain, {size} states",
    )
    for row in rows:
        reached = row["seconds"] is not None
        found.add_row(
            row["solver"],
            f"{row['target']:.2g}",
            row["precision"],
            str(row["iterations"]) if reached else "not reached",
            f"{1e3 * row['seconds']['median']:.1f}" if reached else "",
            f"{row['times_ours']:.1f}" if reached else "",
            f"{row['exploitability']:.1e}" if reached else "",
            f"{row['consistency']:.0e}" if reached else "",
        )
    return found


def measure(size: int, repeats: int, console: Console) -> list[dict]:
    rows = list(ours(size, repeats))
    try:
        rows += bench_mfg(size, repeats)
    except MissingPeerError as error:
        console.print(f"left out: {error}")
    rows = with_ratios(rows)
    console.print(table(size, rows))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, nargs="+", default=[7, 20])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    found = {size: measure(size, arguments.repeats, Console(width=160)) for size in arguments.states}
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
