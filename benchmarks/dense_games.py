"""Random dense games: equilibrium and gradient, beside SciPy's root finder and central differences of the objective.

SciPy gets the same unknowns and equations as one NumPy function, written as its user would; where the two have solved
the same game the largest difference of their mean fields is printed. Central differences solve two equilibria a logit,
each warm-started by this package from the one at the centre.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import scipy.optimize
from rich.console import Console
from rich.table import Table

from benchmarks.timing import Seconds, in_turns, once
from smfg_verify import games, solve_equilibrium, stackelberg_gradient, tabulate
from smfg_verify.exact import leader_objective
from smfg_verify.game import AbstractGame, leader_logits_shape

# Above these SciPy's finite differences, and central differences of the objective, take minutes.
LARGEST_FOR_SCIPY, LARGEST_FOR_DIFFERENCES = 50, 200
# A size whose solve takes longer, in seconds, is the last, and above the second one no call is repeated often.
LONGEST, QUICK = 60.0, 1.0


class Cost(NamedTuple):
    """What a game of one size costs.

    Attributes:
        states: n.
        equilibrium, gradient: seconds of a call.
        differences: of central differences in all logits, extrapolated from a few; None where it is not asked.
        scipy: of SciPy's root finder; None where it is not asked.
        apart: largest difference of the two mean fields.
        steps: Newton steps.
    """

    states: int
    equilibrium: Seconds
    gradient: Seconds
    differences: float | None
    scipy: float | None
    apart: float | None
    steps: int


def by_scipy(game: AbstractGame, policy: np.ndarray) -> np.ndarray:
    """The mean field of an affine game's equilibrium by `scipy.optimize.root`, from uniform."""
    size = game.num_states
    at = [tabulate(game, row) for row in np.eye(size)]
    moves = np.stack([np.einsum("sb,sabt->sat", policy, np.asarray(table.transition)) for table in at])
    rewards = np.stack([np.einsum("sb,sab->sa", policy, np.asarray(table.follower_reward)) for table in at])
    tau, gamma = float(game.temperature), float(game.discount)

    def residual(unknowns: np.ndarray) -> np.ndarray:
        field, value = unknowns[:size], unknowns[size:]
        kernel, reward = np.tensordot(field, moves, 1), np.tensordot(field, rewards, 1)
        quality = (reward + gamma * kernel @ value) / tau
        top = quality.max(axis=1, keepdims=True)
        weights = np.exp(quality - top)
        soft = tau * (top[:, 0] + np.log(weights.sum(axis=1)))
        chain = np.einsum("sa,sat->st", weights / weights.sum(axis=1, keepdims=True), kernel)
        balance = field @ chain - field
        balance[-1] = field.sum() - 1.0
        return np.concatenate([balance, value - soft])

    start = np.concatenate([np.full(size, 1.0 / size), np.zeros(size)])
    found = scipy.optimize.root(residual, start, tol=1e-10)
    if not found.success:
        raise RuntimeError(f"scipy: {found.message}")
    return found.x[:size]


def differences(game: AbstractGame, logits: np.ndarray, most: int = 4) -> float:
    """Seconds of central differences in all logits, from those of a few."""
    few = min(most, logits.size)
    units = np.eye(logits.size)[:few].reshape(-1, *logits.shape)
    leader_objective(game, logits)
    taken = [
        once(lambda move=sign * 1e-4 * unit: leader_objective(game, logits + move))
        for unit in units
        for sign in (1, -1)
    ]
    return float(np.median(taken)) * 2 * logits.size


def cost(size: int, repeats: int) -> Cost:
    game = games.load("random-game", num_states=size, num_follower_actions=3, num_leader_actions=3, seed=1)
    logits = np.zeros(leader_logits_shape(game))
    found = solve_equilibrium(game, logits)
    if once(lambda: solve_equilibrium(game, logits)) > QUICK:
        repeats = min(repeats, 2)
    times = in_turns(
        {
            "equilibrium": lambda: solve_equilibrium(game, logits),
            "gradient": lambda: stackelberg_gradient(game, logits),
        },
        repeats,
    )
    scipy_seconds = apart = None
    if size <= LARGEST_FOR_SCIPY:
        policy = np.full((size, 3), 1.0 / 3.0)
        fields: list[np.ndarray] = []
        scipy_seconds = once(lambda: fields.append(by_scipy(game, policy)))
        apart = float(np.max(np.abs(fields[0] - np.asarray(found.mean_field))))
    slow = differences(game, logits) if size <= LARGEST_FOR_DIFFERENCES else None
    return Cost(size, times["equilibrium"], times["gradient"], slow, scipy_seconds, apart, int(found.steps))


def table(costs: list[Cost]) -> Table:
    result = Table(
        "n",
        "steps",
        "equilibrium [s]",
        "gradient [s]",
        "gradient / solve",
        "differences / gradient",
        "SciPy / equilibrium",
        "apart",
        title="Random dense games, A = B = 3",
    )
    for found in costs:
        solve, gradient = found.equilibrium.median, found.gradient.median
        result.add_row(
            str(found.states),
            str(found.steps),
            f"{solve:.4f}",
            f"{gradient:.4f}",
            f"{gradient / solve:.2f}",
            "" if found.differences is None else f"{found.differences / gradient:.0f}",
            "" if found.scipy is None else f"{found.scipy / solve:.0f}",
            "" if found.apart is None else f"{found.apart:.0e}",
        )
    return result


def keep(costs: list[Cost], out: Path | None) -> None:
    """After each size, so that one that is stopped leaves the smaller ones."""
    rows = [
        {**found._asdict(), "equilibrium": found.equilibrium._asdict(), "gradient": found.gradient._asdict()}
        for found in costs
    ]
    if out is not None:
        out.write_text(json.dumps(rows, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, nargs="+", default=[10, 50, 100, 200, 400, 800])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    costs: list[Cost] = []
    for size in arguments.states:
        if not costs or costs[-1].equilibrium.median < LONGEST:
            costs.append(cost(size, arguments.repeats))
            keep(costs, arguments.out)
    Console(width=160).print(table(costs))


if __name__ == "__main__":
    main()
