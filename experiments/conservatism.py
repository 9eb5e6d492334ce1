"""How conservative is the theory: each certified constant over what a search finds, on random games.

`--games 100 --out docs/data` writes conservatism.json and conservatism.md, after each game what is known by then. Above
1 a bound is conservative by that factor; below 1 it would be wrong. Lower bounds are inverted, so that this reads the
same for them; where there is no finite bound the factor is infinite. Searches are those of the quick budget, boxes and
cells those of the normal one.
"""

import argparse
import collections
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from rich.console import Console
from rich.progress import track

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.settings import budget_settings
from smfg_verify.files import write_atomically
from smfg_verify.games import load
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.records.versions import versions
from smfg_verify.report.tables.layout import brief_table
from smfg_verify.report.tables.markdown import markdown_table

FORMAT = "smfg-verify conservatism"
SCHEMA_VERSION = 3
SIZES = {"num_states": 4, "num_follower_actions": 3, "num_leader_actions": 2}
PROPERTIES = ("ergodicity", "lipschitz", "contraction", "uniqueness", "gradient-domination")
BUDGET, BOXES = "quick", budget_settings("normal")["num_boxes"]
COLUMNS = ("smallest", "lower quartile", "median", "upper quartile", "largest")


def constant(name: str, statement: str) -> Callable[[AssumptionReport], float]:
    return lambda report: report.finding(name, statement).constant


def detail(name: str, statement: str, *path: str) -> Callable[[AssumptionReport], float]:
    def read(report: AssumptionReport) -> float:
        value = report.finding(name, statement).details
        for key in path:
            value = value[key]
        return float(value)

    return read


def smaller_modulus(report: AssumptionReport) -> float:
    """The least proved modulus: of formulas, and over cells."""
    return min(report.finding("contraction", statement).constant for statement in ("certified-bound", "cell-bound"))


MODULUS = constant("contraction", "modulus")
# What is compared -> (larger side, smaller side) where the certified number is the larger for upper bounds.
PAIRS = {
    **{
        f"lipschitz: {statement}": (constant("lipschitz", statement), detail("lipschitz", statement, "measured"))
        for statement in ("transition", "follower-reward", "leader-reward")
    },
    "ergodicity: one-step coefficient": (
        constant("ergodicity", "dobrushin"),
        detail("ergodicity", "dobrushin", "measured"),
    ),
    "ergodicity: one-step coefficient over slowest decay found": (
        constant("ergodicity", "dobrushin"),
        constant("ergodicity", "spectral-gap"),
    ),
    "contraction: bound in sup norm": (detail("contraction", "certified-bound", "bounds", "sup-norm"), MODULUS),
    "contraction: bound in span": (detail("contraction", "certified-bound", "bounds", "span"), MODULUS),
    "contraction: bound over cells": (constant("contraction", "cell-bound"), MODULUS),
    "contraction: smallest proved bound": (smaller_modulus, MODULUS),
    "contraction, uniqueness: smallest temperature": (
        constant("contraction", "smallest-temperature"),
        detail("contraction", "smallest-temperature", "smallest", "modulus"),
    ),
    "gradient-domination: constant over a box of logits": (
        constant("gradient-domination", "domination"),
        detail("gradient-domination", "domination", "certified_in_box"),
    ),
    "gradient-domination: constant at the optimum": (
        detail("gradient-domination", "mei-constant", "measured"),
        constant("gradient-domination", "mei-constant"),
    ),
}


def random_game(seed: int):
    """Game number `seed`: odd ones affine, even ones general; couplings, discount and temperature drawn."""
    draw = np.random.default_rng(seed)
    return load(
        "random-game",
        seed=seed,
        dependence="affine" if seed % 2 else "general",
        transition_coupling=draw.uniform(0.05, 0.5),
        follower_coupling=draw.uniform(0.1, 1.0),
        leader_coupling=draw.uniform(0.1, 1.0),
        ergodicity=draw.uniform(0.1, 0.5),
        discount=draw.uniform(0.5, 0.95),
        temperature=float(np.exp(draw.uniform(np.log(0.2), np.log(5.0)))),
        **SIZES,
    )


class Measured(NamedTuple):
    """What some games gave.

    Attributes:
        ratios: name -> one number a game.
        verdicts: property -> verdict -> games.
        unique: statement -> games whose one equilibrium it proves, and of any of them.
    """

    ratios: dict[str, list[float]]
    verdicts: dict[str, dict[str, int]]
    unique: collections.Counter[str]


def ratio_of(large: float, small: float) -> float:
    """How many times the one is the other; NaN where there is no number or the smaller one is zero."""
    return large / small if math.isfinite(small) and small > 0.0 else math.nan


def measure(number: int) -> Iterator[Measured]:
    """All ratios, verdicts and proofs of uniqueness after each game."""
    found = Measured(
        {name: [] for name in PAIRS},
        {name: dict.fromkeys((v.value for v in Verdict), 0) for name in PROPERTIES},
        collections.Counter(),
    )
    for seed in track(range(number), description="random games"):
        report = check(random_game(seed), PROPERTIES, budget=BUDGET, num_boxes=BOXES, seed=seed)
        for name, (large, small) in PAIRS.items():
            found.ratios[name].append(ratio_of(large(report), small(report)))
        for name in PROPERTIES:
            found.verdicts[name][report.verdict(name).value] += 1
        proofs = [f.statement for f in report.findings if f.property == "uniqueness" and f.verdict is Verdict.CERTIFIED]
        found.unique.update([*proofs, *["any"] * bool(proofs)])
        yield found


def quantiles(values: list[float]) -> list[float]:
    """Of those that are numbers or infinite, each one of them."""
    known = [value for value in values if not math.isnan(value)]
    levels = (0.0, 0.25, 0.5, 0.75, 1.0)
    return [float(np.quantile(known, level, method="inverted_cdf")) for level in levels] if known else []


def rows_of(found: Measured) -> Iterator[list[str]]:
    for name, values in found.ratios.items():
        cells = [f"{value:.4g}" for value in quantiles(values)] or ["-"] * len(COLUMNS)
        yield [name, *cells, str(sum(not math.isnan(value) for value in values))]


def written(found: Measured, folder: Path) -> None:
    games = sum(found.verdicts[PROPERTIES[0]].values())
    record = {
        "games": games,
        "sizes": SIZES,
        "budget": {"searches": BUDGET, "num_boxes": BOXES},
        "ratios": plain({name: np.array(values) for name, values in found.ratios.items()}),
        "verdicts": found.verdicts,
        "unique": dict(found.unique),
        "versions": versions(),
    }
    write_atomically(folder / "conservatism.json", document(headed(FORMAT, SCHEMA_VERSION, record)).encode())
    table = markdown_table(["certified / measured", *COLUMNS, "games"], list(rows_of(found)))
    counts = [[name, str(number)] for name, number in sorted(found.unique.items())]
    proofs = markdown_table(["one equilibrium proved by", "games"], counts)
    write_atomically(folder / "conservatism.md", f"{table}\n{proofs}".encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=10)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)  # now, not after the last game
    jax.config.update("jax_enable_x64", True)
    for found in measure(arguments.games):
        if arguments.out is not None:
            written(found, arguments.out)
    table = brief_table("certified / measured", "constant", *COLUMNS, "games", numbers=[*COLUMNS, "games"])
    for row in rows_of(found):
        table.add_row(*row)
    Console(width=130).print(table)
    print(f"verdicts: {found.verdicts}")
    print(f"one equilibrium proved: {dict(found.unique)}")


if __name__ == "__main__":
    main()
