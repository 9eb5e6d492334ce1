"""Short commands of the command line, and whether two folders hold the same results."""

import json
from pathlib import Path

import numpy as np

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
