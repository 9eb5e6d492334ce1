"""Bounds by cells of leader policies and mean fields: how near they come to what is found, and cells a second.

`python -m benchmarks.cells_speed --games laffer-tax --random 20`: growth is 1 less the rate of one-sided contraction in
the Euclidean norm, modulus the l1 modulus; each as certified, over the largest found. Random games are those of
`experiments/conservatism`. Budgets are numbers of cells; seconds are the processor's of one core, so that `--threads 2`
shows what a second core adds to the clock and what it costs.
"""

import argparse
import functools
import math
import time
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np

from experiments.conservatism import random_game
from smfg_verify import games
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.measured_modulus import find_modulus
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of, smaller_bound
from smfg_verify.assumptions.enclosure.response.budget import affordable_cells, cost_by_rows, tables_of
from smfg_verify.assumptions.enclosure.response.measures import growth_over, modulus_over
from smfg_verify.assumptions.enclosure.response.search import CellSupremum, supremum_over_cells
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.assumptions.one_sided.growth import frame_of
from smfg_verify.assumptions.one_sided.measured_rate import search_with
from smfg_verify.assumptions.settings import SearchSettings, budget_settings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame
from smfg_verify.processors import taken
from smfg_verify.report.tables.markdown import markdown_row, markdown_table

COLUMNS = ("game", "n, A, B", "dimensions", "growth", "cells", "modulus", "by formula", "cells", "cells/s", "clock, s")
SHIPPED = ("market-entrance", "two-road-toll", "laffer-tax", "advertising", "random-game", "independent-leader")
_TOLERANCE = 0.01


class Measured(NamedTuple):
    """What one game gave.

    Attributes:
        row: of the table.
        ratio: certified over largest found of the modulus, the smaller of both proofs.
        unique: whether uniqueness is proved.
    """

    row: tuple[str, ...]
    ratio: float
    unique: bool


def searched(tables: Tables, num_boxes: int) -> Iterator[tuple[CellSupremum, float, float]]:
    """Suprema of growth and modulus, with seconds of the processor and of the clock."""
    frame = frame_of(tables.num_states)
    number, by_rows = affordable_cells(tables, num_boxes), cost_by_rows(tables)
    for measure in (functools.partial(growth_over, left=frame[0], right=frame[1]), modulus_over):
        spent, clock = time.process_time(), time.perf_counter()
        bound = functools.partial(measure, tables)
        found = supremum_over_cells(tables, bound, num_cells=number, by_rows=by_rows, tolerance=_TOLERANCE)
        yield found, time.process_time() - spent, time.perf_counter() - clock


def measure(name: str, game: AbstractGame, settings: SearchSettings) -> Measured:
    game = checked(game)
    formula = smaller_bound(inputs_of(game, game_constants(game, settings)), float(game.temperature))
    modulus = find_modulus(game, settings).value
    sizes = f"{game.num_states}, {game.num_follower_actions}, {game.num_leader_actions}"
    tables, reason = tables_of(game)
    if tables is None:
        return Measured(
            (name, sizes, "", reason, "", "", f"{formula:.3g}", "", "", ""), formula / modulus, formula < 1.0
        )
    growth = search_with(game, settings, np.eye(game.num_states - 1)).worst.value
    rates, moduli = searched(tables, settings.num_boxes)
    cells = rates[0].cells + moduli[0].cells
    row = (
        name,
        sizes,
        str(tables.shape.dimension),
        f"{rates[0].upper:.3f} / {max(growth, rates[0].lower):.3f}",
        str(rates[0].cells),
        f"{moduli[0].upper:.3f} / {max(modulus, moduli[0].lower):.3f}",
        f"{formula:.3g}",
        str(moduli[0].cells),
        f"{cells / (rates[1] + moduli[1]):.0f}",
        f"{rates[2] + moduli[2]:.1f}",
    )
    best = min(moduli[0].upper, formula)
    return Measured(row, best / max(modulus, moduli[0].lower), bool(best < 1.0 or rates[0].upper < 1.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", nargs="*", default=SHIPPED)
    parser.add_argument("--random", type=int, default=10, help="random games")
    parser.add_argument("--first", type=int, default=0, help="seed of the first of them")
    parser.add_argument("--budget", default="normal")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    settings = SearchSettings(**budget_settings(arguments.budget))
    seeds = range(arguments.first, arguments.first + arguments.random)
    shown = {name: functools.partial(games.load, name) for name in arguments.games}
    shown |= {f"random {seed}": functools.partial(random_game, seed) for seed in seeds}
    print(markdown_table(COLUMNS, ()), end="", flush=True)
    found = {}
    with taken(arguments.threads):
        for name, make in shown.items():
            found[name] = measure(name, make(), settings)
            print(markdown_row(found[name].row), end="", flush=True)
    drawn = [found[name] for name in found if name.startswith("random ")]
    if drawn:
        ratios = np.array([one.ratio if math.isfinite(one.ratio) else np.inf for one in drawn])
        quartiles = ", ".join(f"{np.quantile(ratios, level, method='inverted_cdf'):.3g}" for level in (0.25, 0.5, 0.75))
        print(f"\nrandom games: modulus certified over found, quartiles {quartiles};", end=" ")
        print(f"one equilibrium proved in {sum(one.unique for one in drawn)} of {len(drawn)}")


if __name__ == "__main__":
    main()
