"""How conservative is the theory: each certified constant over what a search finds, on random games.

`--games 100 --out docs/data` writes conservatism.json and conservatism.md. Above 1 a bound is conservative by that
factor; below 1 it would be wrong. Lower bounds are inverted, so that this reads the same for them.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.progress import track

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.files import write_atomically
from smfg_verify.games import load
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.records.versions import versions
from smfg_verify.report.tables.layout import brief_table
from smfg_verify.report.tables.markdown import markdown_table

FORMAT = "smfg-verify conservatism"
SCHEMA_VERSION = 2
SIZES = {"num_states": 4, "num_follower_actions": 3, "num_leader_actions": 2}
PROPERTIES = ("ergodicity", "lipschitz", "contraction", "uniqueness", "gradient-domination")
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


def ratios_of(report: AssumptionReport) -> dict[str, float]:
    """Every ratio; NaN where one side has no number or the smaller side is zero."""
    found = {}
    for name, (large, small) in PAIRS.items():
        pair = large(report), small(report)
        found[name] = pair[0] / pair[1] if all(map(math.isfinite, pair)) and pair[1] > 0.0 else math.nan
    return found


def measure(number: int) -> tuple[dict[str, np.ndarray], dict[str, dict[str, int]]]:
    """Ratios of each game by name, and how often each property got each verdict."""
    rows, verdicts = [], {name: dict.fromkeys((v.value for v in Verdict), 0) for name in PROPERTIES}
    for seed in track(range(number), description="random games"):
        report = check(random_game(seed), PROPERTIES, budget="quick", seed=seed)
        rows.append(ratios_of(report))
        for name in PROPERTIES:
            verdicts[name][report.verdict(name).value] += 1
    return {name: np.array([row[name] for row in rows]) for name in PAIRS}, verdicts


def quantiles(values: np.ndarray) -> list[float]:
    known = values[np.isfinite(values)]
    return [float(np.quantile(known, level)) for level in (0.0, 0.25, 0.5, 0.75, 1.0)] if known.size else []


def markdown(ratios: dict[str, np.ndarray]) -> str:
    head = ["certified / measured", *COLUMNS, "games"]
    rows = []
    for name, values in ratios.items():
        cells = [f"{value:.4g}" for value in quantiles(values)] or ["-"] * len(COLUMNS)
        rows.append([name, *cells, str(int(np.isfinite(values).sum()))])
    return markdown_table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=10)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)  # now, not after the last game
    jax.config.update("jax_enable_x64", True)
    ratios, verdicts = measure(arguments.games)
    table = brief_table("certified / measured", "constant", *COLUMNS, "games", numbers=[*COLUMNS, "games"])
    for name, values in ratios.items():
        cells = [f"{value:.4g}" for value in quantiles(values)] or ["-"] * len(COLUMNS)
        table.add_row(name, *cells, str(int(np.isfinite(values).sum())))
    Console(width=130).print(table)
    print(f"verdicts: {verdicts}")
    if arguments.out is not None:
        record = {
            "games": arguments.games,
            "sizes": SIZES,
            "ratios": plain(ratios),
            "verdicts": verdicts,
            "versions": versions(),
        }
        write_atomically(arguments.out / "conservatism.json", document(headed(FORMAT, SCHEMA_VERSION, record)).encode())
        write_atomically(arguments.out / "conservatism.md", markdown(ratios).encode())


if __name__ == "__main__":
    main()
