"""along.json and its figure."""

from pathlib import Path

from smfg_verify.files import write_in
from smfg_verify.jobs.along import Along
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.report.along.figure import along_figure
from smfg_verify.report.figures.drawing import figure_files
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.files.game import game_record

ALONG_FILE, ALONG_FIGURE = "along.json", "along"


FORMAT, SCHEMA_VERSION = "smfg-verify along", 2


def write_along(along: Along, directory: Path, *, width: FigureWidth = "two") -> list[Path]:
    """Write along.json and the figure, all or nothing, into a directory that exists; returns the files."""
    record = {
        "game": game_record(along.game, along.settings.name),
        "method": along.method,
        "along": plain(along.found),
        "near": {name: plain(near._asdict()) for name, near in along.found.near.items()},
    }
    text = document(headed(FORMAT, SCHEMA_VERSION, record))
    figure = along_figure(along.found, width=width)
    return write_in(directory, {ALONG_FILE: text.encode(), **figure_files(figure, ALONG_FIGURE)})
