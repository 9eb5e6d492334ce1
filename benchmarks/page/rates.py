"""What this machine can do at most: bytes a second of a copy, and operations a second of BLAS and LAPACK.

A copy of arrays far larger than the caches (as STREAM's, bytes read and written both counted), one that stays in them,
`dgemm` and `dgetrf` of SciPy. The largest rate of some repeats counts, since a limit is asked for. On one thread, and
on all that the process may use.
"""

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import scipy.linalg.blas
import scipy.linalg.lapack

from smfg_verify.processors import processors

LARGE, SMALL, REPEATS = 2**25, 2**14, 7
GEMM, FACTORED = 1000, 800


def rate(work: float, call: Callable[[], object]) -> float:
    """Units of work a second of the quickest of some calls."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return work / min(times)


def copied(threads: int, size: int, rounds: int) -> float:
    """Bytes a second of copies on so many threads, each of its own arrays."""
    arrays = [(np.zeros(size), np.ones(size)) for _ in range(threads)]

    def copy(pair: tuple[np.ndarray, np.ndarray]) -> None:
        for _ in range(rounds):
            np.copyto(*pair)

    with ThreadPoolExecutor(threads) as pool:
        return rate(16.0 * size * rounds * threads, lambda: list(pool.map(copy, arrays)))


def measured() -> dict[str, float]:
    random = np.random.default_rng(0)
    left, right = (np.asfortranarray(random.standard_normal((GEMM, GEMM))) for _ in range(2))
    system = np.asfortranarray(random.standard_normal((FACTORED, FACTORED)))
    return {
        "threads": processors(),
        "copy, one thread": copied(1, LARGE, 1),
        "copy": copied(processors(), LARGE, 1),
        "copy in cache, one thread": copied(1, SMALL, 500),
        "dgemm": rate(2.0 * GEMM**3, lambda: scipy.linalg.blas.dgemm(1.0, left, right)),
        "dgetrf": rate(2.0 / 3.0 * FACTORED**3, lambda: scipy.linalg.lapack.dgetrf(system)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    found = measured()
    for name, value in found.items():
        unit = "GB/s" if name.startswith("copy") else "Gflop/s"
        print(f"{name}: {value}" if name == "threads" else f"{name}: {value / 1e9:.1f} {unit}")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
