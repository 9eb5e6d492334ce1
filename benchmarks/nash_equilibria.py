"""Equilibria without entropy on the crowded chain and on garnets, beside Bench-MFG's online mirror descent.

Exploitability and consistency are recomputed for everyone by one SciPy program in double precision, which shares no
code with any of them; times are medians after compilation. Targets are absolute on the chain at n = 7 and relative to
the scale of rewards elsewhere, as a tolerance in single precision can be.
"""

import argparse
import functools
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.peers import chain, garnet
from benchmarks.peers.environments import MissingPeerError, run_peer
from benchmarks.peers.judge import Stated, Verdict, judge
from benchmarks.peers.our_games import crowded_chain, garnet_game
from benchmarks.timing import Seconds, seconds
from smfg_verify import NashEquilibrium, solve_nash
from smfg_verify.game import AbstractGame, leader_logits_shape

TARGETS = (1e-3, 1e-6)


class Compared(NamedTuple):
    """A game that every solver gets.

    Attributes:
        title: of its tables.
        stated: size -> its numbers, for the judge.
        ours: size and a factor of the crowd's weight -> a new object of this package.
    """

    title: str
    stated: Callable[[int], Stated]
    ours: Callable[[int, float], AbstractGame]


GAMES = {
    "chain": Compared("Crowded chain", chain.stated, lambda size, factor: crowded_chain(size, chain.CROWD * factor)),
    "garnet": Compared("Garnet", garnet.stated, garnet_game),
}


def targets(name: str, size: int) -> tuple[float, ...]:
    unit = 1.0 if (name, size) == ("chain", 7) else GAMES[name].stated(size).scale
    return tuple(unit * target for target in TARGETS)


def ours(name: str, size: int, repeats: int) -> Iterator[dict]:
    """Times of the same object again, and of a new one each time with another number in it."""
    made, stated = GAMES[name].ours, GAMES[name].stated(size)
    game, factors = made(size, 1.0), itertools.count(1.0, 1e-5)
    logits = np.zeros(leader_logits_shape(game))

    def solved(game: AbstractGame, target: float) -> NashEquilibrium:
        return solve_nash(game, logits, exploitability=target)

    for target in targets(name, size):
        # The package starts deviations from the game's initial distribution, the judge from the population: asked for
        # less until the judge agrees.
        for asked in (target, 0.1 * target, 0.01 * target, 1e-3 * target):
            found = solved(game, asked)
            verdict = judge(stated, np.asarray(found.follower_policy), np.asarray(found.mean_field))
            if verdict.exploitability <= target:
                break
        same = seconds(functools.partial(solved, game, asked), repeats)
        anew = seconds(lambda asked=asked: solved(made(size, next(factors)), asked), repeats)
        for kind, times in (("same object", same), ("new object", anew)):
            yield _row(f"smfg_verify, {kind}", target, "float64", int(found.steps), times, verdict)


def bench_mfg(name: str, size: int, repeats: int) -> Iterator[dict]:
    for flags in ((), ("--double",)):
        numbers = ("--game", name, "--states", size, "--repeats", repeats)
        wanted = map(repr, targets(name, size))
        found = run_peer("bench-mfg", "peers.bench_mfg", *numbers, *flags, "--targets", *wanted)
        for entry in found["results"]:
            for loop in ("lean", "shipped"):
                solver = f"Bench-MFG mirror descent, {entry['step_size']} step size, {loop} loop"
                times = Seconds(**entry[loop], first=np.nan) if entry["iterations"] else None
                verdict = Verdict(entry.get("exploitability", np.nan), entry.get("consistency", np.nan))
                row = _row(solver, entry["target"], found["precision"], entry["iterations"], times, verdict)
                yield {**row, "versions": found["versions"]}


def _row(
    solver: str, target: float, precision: str, iterations: int | None, times: Seconds | None, verdict: Verdict
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


def table(name: str, size: int, rows: list[dict]) -> Table:
    found = Table(
        "solver",
        "target",
        "precision",
        "iterations",
        "ms",
        "times ours",
        "exploitability",
        "||mu P - mu||",
        title=f"{GAMES[name].title}, {size} states",
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


def measure(name: str, size: int, repeats: int, alone: bool, console: Console) -> list[dict]:
    rows = list(ours(name, size, repeats))
    try:
        rows += [] if alone else bench_mfg(name, size, repeats)
    except MissingPeerError as error:
        console.print(f"left out: {error}")
    rows = with_ratios(rows)
    console.print(table(name, size, rows))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", choices=tuple(GAMES), default="chain")
    parser.add_argument("--states", type=int, nargs="+", default=[7, 20])
    parser.add_argument("--alone", action="store_true", help="without peers, whose judge takes minutes from n = 1000")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    found = {}
    for size in arguments.states:
        found[size] = measure(arguments.game, size, arguments.repeats, arguments.alone, Console(width=160))
        if arguments.out is not None:  # after each size, so that one that is stopped leaves the smaller ones
            arguments.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
