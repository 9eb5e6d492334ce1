"""AC-SMFG against the same algorithm as a plain NumPy loop and as a Numba loop: time of a seed-step, and the ratios.

The package and the loops run the same random game (affine in the mean field, n = 10, A = B = 3 by default), in turns,
so that all meet the same load of the machine; medians are printed, compilation apart, of the wall clock and of the
processors' time, which tells more where others use the machine. A registered game of the package is timed beside it:
there the transition is a formula, not a table. Numba is no requirement of the package: `--numba PYTHON` names the
interpreter of an environment that has it.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from benchmarks import numpy_ac_smfg
from benchmarks.peers.environments import MissingPeerError, interpreter
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


class Clock(NamedTuple):
    """Seconds of the wall clock and of the processors."""

    wall: float
    processor: float

    def over(self, count: int) -> "Clock":
        return Clock(self.wall / count, self.processor / count)


def timed(call: Callable[[], object]) -> Clock:
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return Clock(time.perf_counter() - wall, time.process_time() - processor)


def seconds(game: AbstractGame, num_iterations: int, num_seeds: int) -> Clock:
    return timed(lambda: ac_smfg(game, num_iterations=num_iterations, seeds=range(num_seeds), checkpoints=2))


def median(clocks: Sequence[Clock]) -> Clock:
    return Clock(*(statistics.median(column) for column in zip(*clocks, strict=True)))


class NumbaLoop:
    """`benchmarks/numba_ac_smfg.py` in an interpreter of its own, one timing for each line it is sent."""

    def __init__(self, python: str, arguments: argparse.Namespace, threads: int) -> None:
        numbers = {"states": arguments.states, "actions": arguments.actions, "seeds": arguments.seeds}
        numbers |= {"threads": threads, "iterations": arguments.iterations}
        options = [f"--{name}={number}" for name, number in numbers.items()] + ["--double"] * arguments.double
        command = [python, str(Path(__file__).with_name("numba_ac_smfg.py")), "--serve", *options]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line()

    def seconds(self) -> Clock:
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return Clock(*json.loads(self._line()))

    def close(self) -> None:
        self._process.communicate()

    def _line(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the Numba loop ended with {self._process.wait()}")
        return line


def contenders(arguments: argparse.Namespace) -> dict[str, Callable[[], Clock]]:
    """One timing of a seed-step by name, everything compiled."""
    arrays = numpy_ac_smfg.random_game(np.random.default_rng(0), arguments.states, arguments.actions, arguments.actions)
    mine = {"random affine game": as_tabular_game(arrays), "market-entrance": games.load("market-entrance")}
    count = arguments.iterations * arguments.seeds
    numpy_steps = max(1, arguments.iterations // 50)
    result = {"NumPy loop": lambda: timed(lambda: numpy_ac_smfg.ac_smfg(arrays, numpy_steps, seed=0)).over(numpy_steps)}
    for threads in (1, 2) if arguments.numba else ():
        loop = NumbaLoop(arguments.numba, arguments, threads)
        result[f"Numba loop, {threads} thread{'s' * (threads > 1)}"] = lambda loop=loop: loop.seconds().over(count)
    for name, game in mine.items():
        first, warm = seconds(game, 1, arguments.seeds), seconds(game, 1, arguments.seeds)
        print(f"{name}: first call {first.wall - warm.wall:.2f} s more than the second (checks and compilation)")
        result[f"ac_smfg, {name}"] = lambda game=game: seconds(game, arguments.iterations, arguments.seeds).over(count)
    return result


def numba_interpreter() -> str | None:
    """That of an environment of its own; None, with a word, where it cannot be made."""
    try:
        return str(interpreter("numba"))
    except MissingPeerError as error:
        print(f"left out: {error}")
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=10)
    parser.add_argument("--actions", type=int, default=3, help="actions of each player")
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=50_000, help="of all but the NumPy loop, which runs fewer")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--double", action="store_true", help="float64 in place of float32")
    parser.add_argument("--numba", help="interpreter that has Numba and NumPy; `auto` makes one")
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", arguments.double)
    if arguments.numba == "auto":
        arguments.numba = numba_interpreter()
    timings = contenders(arguments)
    times: dict[str, list[Clock]] = {name: [] for name in timings}
    for _ in range(arguments.repeats):
        for name, timing in timings.items():
            times[name].append(timing())
    mine = median(times["ac_smfg, random affine game"])
    print(f"n = {arguments.states}, A = B = {arguments.actions}, {arguments.seeds} seeds, ", end="")
    print(f"{'float64' if arguments.double else 'float32'}, medians of {arguments.repeats}, ns a seed-step")
    for name, clocks in times.items():
        cost = median(clocks)
        print(f"{name}: {cost.wall * 1e9:.0f} wall, {cost.processor * 1e9:.0f} processor", end="")
        if "loop" in name:
            print(
                f"; ac_smfg takes {mine.wall / cost.wall:.3f} and {mine.processor / cost.processor:.3f} of it", end=""
            )
        print()
    if arguments.out is not None:
        found = {name: [clock._asdict() for clock in clocks] for name, clocks in times.items()}
        arguments.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
