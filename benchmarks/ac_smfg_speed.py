"""AC-SMFG against the same algorithm as a plain NumPy loop: microseconds per seed-step, and their ratio.

The package and the loop run the same random game (affine in the mean field, n = 10, A = B = 3 by default), in turns, so
that both meet the same load of the machine; medians are printed, compilation apart. A registered game of the package is
timed beside it: there the transition is a formula, not a table.
"""

import argparse
import statistics
import time

import jax
import numpy as np

from benchmarks import numpy_ac_smfg
from smfg_verify import games
from smfg_verify.game import AbstractGame, TabularGame
from smfg_verify.stochastic import ac_smfg


def as_tabular_game(game: numpy_ac_smfg.AffineGame) -> TabularGame:
    return TabularGame.from_arrays(
        kernel=game.kernel,
        kernel_mean_field=game.kernel_slope,
        follower_rewards=game.follower_rewards,
        follower_rewards_mean_field=game.follower_slope,
        leader_rewards=game.leader_rewards,
        leader_rewards_mean_field=game.leader_slope,
        discount=game.discount,
        temperature=game.temperature,
        initial_distribution=game.initial_distribution,
    )


def seconds(game: AbstractGame, num_iterations: int, num_seeds: int) -> float:
    start = time.perf_counter()
    ac_smfg(game, num_iterations=num_iterations, seeds=range(num_seeds), checkpoints=2)
    return time.perf_counter() - start


def numpy_seconds(game: numpy_ac_smfg.AffineGame, num_iterations: int) -> float:
    start = time.perf_counter()
    numpy_ac_smfg.ac_smfg(game, num_iterations, seed=0)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=10)
    parser.add_argument("--actions", type=int, default=3, help="actions of each player")
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=50_000, help="of the package; the loop runs a fifth")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--double", action="store_true", help="float64 in place of float32")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", arguments.double)
    arrays = numpy_ac_smfg.random_game(np.random.default_rng(0), arguments.states, arguments.actions, arguments.actions)
    contenders = {"random affine game": as_tabular_game(arrays), "market-entrance": games.load("market-entrance")}
    numpy_steps = arguments.iterations // 5
    first = {name: seconds(game, 1, arguments.seeds) for name, game in contenders.items()}
    warm = {name: seconds(game, 1, arguments.seeds) for name, game in contenders.items()}
    loop, times = [], {name: [] for name in contenders}
    for _ in range(arguments.repeats):
        loop.append(numpy_seconds(arrays, numpy_steps) / numpy_steps)
        for name, game in contenders.items():
            total = seconds(game, arguments.iterations, arguments.seeds)
            times[name].append(total / arguments.iterations / arguments.seeds)
    baseline = statistics.median(loop)
    print(f"n = {arguments.states}, A = B = {arguments.actions}, {arguments.seeds} seeds, ", end="")
    print(f"{'float64' if arguments.double else 'float32'}, medians of {arguments.repeats}")
    print(f"NumPy loop, random affine game: {baseline * 1e6:.2f} us a seed-step")
    for name in contenders:
        cost = statistics.median(times[name])
        ratio = f", {baseline / cost:.0f} times the loop's speed" if name == "random affine game" else ""
        print(f"ac_smfg, {name}: {cost * 1e6:.3f} us a seed-step{ratio}; ", end="")
        print(f"first call {first[name] - warm[name]:.2f} s more than the second (checks and compilation)")


if __name__ == "__main__":
    main()
