"""bound.json, and its figure where a run stands beside the bound."""

from pathlib import Path

from smfg_verify.files import write_in
from smfg_verify.jobs.bound import Bound
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.report.figures.drawing import figure_files
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.files.game import game_record
from smfg_verify.report.theorem.figure import bound_figure

BOUND_FILE, BOUND_FIGURE = "bound.json", "bound"
FORMAT, SCHEMA_VERSION = "smfg-verify bound", 1


def write_bound(bound: Bound, directory: Path, *, width: FigureWidth = "two") -> list[Path]:
    """Write bound.json and the figure, all or nothing, into a directory that exists; returns the files."""
    certified, beside = bound.certified, bound.beside
    record = {
        "game": game_record(bound.game, bound.settings.name),
        "run": bound.run,
        "constants": None if certified.inputs is None else certified.inputs._asdict(),
        "missing": [str(reason) for reason in certified.missing],
        "missing_for_leader": [str(reason) for reason in certified.missing_for_leader],
        "follower_floor": None if beside is None else beside.floor,
        "curve": None if beside is None else beside.curve._asdict(),
        "measured": None if beside is None else beside.measured,
        "losses": None if beside is None else [loss._asdict() for loss in beside.losses],
    }
    files = {BOUND_FILE: document(headed(FORMAT, SCHEMA_VERSION, plain(record))).encode()}
    if beside is not None:
        files |= figure_files(bound_figure(beside, game=bound.settings.short_name, width=width), BOUND_FIGURE)
    return write_in(directory, files)
