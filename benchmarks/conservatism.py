"""How conservative is the theory: each certified bound over what a search finds, on random games.

`python -m benchmarks.conservatism --games 100 --out docs/data` writes conservatism.json and conservatism.md.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402

from smfg_verify.assumptions import AssumptionReport, check  # noqa: E402
from smfg_verify.files import write_atomically  # noqa: E402
from smfg_verify.games import load  # noqa: E402

SCHEMA_VERSION = 1
SIZES = {"num_states": 4, "num_follower_actions": 3, "num_leader_actions": 2}
PROPERTIES = ("ergodicity", "lipschitz", "contraction", "gradient-domination", "coverage")
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def _constant(property_name: str, statement: str) -> Callable[[AssumptionReport], float]:
    return lambda report: report.finding(property_name, statement).constant


def _detail(property_name: str, statement: str, *path: str) -> Callable[[AssumptionReport], float]:
    def read(report: AssumptionReport) -> float:
        value = report.finding(property_name, statement).details
        for key in path:
            value = value[key]
        return float(value)

    return read


# Name -> (certified, measured). Above 1 by as much as the theory is conservative; a lower bound is inverted.
PAIRS = {
    "lipschitz, transition": (_constant("lipschitz", "transition"), _detail("lipschitz", "transition", "measured")),
    "lipschitz, follower's reward": (
        _constant("lipschitz", "follower-reward"),
        _detail("lipschitz", "follower-reward", "measured"),
    ),
    "lipschitz, leader's reward": (
        _constant("lipschitz", "leader-reward"),
        _detail("lipschitz", "leader-reward", "measured"),
    ),
}


def random_game(seed: int, dependence: str):
    """Game number `seed`, its couplings and temperature drawn from the seed."""
    draw = np.random.default_rng(seed)
    return load(
        "random-game",
        seed=seed,
        dependence=dependence,
        transition_coupling=draw.uniform(0.0, 0.5),
        follower_coupling=draw.uniform(0.1, 1.0),
        leader_coupling=draw.uniform(0.1, 1.0),
        ergodicity=draw.uniform(0.1, 0.5),
        discount=draw.uniform(0.5, 0.95),
        temperature=float(np.exp(draw.uniform(np.log(0.2), np.log(5.0)))),
        **SIZES,
    )
