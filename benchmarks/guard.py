"""Ratios that must not fall: each compares two things of one run, in turns, and its margin is wide.

A machine under any load passes unless something became several times slower than what it stands beside. Exit code 1
names what did.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import numpy_ac_smfg
from benchmarks.ac_smfg_speed import as_tabular_game
from benchmarks.timing import in_turns
from smfg_verify import ac_smfg, games, solve_equilibrium, stackelberg_gradient
from smfg_verify.game import leader_logits_shape


class Guarded(NamedTuple):
    """A ratio of two medians with the largest value that passes, and what was measured when it was set."""

    name: str
    limit: float
    usual: float
    measure: Callable[[], float]


def gradient_over_solve() -> float:
    game = games.load("random-game", num_states=50, seed=1)
    logits = np.zeros(leader_logits_shape(game))
    times = in_turns(
        {"gradient": lambda: stackelberg_gradient(game, logits), "solve": lambda: solve_equilibrium(game, logits)}
    )
    return times["gradient"].median / times["solve"].median


def changed_over_same() -> float:
    """A game with another number in it, against the very same object: no compilation, little to check anew."""
    game = games.load("laffer-tax")
    logits = np.zeros(leader_logits_shape(game))
    wages = iter(1.0 + 1e-3 * np.arange(1, 100))

    def changed() -> object:
        other = eqx.tree_at(lambda game: game.wage, game, jnp.asarray(next(wages)))
        return solve_equilibrium(other, logits)

    times = in_turns({"changed": changed, "same": lambda: solve_equilibrium(game, logits)}, 21)
    return times["changed"].median / times["same"].median


def runs_over_numpy(num_seeds: int, steps: int) -> float:
    """A seed-step of AC-SMFG against one of a NumPy loop."""
    arrays = numpy_ac_smfg.random_game(np.random.default_rng(0), 10, 3, 3)
    game = as_tabular_game(arrays)
    numpy_steps = 1000
    times = in_turns(
        {
            "package": lambda: ac_smfg(game, num_iterations=steps, seeds=range(num_seeds), checkpoints=2),
            "numpy": lambda: numpy_ac_smfg.ac_smfg(arrays, numpy_steps, seed=0),
        },
        5,
    )
    return (times["package"].median / steps / num_seeds) / (times["numpy"].median / numpy_steps)


GUARDED = (
    Guarded("gradient / equilibrium, n = 50", 6.0, 1.5, gradient_over_solve),
    Guarded("equilibrium of a changed number / of the same object", 6.0, 1.5, changed_over_same),
    Guarded("AC-SMFG, 64 seeds / NumPy loop, a seed-step", 0.2, 0.01, lambda: runs_over_numpy(64, 2000)),
)


def main() -> int:
    jax.config.update("jax_enable_x64", True)
    failed = False
    for guarded in GUARDED:
        found = guarded.measure()
        passed = found <= guarded.limit
        failed |= not passed
        word = "ok" if passed else "TOO SLOW"
        print(f"{word}: {guarded.name}: {found:.3g}, at most {guarded.limit:g} (usually {guarded.usual:g})", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
