"""sweep.json, the dataset, and the figure of a sweep."""

from pathlib import Path

from smfg_verify.files import write_in
from smfg_verify.jobs.sweep import SweepResult
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.records.entries import Record
from smfg_verify.records.versions import versions
from smfg_verify.report.figures.drawing import figure_files
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.sweep.figure import sweep_figure
from smfg_verify.sweep.dataset import write_dataset
from smfg_verify.sweep.kinds.outcome import CellStatus
from smfg_verify.sweep.slices import Slice

FORMAT, SCHEMA_VERSION = "smfg-verify sweep", 1
SWEEP_FILE, SWEEP_FIGURE = "sweep.json", "sweep"
_DATASETS = {"zarr": "sweep.zarr", "netcdf": "sweep.nc"}


def write_sweep(result: SweepResult, drawn: Slice | None, directory: Path, *, width: FigureWidth) -> list[Path]:
    """Write the dataset, then sweep.json and the figure, into a directory that exists; returns the files."""
    dataset = write_dataset(result.dataset, directory / _DATASETS[result.format])
    figure = {} if drawn is None else figure_files(sweep_figure(drawn, width=width), SWEEP_FIGURE)
    text = document(headed(FORMAT, SCHEMA_VERSION, sweep_record(result)))
    return [dataset, *write_in(directory, {SWEEP_FILE: text.encode(), **figure})]


def sweep_record(result: SweepResult) -> Record:
    """What was asked for, how many cells came to what, and why cells have no numbers, as JSON values."""
    settings, swept = result.settings, result.swept
    return {
        "what": [kind.name for kind in settings.kinds],
        "design": settings.design,
        "games": [plain(game) for game in settings.games],
        "axes": [plain(axis) for axis in settings.axes],
        "parameters": plain(settings.parameters),
        "schedule": plain(settings.schedule),
        "samples": settings.samples,
        "random_seed": settings.random_seed,
        "seeds": list(settings.seeds),
        "options": plain(settings.options),
        "counts": {kind.name: _counts(result, kind.name) for kind in settings.kinds},
        "failures": [{"reason": reason, "cells": cells} for reason, cells in swept.failures.items()],
        "versions": versions(),
    }


def _counts(result: SweepResult, kind: str) -> Record:
    found = result.swept.counts(kind)
    return {status.label: found[status] for status in CellStatus if found.get(status)}
