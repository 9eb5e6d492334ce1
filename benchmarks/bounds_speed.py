"""Residuals, mean dynamics and drift over the iterates of a run: seconds once compiled, against one point at a time.

Residuals: 256 seeds at 60 checkpoints of a random game of 10 states. Mean dynamics and exact expectations of the drift:
1,000 iterates of market-entrance under the four schedules of `validate_drift`, or of another game. The alternative is
the same public function called once for every point, which is measured on a few points and scaled up.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify import games
from smfg_verify.bounds import Components, exact_residuals, validate_drift
from smfg_verify.bounds.drift.validate_drift import expected_residuals, schedules_around
from smfg_verify.bounds.local.predicted_errors import mean_dynamics
from smfg_verify.game import AbstractGame
from smfg_verify.report.tables.markdown import markdown_row, markdown_table
from smfg_verify.stochastic import Trace, ac_smfg

_ALONE = 8
_COLUMNS = ("what", "points", "first call, s", "warm, s", "one at a time, s", "ratio")


def timed(function: Callable, repeats: int) -> tuple[float, float]:
    """Seconds of the first call, and the median of those after it."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        jax.block_until_ready(function())
        seconds.append(time.perf_counter() - start)
    return seconds[0], statistics.median(seconds[1:])


def part(trace: Trace, seeds: slice, checkpoints: slice) -> Trace:
    """Some seeds of a trace at some checkpoints."""
    arrays = {name: getattr(trace, name) for name in trace.__dataclass_fields__ if name != "metadata"}
    kept = {name: array[seeds] if array.ndim == 1 else array[seeds, checkpoints] for name, array in arrays.items()}
    kept["iterations"] = trace.iterations[checkpoints]
    return Trace(**kept, metadata=trace.metadata)


def iterates(trace: Trace) -> Components:
    """All recorded iterates, the first axis counting them."""
    tables = (getattr(trace, name) for name in Components._fields)
    return Components(*(jnp.asarray(table.reshape(-1, *table.shape[2:])) for table in tables))


def report(name: str, function: Callable, alone: Callable, number: int, repeats: int) -> None:
    first, median = timed(function, repeats)
    single = timed(alone, repeats)[1] / _ALONE * number
    cells = name, f"{number:,}", f"{first:.1f}", f"{median:.2f}", f"{single:.1f}", f"{single / median:.1f}"
    print(markdown_row(cells), end="", flush=True)


def measure_residuals(game: AbstractGame, seeds: int, checkpoints: int, repeats: int) -> None:
    trace = ac_smfg(game, num_iterations=20_000, seeds=range(seeds), checkpoints=checkpoints)
    few = [part(trace, slice(k, k + 1), slice(-1, None)) for k in range(_ALONE)]
    number = trace.leader_logits.shape[0] * trace.leader_logits.shape[1]
    whole, alone = (lambda: exact_residuals(game, trace)), (lambda: [exact_residuals(game, one) for one in few])
    report(f"residuals, {game.num_states} states", whole, alone, number, repeats)


def measure_drift(game: AbstractGame, name: str, number: int, repeats: int) -> None:
    trace = ac_smfg(
        game, num_iterations=2000, seeds=range(20), checkpoints=np.linspace(1, 2000, number // 20).astype(int)
    )
    points, schedules = iterates(trace), schedules_around(trace.metadata.step_constants)
    first = [jax.tree.map(lambda leaf: leaf[k], points) for k in range(_ALONE)]  # noqa: B023
    together = jax.jit(jax.vmap(lambda point: mean_dynamics(game, point)))
    report(
        f"mean dynamics, {name}",
        lambda: together(points),
        lambda: [mean_dynamics(game, point) for point in first],
        number,
        repeats,
    )
    few = [part(trace, slice(k, k + 1), slice(-1, None)) for k in range(_ALONE)]
    budget = 10**9
    report(
        f"expected residuals, {name}",
        lambda: expected_residuals(game, trace, schedules, max_points=budget).before,
        lambda: [expected_residuals(game, one, schedules, max_points=budget).before for one in few],
        number,
        repeats,
    )
    first_call, median = timed(lambda: validate_drift(game, trace, max_points=budget).constants, repeats)
    cells = f"drift with its linear programs, {name}", f"{number:,}", f"{first_call:.1f}", f"{median:.2f}", "", ""
    print(markdown_row(cells), end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", default="market-entrance", help="of the drift")
    parser.add_argument("--states", type=int, default=10, help="of the residuals' random game")
    parser.add_argument("--seeds", type=int, default=256)
    parser.add_argument("--checkpoints", type=int, default=60)
    parser.add_argument("--iterates", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    print(markdown_table(_COLUMNS, ()), end="")
    random = games.load("random-game", num_states=arguments.states)
    measure_residuals(random, arguments.seeds, arguments.checkpoints, arguments.repeats)
    measure_drift(games.load(arguments.game), arguments.game, arguments.iterates, arguments.repeats)


if __name__ == "__main__":
    main()
