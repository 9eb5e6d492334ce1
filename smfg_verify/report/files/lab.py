"""lab.json and its figure."""

from pathlib import Path

from smfg_verify.files import write_in
from smfg_verify.game import game_name
from smfg_verify.jobs.lab import LabResult
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.report.figures.drawing import figure_files
from smfg_verify.report.figures.laboratory import laboratory_figure
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.files.game import game_record

LAB_FILE, LAB_FIGURE = "lab.json", "lab"


FORMAT, SCHEMA_VERSION = "smfg-verify lab", 2


def write_lab(result: LabResult, directory: Path, *, width: FigureWidth = "two") -> list[Path]:
    """Write lab.json and the figure, all or nothing, into a directory that exists; returns the files."""
    record = {
        "game": game_record(result.game, result.settings.name),
        "run": plain(result.run),
        "lab": plain(result.lab),
    }
    text = document(headed(FORMAT, SCHEMA_VERSION, record))
    figure = laboratory_figure(result.lab, game=game_name(result.game), width=width)
    return write_in(directory, {LAB_FILE: text.encode(), **figure_files(figure, LAB_FIGURE)})
