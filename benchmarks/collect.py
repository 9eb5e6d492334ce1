"""Every comparison with someone else, one after another: tables on the screen, one JSON file with all numbers.

The file says what machine it was, how busy before and after each part, how long each took, and the versions of
everyone; peers are installed in `.bench`, each in an environment of its own, at the first run, and left out with a word
where that cannot be. `python -m benchmarks.page` makes docs/benchmarks.md of it.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.environments import FOLDER, REQUIREMENTS, ROOT

SCHEMA = 3
# No part may hold up the others for longer, in seconds.
LONGEST = 300


class Part(NamedTuple):
    """One module of this folder that takes --out, with arguments of a full and of a quick run; none: left out there."""

    module: str
    full: tuple[object, ...]
    quick: tuple[object, ...] | None

    def arguments(self, quick: bool) -> tuple[object, ...] | None:
        return self.quick if quick else self.full


def _seed_steps(*words: object) -> Part:
    full, quick = (300_000, 50_000) if "--seeds" in words else (30_000, 5000)
    long, short = (("--iterations", full, "--repeats", 5), ("--iterations", quick, "--repeats", 3))
    return Part("ac_smfg_speed", ("--numba", "auto", *words, *long), ("--numba", "auto", *words, *short))


_GARNET = ("--game", "garnet")
BENCHMARKS = {
    "limits": Part("page.rates", (), ()),
    "chain": Part("nash_equilibria", ("--states", 7, 20, 100, "--repeats", 7), ("--states", 7, "--repeats", 5)),
    "chain of 1000": Part("nash_equilibria", ("--states", 1000, "--repeats", 1, "--alone"), None),
    "garnet": Part("nash_equilibria", (*_GARNET, "--states", 20, 100, "--repeats", 5), (*_GARNET, "--states", 20)),
    "dense": Part("dense_games", (), ("--states", 10, 50, "--repeats", 3)),
    "sparse": Part("sparse_growth", (), None),
    "seed-steps, 64 seeds, float32": _seed_steps(),
    "seed-steps, 64 seeds, float64": _seed_steps("--double"),
    "seed-steps, 1 seed, float32": _seed_steps("--seeds", 1),
    "seed-steps, 1 seed, float64": _seed_steps("--seeds", 1, "--double"),
    "seed-steps, n = 50, float32": Part(
        "ac_smfg_speed", ("--numba", "auto", "--states", 50, "--iterations", 5000, "--repeats", 5), None
    ),
    "sweep": Part("sweep_throughput", ("--cells", 120, "--seconds", 0.1, "--only", "sleep", "runs", "solves"), None),
    "first minute": Part("first_minute", (), None),
}
_VERSIONS = ("smfg-verify", "jax", "jaxlib", "numpy", "scipy", "equinox")


def carry_out(part: Part, quick: bool) -> dict[str, object]:
    """One part in a process of its own, the numbers that it wrote, and what the machine was like meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        words = ["--out", str(out), *map(str, part.arguments(quick) or ())]
        begun, load = time.monotonic(), os.getloadavg()[0]
        try:
            command = [sys.executable, "-m", f"benchmarks.{part.module}", *words]
            code = subprocess.run(command, cwd=ROOT, timeout=LONGEST).returncode
            trouble = f"exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            trouble = f"stopped after {LONGEST} s"
        result = json.loads(out.read_text()) if out.exists() else None
        taken = time.monotonic() - begun
        return {"result": result, "trouble": trouble, "seconds": taken, "load": [load, os.getloadavg()[0]]}


def machine() -> dict[str, object]:
    """What the numbers were measured on."""
    processor = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") if os.path.exists("/proc/cpuinfo") else open(os.devnull) as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {
        "system": platform.system(),
        "processor": names[0] if names else processor,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few repeats, fewer parts")
    parser.add_argument("--only", nargs="+", choices=tuple(BENCHMARKS), help="these parts, the others as they are")
    parser.add_argument("--out", type=Path, default=FOLDER / "results.json")
    arguments = parser.parse_args()
    known = json.loads(arguments.out.read_text()) if arguments.only and arguments.out.exists() else {}
    found = known.get("parts", {}) if known.get("schema") == SCHEMA else {}
    wanted = [name for name in arguments.only or BENCHMARKS if BENCHMARKS[name].arguments(arguments.quick) is not None]
    for name in wanted:
        print(f"== {name}", flush=True)
        found[name] = carry_out(BENCHMARKS[name], arguments.quick)
    record = {
        "schema": SCHEMA,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "quick": arguments.quick,
        "machine": machine(),
        "versions": {name: metadata.version(name) for name in _VERSIONS},
        "peers": {name: list(pins) for name, pins in REQUIREMENTS.items()},
        "parts": {name: found[name] for name in BENCHMARKS if name in found},
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {arguments.out}; {sum(found[name]['seconds'] for name in wanted):.0f} s")
    return int(any(found[name]["trouble"] for name in wanted))


if __name__ == "__main__":
    sys.exit(main())
