"""A directory as a job leaves it, made in a moment: records made by hand, figures drawn of a few points."""

import dataclasses
import functools
import json

import numpy as np

from smfg_verify.jobs.settings import CheckSettings, RunSettings
from smfg_verify.report.figures.drawing import figure_files, finish_axes
from smfg_verify.report.figures.layout import new_figure
from smfg_verify.report.files.report import report_bytes
from tests.bounds.rates.test_decay import noisy_power_law
from tests.bounds.rates.test_validate_bounds import report_of
from tests.report.files.test_report import results, trace
from tests.report.records import assumptions, finding

# The constants sort otherwise as numbers than as texts, and one is missing.
FINDINGS = (
    finding("coverage", "initial", "refuted", 0.0, facts={"state": 1}, searched={"leaders": 64}),
    finding("coverage", "stationary", "supported", 0.0625, side="upper", evidence="search"),
    finding("coverage", "occupancy", "certified", 0.499999999918, side="lower", facts={"state": 0}),
    finding("step-sizes", "order", "not-applicable", float("nan")),
)
SETTINGS = {"step_sizes": {"leader": 0.25, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}}


def results_of_all_stages():
    check = dataclasses.replace(assumptions(*FINDINGS), settings=SETTINGS)
    found = results(
        trace=trace(),
        run=RunSettings(3, 1, schedule={"leader": 0.25, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}),
        check=CheckSettings(budget="quick"),
        assumptions=check,
        bounds=report_of(noisy_power_law(np.random.default_rng(0), -0.5, num_seeds=9)),
        warnings=("a warning",),
        timings={"run": 1.5, "check": 10.25},
    )
    found.uniform.certificate["objective_error_bound"] = 3e-13
    return found


def record_of_all_stages():
    """The record of a validation."""
    return json.loads(_text_of_all_stages())


@functools.cache
def _text_of_all_stages():
    return report_bytes(results_of_all_stages())


def save(directory, record, pictures=("equilibrium", "convergence")):
    """Write a record, and pictures that it then names, into a directory; returns the directory."""
    files = {}
    for number, name in enumerate(pictures):
        files |= _drawn(name, number)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    (directory / "report.json").write_text(json.dumps({**record, "files": list(files)}))
    return directory


@functools.cache
def _drawn(name, number):
    figure = new_figure("two")
    axes = figure.subplots()
    axes.plot([0.0, 1.0], [0.0, number + 1.0], label="a line")
    axes.imshow(np.eye(2), extent=(0.0, 0.5, 0.0, 0.5))
    finish_axes(axes, rf"$\tau$ of {name}", "x", "y")
    return figure_files(figure, name)
