"""Peak memory of AC-SMFG: 256 seeds, 60 checkpoints, n = 10, for more and more iterations.

Only checkpoints are kept, so the peak does not grow with the number of iterations. The default stops at 10^5;
`--iterations 1000000` is the full run.
"""

import argparse
import resource
import sys
import time

from smfg_verify import games
from smfg_verify.stochastic import ac_smfg


def peak_mebibytes() -> float:
    # Linux reports kibibytes, macOS bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=256)
    parser.add_argument("--states", type=int, default=10)
    arguments = parser.parse_args()
    game = games.load("random-game", num_states=arguments.states)
    counts = [count for count in (1_000, 10_000, 100_000) if count < arguments.iterations] + [arguments.iterations]
    print(f"{arguments.seeds} seeds, n = {arguments.states}, 60 checkpoints; before: {peak_mebibytes():.0f} MiB")
    for count in counts:
        start = time.perf_counter()
        trace = ac_smfg(game, num_iterations=count, seeds=range(arguments.seeds))
        size = sum(array.nbytes for array in trace.to_xarray().data_vars.values()) / 2**20
        elapsed = time.perf_counter() - start
        print(
            f"{count:>9} iterations: peak {peak_mebibytes():.0f} MiB, trace {size:.1f} MiB, {elapsed:.1f} s", flush=True
        )


if __name__ == "__main__":
    main()
