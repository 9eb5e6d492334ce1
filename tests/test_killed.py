"""Commands that are killed (SIGKILL) at any moment: whole files only, and --resume comes to the same result."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from smfg_verify.stochastic import Trace

CHECK = ["--budget", "quick", "--leaders", "8", "--starts", "2", "--property", "coverage", "--property", "step-sizes"]
METHODS = ["--method", "ac-smfg", "--method", "exact-ascent"]
RUN = ["--seeds", "5", "--iterations", "20000"]
COMMANDS = {
    "run": ["run", "laffer-tax", *RUN],
    "validate": ["validate", "laffer-tax", *RUN, *CHECK],
    "check": ["check", "laffer-tax", *CHECK],
    "atlas": ["atlas", "laffer-tax", "two-road-toll", *CHECK],
    "compare": ["compare", "laffer-tax", "--samples", "400", "--seeds", "5", "--trials", "1", *METHODS],
    "plan": ["plan", "laffer-tax", "--pilot-seeds", "6", "--pilot-iterations", "3000", "--seeds", "8"],
    "drift": ["drift", "laffer-tax", "--seeds", "2", "--iterations", "1000"],
    "lab": ["lab", "laffer-tax", "--seeds", "4", "--iterations", "40"],
}
# What a clock says is not a result.
CLOCKS = ("timings", "seconds")
# Kills itself as its n-th file of results is complete and about to take its place.
SUICIDAL = (
    "import os, signal, sys\nfrom smfg_verify import files\nfrom smfg_verify.cli import main\n"
    "left, write = int(sys.argv[1]), files._complete\n"
    "def counted(path, content):\n"
    "    global left\n    left -= path.suffix in ('.json', '.nc')\n"
    "    if left <= 0:\n        files.Path.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)\n"
    "    return write(path, content)\n"
    "files._complete = counted\nsys.exit(main(sys.argv[2:]))\n"
)


@dataclasses.dataclass
class Ending:
    code: int
    said: str
    seconds: float


def ended(command, kill_after=None):
    """Run a process, killed after some seconds if it has not ended by then."""
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = process.communicate(timeout=kill_after)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[1]
    return Ending(process.returncode, said, time.monotonic() - begun)


def command_line(name, out, *more):
    return [sys.executable, "-m", "smfg_verify", *COMMANDS[name], "--out", str(out), *more]


def files_under(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file()) if Path(folder).exists() else []


def assert_whole(folder):
    """Whatever has taken its place is a whole file; the rest is hidden."""
    for path in files_under(folder):
        if path.name.startswith("."):
            assert path.suffix == ".partial"
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".nc":
            Trace.load(path)


def without_clocks(record):
    if isinstance(record, dict):
        return {key: without_clocks(entry) for key, entry in record.items() if key not in CLOCKS}
    return [without_clocks(entry) for entry in record] if isinstance(record, list) else record


def assert_same_results(folder, reference):
    names = [path.relative_to(folder) for path in files_under(folder)]
    assert names == [path.relative_to(reference) for path in files_under(reference)]
    for name in names:
        one, other = Path(folder) / name, Path(reference) / name
        if name.suffix == ".json":
            assert without_clocks(json.loads(one.read_text())) == without_clocks(json.loads(other.read_text())), name
        elif name.suffix == ".nc":
            for field in ("iterations", "leader_logits", "follower_logits", "leader_critic", "mean_field"):
                np.testing.assert_array_equal(getattr(Trace.load(one), field), getattr(Trace.load(other), field))
        elif not name.name.startswith("compare."):  # that figure has an axis of seconds
            assert one.read_bytes() == other.read_bytes(), name


def resumed(name, out, reference):
    """Go on after a kill; whether it said that it starts again."""
    assert_whole(out)
    ending = ended(command_line(name, out, "--resume"))
    assert ending.code == 0, ending.said
    assert_same_results(out, reference)
    return "starts again" in ending.said


@pytest.mark.parametrize(("name", "deaths"), [("validate", (3, 4)), ("drift", (3, 5))])
def test_a_command_that_dies_with_a_file_in_its_hands_is_resumed_to_the_same_result(name, deaths, tmp_path):
    """The worst moments: the content of a file is complete and its name is not yet given; again and again."""
    reference, out = tmp_path / "reference", tmp_path / "out"
    assert ended(command_line(name, reference)).code == 0
    for death in deaths:
        more = ["--resume"] if death != deaths[0] else []
        ending = ended([sys.executable, "-c", SUICIDAL, str(death), *COMMANDS[name], "--out", str(out), *more])
        assert ending.code == -9, ending.said
        assert [path.suffix for path in files_under(out)].count(".partial") == 1
        assert_whole(out)
    assert not resumed(name, out, reference)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_killed_at_random_moments_is_resumed_to_the_same_result(name, tmp_path):
    kills = int(os.environ.get("SMFG_VERIFY_KILLS", "20"))
    reference = tmp_path / "reference"
    assert ended(command_line(name, reference)).code == 0
    whole = ended(command_line(name, tmp_path / "again")).seconds  # what is compiled is cached by now
    moments = np.random.default_rng(sum(map(ord, name))).uniform(0.0, whole, kills)
    counts = {"killed": 0, "ended before": 0, "went on": 0, "said that it starts again": 0}
    for number, moment in enumerate(moments):
        out = tmp_path / f"out-{number}"
        killed = ended(command_line(name, out), kill_after=moment).code == -9
        counts["killed" if killed else "ended before"] += 1
        counts["said that it starts again" if resumed(name, out, reference) else "went on"] += 1
    print(f"\n{name}: {whole:.1f} s, {counts}")
