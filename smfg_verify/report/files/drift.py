"""drift.json."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from smfg_verify.bounds.drift.inequalities import DriftInequality
from smfg_verify.bounds.drift.validate_drift import DriftReport
from smfg_verify.files import write_atomically
from smfg_verify.jobs.drift import Drift
from smfg_verify.records.plain import plain
from smfg_verify.report.files.game import game_record

DRIFT_FILE = "drift.json"


FORMAT, SCHEMA_VERSION = "smfg-verify drift", 2


def write_drift(drift: Drift, directory: Path) -> Path:
    """Write drift.json, completely or not at all, into a directory that exists; returns the file's path."""
    report = drift.report
    record = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "game": game_record(drift.game, drift.settings.name),
        "run": plain(drift.run),
        "inequalities": {name: _inequality(report, entry) for name, entry in report.inequalities.items()},
        "lyapunov": dataclasses.asdict(report.lyapunov),
        "region": dataclasses.asdict(report.region),
        "iterates": len(report.data.seeds),
        "iterates_left_out": report.data.num_left_out,
        "curves": None if drift.curves is None else dataclasses.asdict(drift.curves),
    }
    text = json.dumps(_numbers(record), indent=1, allow_nan=False)
    return write_atomically(directory / DRIFT_FILE, f"{text}\n".encode())


def _inequality(report: DriftReport, inequality: DriftInequality) -> dict[str, Any]:
    kept = dataclasses.asdict(inequality)
    del kept["slack"]
    name = inequality.residual
    kept["binding"] = report.binding[name]
    return {**kept, "held_out": report.held_out[name], "markov_correction": report.markov_correction[name]}


def _numbers(value: object) -> Any:
    """Lists for arrays; a number that is not finite becomes its name, since JSON has none."""
    if isinstance(value, dict):
        return {key: _numbers(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return _numbers(value.tolist())
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
