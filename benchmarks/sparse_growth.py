"""How the sparse side grows with the number of states: `python -m benchmarks.sparse_growth [--full]`.

Congestion pricing on a grid and the Lasry-Lions chain, equilibrium and gradient (with its equilibrium), beside the
dense solver where that takes seconds. Compile time is apart: each is computed twice, the second counts; above 2e4
states, where compiling is a small part, once. Prints wall and CPU seconds, Newton steps, errors, the peak of the
process's memory, and the exponent of growth of CPU time from one size to the next (1 is linear). With --full to 10^5
states, which takes some minutes.
"""

import argparse
import functools
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from smfg_verify.exact import solve_equilibrium, stackelberg_gradient
from smfg_verify.game import AbstractGame, leader_logits_shape, validate
from smfg_verify.games import CongestionPricing, LasryLionsChain

# States up to which the dense side is timed too.
LARGEST_DENSE = 400
# States above which nothing is computed twice.
LARGEST_REPEATED = 20_000
COLUMNS = (
    *("states", "steps", "wall [s]", "CPU [s]", "growth", "gradient wall [s]", "gradient CPU [s]", "gradient growth"),
    *("errors", "peak memory [GiB]", "dense / sparse", "apart in l1"),
)


class Spent(NamedTuple):
    """Seconds of one call."""

    wall: float
    cpu: float


def spent(call: Callable[[], object], repeated: bool = True) -> tuple[object, Spent]:
    """Result and cost of a call, the second one where the first only compiles."""
    if repeated:
        jax.block_until_ready(call())
    wall, cpu = time.perf_counter(), sum(os.times()[:2])
    result = jax.block_until_ready(call())
    return result, Spent(time.perf_counter() - wall, sum(os.times()[:2]) - cpu)


def row(game: AbstractGame, last: tuple[int, Spent, Spent] | None) -> tuple[list[str], tuple[int, Spent, Spent]]:
    logits = np.random.default_rng(0).normal(size=leader_logits_shape(game))
    size = game.num_states
    repeated = size <= LARGEST_REPEATED
    validate(game)
    found, solve = spent(lambda: solve_equilibrium(game, logits, method="sparse"), repeated)
    slope, gradient = spent(lambda: stackelberg_gradient(game, logits, method="sparse"), repeated)
    errors = f"{float(found.error_bound):.0e}, {float(slope.error_bound):.0e}"
    growth = ["", ""]
    if last is not None:
        growth = [
            f"{np.log(new.cpu / old.cpu) / np.log(size / last[0]):.2f}"
            for new, old in ((solve, last[1]), (gradient, last[2]))
        ]
    cells = [str(size), str(int(found.steps)), f"{solve.wall:.2f}", f"{solve.cpu:.2f}", growth[0]]
    cells += [f"{gradient.wall:.2f}", f"{gradient.cpu:.2f}", growth[1], errors]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [*cells, f"{memory:.2f}", *beside_dense(game, logits, found, solve)], (size, solve, gradient)


def beside_dense(game: AbstractGame, logits: np.ndarray, found, solve: Spent) -> list[str]:
    """The dense solver's time over the sparse one's, and how far apart their mean fields are."""
    if game.num_states > LARGEST_DENSE:
        return ["", ""]
    dense, cost = spent(lambda: solve_equilibrium(game, logits, method="dense"))
    apart = float(np.sum(np.abs(dense.mean_field - found.mean_field)))
    return [f"{cost.cpu / solve.cpu:.2f}", f"{apart:.0e}"]


def growth_table(name: str, games: list[AbstractGame], keep: Callable[[dict[str, str]], None]) -> Table:
    table = Table(*COLUMNS, title=name)
    last = None
    for game in games:
        cells, last = row(game, last)
        print(game.num_states, "states:", *cells[1:], file=sys.stderr, flush=True)
        table.add_row(*cells)
        keep(dict(zip(COLUMNS, cells, strict=True)))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="to 10^5 states")
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    full = arguments.full
    found: dict[str, list[dict[str, str]]] = {}

    def keep(name: str, row: dict[str, str]) -> None:
        """After each size, so that one that is stopped leaves the smaller ones."""
        found.setdefault(name, []).append(row)
        if arguments.out is not None:
            arguments.out.write_text(json.dumps(found, indent=1) + "\n")

    sides = [10, 20, 32, 100, *([316] if full else [])]
    lengths = [100, 400, 1000, 10_000, *([100_000] if full else [])]
    console = Console(width=170)
    families = {
        "Congestion pricing on a grid": [CongestionPricing(side=side) for side in sides],
        "Lasry-Lions chain, logarithmic crowd": [LasryLionsChain(num_states=length, crowd="log") for length in lengths],
    }
    for name, games in families.items():
        console.print(growth_table(name, games, functools.partial(keep, name)))


if __name__ == "__main__":
    main()
