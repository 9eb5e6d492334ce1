"""AC-SMFG on local moves: time of one iteration of one seed on congestion-pricing of 10^2 to 10^6 cells.

An iteration reads and changes one row of each table, and the mean field decays by one number. What a call costs once,
the copies of its tables and the sums of rho, is taken off by timing two lengths of the same call, in turns: the cost of
an iteration is their difference over the iterations between them. The rest is the machine's memory: a grid of 10^6
cells does not fit its caches.
"""

import argparse
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify import games
from smfg_verify.game import traced
from smfg_verify.stochastic import Schedule
from smfg_verify.stochastic.ac_smfg import AcSmfg
from smfg_verify.stochastic.engine.advance import advance_in_turn, goes_in_turn
from smfg_verify.stochastic.engine.groups import one_lane
from smfg_verify.stochastic.engine.initial import first_iterate, repeated_memory
from smfg_verify.stochastic.value_bounds import ValueBounds


def cost(side: int, begin: int, iterations: int, repeats: int) -> tuple[float, float]:
    """Nanoseconds of the wall clock and of the processor for an iteration, after the first `begin` of a run."""
    game = traced(games.load("congestion-pricing", side=side))
    bounds = ValueBounds(*(jnp.asarray(end) for end in (-20.0, 20.0, -20.0, 20.0)))
    method, seeds = AcSmfg(Schedule(), "markov"), np.array([0], np.uint32)
    carry = one_lane(first_iterate(game, bounds, seeds, None) | repeated_memory(method.first_memory(game), 1))
    if not goes_in_turn(game, bounds, method, carry):
        raise SystemExit("the runs of this machine go side by side: no iteration of one seed to time")

    def run(start: int, stop: int) -> tuple[float, float]:
        wall, processor = time.perf_counter(), time.process_time()
        span = (jnp.asarray(number, jnp.int32) for number in (start, stop, 1))
        jax.block_until_ready(advance_in_turn(game, bounds, method, jnp.asarray(seeds), carry, *span))
        return time.perf_counter() - wall, time.process_time() - processor

    run(0, 1)
    pairs = [(run(begin, begin + iterations), run(begin, begin + 2 * iterations)) for _ in range(repeats)]
    wall, processor = ([long[k] - short[k] for short, long in pairs] for k in range(2))
    return statistics.median(wall) / iterations * 1e9, statistics.median(processor) / iterations * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[10, 32, 100, 316, 1000])
    parser.add_argument("--begin", type=int, default=100_000, help="iterations at whose step sizes is timed")
    parser.add_argument("--iterations", type=int, default=500_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--double", action="store_true", help="float64 in place of float32")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", arguments.double)
    print(
        f"{'float64' if arguments.double else 'float32'}, medians of {arguments.repeats}, ns an iteration of one seed"
    )
    for side in arguments.sides:
        wall, processor = cost(side, arguments.begin, arguments.iterations, arguments.repeats)
        print(f"{side**2} cells: {wall:.0f} wall, {processor:.0f} processor")


if __name__ == "__main__":
    main()
