"""Where the seconds of a command go, in new processes: with no compiled program kept, and with those that it left.

`python -m benchmarks.first_minute`, or with a command of `smfg-verify` behind it and, before that, `--out FILE`.
Seconds are those of the processor, user and system together, of the process that draws too: they say less about a
busy machine than those of the clock, and nothing about how fast it is. Those of tracing, compiling and lowering are
sums over threads that wait for each other.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from smfg_verify.report.tables.markdown import markdown_table

COMMANDS = (
    ("show", "laffer-tax"),
    ("check", "laffer-tax", "--budget", "quick"),
    ("check", "laffer-tax"),
)
# JAX's names of the events that it tells the length of, and ours.
_PARTS = {
    "jaxpr_trace_duration": "tracing",
    "jaxpr_to_mlir_module_duration": "lowering",
    "backend_compile_duration": "compiling",
}
_COLUMNS = ("clock", "processor", "programs compiled", "programs read", *_PARTS.values(), "figures and files")
# What is carried out in a new process: the last line that it prints is the measurement.
_CHILD = """
import json, os, sys, time
began = time.perf_counter()
import jax
from smfg_verify.cli import main
from smfg_verify.game.programs import kept_programs
from smfg_verify.report import show
told, spent = {}, {"read": 0, "files": 0.0}
def listen(event, seconds, **how):
    told.setdefault(event.rsplit("/", 1)[-1], []).append(seconds)
jax.monitoring.register_event_duration_secs_listener(listen)
read, write = kept_programs._read, show.write_files
def counted(*arguments):
    found = read(*arguments)
    spent["read"] += found is not None
    return found
def timed(*arguments, **named):
    before = time.process_time()
    try:
        return write(*arguments, **named)
    finally:
        spent["files"] += time.process_time() - before
kept_programs._read, show.write_files = counted, timed
code = main(sys.argv[1:])
times = os.times()
print()
print(json.dumps({"code": code, "clock": time.perf_counter() - began, "processor": sum(times[:4]),
                  "told": {event: (len(all), sum(all)) for event, all in told.items()}, **spent}))
"""


def measured(command: tuple[str, ...], folder: Path, cache: Path) -> dict[str, float]:
    environment = {**os.environ, "SMFG_VERIFY_CACHE": str(cache)}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    out = ("--out", str(folder)) if command[0] != "show" else ()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *command, *out], env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    if found["code"] != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {found['code']}\n{done.stderr}")
    told = found["told"]
    return {
        "clock": found["clock"],
        "processor": found["processor"],
        "programs compiled": told.get("backend_compile_duration", (0, 0.0))[0],
        "programs read": found["read"],
        **{part: told.get(event, (0, 0.0))[1] for event, part in _PARTS.items()},
        "figures and files": found["files"],
    }


def main() -> None:
    words, out = sys.argv[1:], None
    if words[:1] == ["--out"]:
        out, words = Path(words[1]), words[2:]
    commands = (tuple(words),) if words else COMMANDS
    rows, kept = [], []
    for command in commands:
        with tempfile.TemporaryDirectory() as folder:
            for state in ("none", "all"):
                found = measured(command, Path(folder) / f"out-{state}", Path(folder) / "cache")
                kept.append({"command": " ".join(command), "kept": state, **found})
                if out is not None:  # after each, so that one that is stopped leaves the others
                    out.write_text(json.dumps(kept, indent=1) + "\n")
                numbers = (f"{found[column]:.{0 if 'programs' in column else 1}f}" for column in _COLUMNS)
                rows.append((f"`{' '.join(command)}`", state, *numbers))
    print(markdown_table(("command", "kept programs", *_COLUMNS), rows), end="")


if __name__ == "__main__":
    main()
