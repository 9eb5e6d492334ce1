"""drift.json."""

import dataclasses
from pathlib import Path

from smfg_verify.bounds.drift.inequalities import DriftInequality
from smfg_verify.bounds.drift.validate_drift import DriftReport
from smfg_verify.files import write_atomically
from smfg_verify.jobs.drift import Drift
from smfg_verify.records.codec import plain, rendered_texts
from smfg_verify.records.documents import document, headed
from smfg_verify.records.entries import Record
from smfg_verify.report.files.game import game_record

DRIFT_FILE = "drift.json"


FORMAT, SCHEMA_VERSION = "smfg-verify drift", 4


def write_drift(drift: Drift, directory: Path) -> Path:
    """Write drift.json, completely or not at all, into a directory that exists; returns the file's path."""
    report = drift.report
    record = {
        "game": game_record(drift.game, drift.settings.name),
        "run": drift.run,
        "inequalities": {name: _inequality(report, entry) for name, entry in report.inequalities.items()},
        "lyapunov": report.lyapunov,
        "region": report.region,
        "iterates": len(report.data.seeds),
        "iterates_left_out": report.data.num_left_out,
        "curves": drift.curves,
        "one_sided_rate": drift.rate,
    }
    text = document(headed(FORMAT, SCHEMA_VERSION, plain(record)))
    return write_atomically(directory / DRIFT_FILE, text.encode())


def _inequality(report: DriftReport, inequality: DriftInequality) -> Record:
    names = (*(field.name for field in dataclasses.fields(inequality)), *rendered_texts(DriftInequality))
    written = {name: getattr(inequality, name) for name in names if name != "slack"}
    name = inequality.residual
    written["binding"] = report.binding[name]
    return {**written, "held_out": report.held_out[name], "markov_correction": report.markov_correction[name]}
