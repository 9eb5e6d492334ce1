"""Every comparison with someone else, one after another: tables on the screen, one JSON file with all numbers.

The file says what machine it was, how busy, and the versions of everyone; peers are installed in `.bench`, each in an
environment of its own, at the first run, and left out with a word where that cannot be.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from benchmarks.peers.environments import FOLDER, ROOT

SCHEMA = 1
# By name: the module, and arguments of a full and of a quick run; each takes --out.
_NUMBA = ("--numba", "auto")
BENCHMARKS = {
    "chain": ("chain_equilibria", ("--states", 7, 20, 100), ("--states", 7, "--repeats", 5)),
    "dense": ("dense_games", ("--states", 10, 50, 100, 200), ("--states", 10, "--repeats", 3)),
    "seed-steps, 64 seeds": ("ac_smfg_speed", _NUMBA, (*_NUMBA, "--iterations", 5000, "--repeats", 3)),
    "seed-steps, 1 seed": (
        "ac_smfg_speed",
        (*_NUMBA, "--seeds", 1),
        (*_NUMBA, "--seeds", 1, "--iterations", 50_000, "--repeats", 3),
    ),
}
_VERSIONS = ("smfg-verify", "jax", "jaxlib", "numpy", "scipy", "equinox")


def carry_out(name: str, quick: bool) -> object:
    """One benchmark in a process of its own, and the numbers that it wrote."""
    module, *arguments = BENCHMARKS[name]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments[quick]), "--out", out], cwd=ROOT
        )
        return json.loads(out.read_text()) if done.returncode == 0 else f"exit code {done.returncode}"


def machine() -> dict[str, object]:
    """What the numbers were measured on, and how busy it is."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few repeats")
    parser.add_argument("--out", type=Path, default=FOLDER / "results.json")
    arguments = parser.parse_args()
    before = machine()
    found = {name: carry_out(name, arguments.quick) for name in BENCHMARKS}
    record = {
        "schema": SCHEMA,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {**before, "load_after": os.getloadavg()[0]},
        "versions": {name: metadata.version(name) for name in _VERSIONS},
        "results": found,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {arguments.out}")
    return int(any(isinstance(result, str) for result in found.values()))


if __name__ == "__main__":
    sys.exit(main())
