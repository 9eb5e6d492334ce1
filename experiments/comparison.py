"""AC-SMFG against the baselines on the eight configurations of the paper's environments, whatever comes out.

Market entrance with three targets, shop positioning with three costs of moving the shop, equilibrium pricing with two
capacities. Our instantiations of the environments, and our reading of the methods.
"""

import argparse
from pathlib import Path
from typing import Any

import jax

from smfg_verify.comparison import CompareSettings, contender_names
from smfg_verify.files import write_atomically
from smfg_verify.jobs.compare import make_comparison
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.report.files.compare import write_comparison
from smfg_verify.report.tables.comparison import comparison_markdown

CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "market-entrance-balanced": ("market-entrance", {"configuration": "balanced"}),
    "market-entrance-buy-skew": ("market-entrance", {"configuration": "buy_skew"}),
    "market-entrance-sell-skew": ("market-entrance", {"configuration": "sell_skew"}),
    "shop-positioning-0": ("shop-positioning", {"base_cost": 0.0}),
    "shop-positioning-0.05": ("shop-positioning", {"base_cost": 0.05}),
    "shop-positioning-0.2": ("shop-positioning", {"base_cost": 0.2}),
    "equilibrium-pricing-3": ("equilibrium-pricing", {"max_inventory": 3}),
    "equilibrium-pricing-5": ("equilibrium-pricing", {"max_inventory": 5}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", nargs="*", default=list(CONFIGURATIONS), help="names [all]")
    parser.add_argument("--samples", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--results", type=Path, default=Path("results/comparison"), help="records and figures")
    parser.add_argument("--out", type=Path, default=None, help="directory of comparison.md")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    how = CompareSettings(
        samples=arguments.samples,
        seeds=arguments.seeds,
        trials=arguments.trials,
        tuning_samples=arguments.samples // 2,
    )
    sections = []
    for name in arguments.configurations:
        game, parameters = CONFIGURATIONS[name]
        directory = arguments.results / name
        directory.mkdir(parents=True, exist_ok=True)
        # Finished methods are kept, so that an interrupted run goes on where it stopped.
        store = Store(directory, resumed=True)
        found = make_comparison(GameSettings(game, parameters), contender_names(), how, store)
        write_comparison(found, directory)
        store.clear()
        sections.append(f"## {name}\n\n{comparison_markdown(found.comparison)}")
        print(sections[-1], flush=True)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        write_atomically(arguments.out / "comparison.md", "\n".join(sections).encode())


if __name__ == "__main__":
    main()
