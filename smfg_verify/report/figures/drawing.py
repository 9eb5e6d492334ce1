"""What all figures share: colours, sizes, labels of axes, heat maps, and writing to files."""

import io
import textwrap
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase
from matplotlib.image import AxesImage

from smfg_verify.files import write_in

# Okabe and Ito's palette, told apart by colour-blind readers.
BLUE, ORANGE, RED, GREEN, GREY = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#595959"
COLOURS = "cividis"
FONT_SIZE = 8.5

_DOTS_PER_INCH = 200
_CHARACTERS_AN_INCH = 17
_MAX_TICKS = 24
_LONG_LABEL = 8
_MAX_NUMBERED_ROWS, _MAX_NUMBERED_COLUMNS = 16, 12


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches with a canvas of its own, outside pyplot."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def finish_axes(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    """Title, labels and a light look."""
    axes.set_title(title, fontsize=FONT_SIZE + 0.5, loc="left")
    axes.set_xlabel(x_label, fontsize=FONT_SIZE)
    axes.set_ylabel(y_label, fontsize=FONT_SIZE)
    axes.tick_params(labelsize=FONT_SIZE - 1)
    axes.spines[["top", "right"]].set_visible(False)


def legend(axes: Axes, where: Literal["best", "upper left", "upper center", "lower left"]) -> None:
    """A legend on a light ground, if anything is labelled."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=FONT_SIZE - 1, framealpha=0.8, edgecolor="none", loc=where)


def signed(number: float) -> str:
    """A number to two decimals with a true minus sign."""
    return f"{number:.2f}".replace("-", "\u2212")


def footnote(figure: Figure, text: str) -> None:
    """Small print under all panels, broken to the figure's width."""
    lines = textwrap.fill(text, width=int(_CHARACTERS_AN_INCH * figure.get_figwidth()))
    figure.supxlabel(lines, fontsize=FONT_SIZE - 1, color=GREY, x=0.01, ha="left")


def heat_map(
    axes: Axes,
    matrix: Float[np.ndarray, "R C"],
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    *,
    highest: float,
) -> AxesImage:
    """A matrix of probabilities as colours from 0 to `highest`, its cells numbered where they are few."""
    image = axes.imshow(matrix, cmap=COLOURS, vmin=0.0, vmax=highest, aspect="auto", interpolation="nearest")
    for axis, labels in ((axes.yaxis, rows), (axes.xaxis, columns)):
        shown = np.arange(0, len(labels), -(-len(labels) // _MAX_TICKS))
        axis.set_ticks(shown, [labels[i] for i in shown], fontsize=FONT_SIZE - 1)
    if sum(map(len, columns)) > _LONG_LABEL * len(columns):
        for label in axes.get_xticklabels():
            label.set(rotation=35, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if matrix.shape[0] <= _MAX_NUMBERED_ROWS and matrix.shape[1] <= _MAX_NUMBERED_COLUMNS:
        for (row, column), value in np.ndenumerate(matrix):
            shade = "white" if value <= 0.6 * highest else "black"
            text = "nan" if np.isnan(value) else f"{value:.3f}"
            axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=FONT_SIZE - 1)
    return image


def colour_bar(figure: FigureBase, axes: Axes, image: AxesImage, label: str, *, panel_width: float) -> None:
    """A bar at the right of a heat map, as high as it and of the same width in every panel (in inches)."""
    place = axes.inset_axes((1.0 + 0.07 / panel_width, 0.0, 0.09 / panel_width, 1.0))
    bar = figure.colorbar(image, cax=place)
    bar.set_label(label, fontsize=FONT_SIZE - 1)
    bar.ax.tick_params(labelsize=FONT_SIZE - 1.5)
    place.spines[:].set_visible(False)


def figure_files(figure: Figure, name: str) -> dict[str, bytes]:
    """A figure as PNG, SVG and PDF: name of the file -> its bytes; the same figure gives the same bytes.

    The fonts of a PDF are TrueType, as publishers ask.
    """
    files = {}
    with matplotlib.rc_context({"svg.hashsalt": "smfg-verify", "pdf.fonttype": 42}):
        for kind, metadata in (("png", {}), ("svg", {"Date": None}), ("pdf", {"CreationDate": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, dpi=_DOTS_PER_INCH, metadata=metadata)
            files[f"{name}.{kind}"] = buffer.getvalue()
    return files


def save_figure(figure: Figure, directory: Path, name: str) -> tuple[str, ...]:
    """Write a figure in all formats into a directory that exists, all or none; returns the names of the files."""
    contents = figure_files(figure, name)
    write_in(directory, contents)
    return tuple(contents)
