"""compare.json and its figure."""

from pathlib import Path

from smfg_verify.files import write_in
from smfg_verify.game import game_name
from smfg_verify.jobs.compare import COMPARE_FIGURE, COMPARE_FILE, FORMAT, SCHEMA_VERSION, Compared
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.records.versions import versions
from smfg_verify.report.figures.comparison import comparison_figure
from smfg_verify.report.figures.drawing import figure_files
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.files.game import game_record


def write_comparison(compared: Compared, directory: Path, *, width: FigureWidth = "two") -> list[Path]:
    """Write compare.json and the figure, all or nothing, into a directory that exists; returns the files."""
    found = compared.comparison
    record = {
        "game": game_record(compared.game, compared.settings.name),
        "settings": plain(found.settings),
        "results": plain(found.results),
        "differences": plain(found.differences),
        "versions": versions(),
    }
    text = document(headed(FORMAT, SCHEMA_VERSION, record))
    figure = comparison_figure(found, game=game_name(compared.game), width=width)
    return write_in(directory, {COMPARE_FILE: text.encode(), **figure_files(figure, COMPARE_FIGURE)})
