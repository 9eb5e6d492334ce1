"""What all figures share: labels of axes, bands of seeds, and writing to files."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.files import write_in
from smfg_verify.report.figures.style import BLUE, DOTS_PER_INCH, LABEL, SMALL, TITLE, house_style
from smfg_verify.report.figures.ticks import label_by_letters

SEEDS_BAND = (0.05, 0.95)
BAND_LABEL = "5% to 95% of seeds"


def finish_axes(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    """Title, labels and a light look."""
    axes.set_title(title, fontsize=TITLE, loc="left")
    axes.title.set_fontsize(TITLE)
    axes.set_xlabel(x_label, fontsize=LABEL)
    axes.set_ylabel(y_label, fontsize=LABEL)
    axes.tick_params(labelsize=SMALL)
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_offset_text().set_fontsize(SMALL)
        label_by_letters(axis)
    axes.spines[["top", "right"]].set_visible(False)


def plain_text(label: str) -> str:
    """A label of a game as letters, whatever stands in it: a dollar sign begins no formula."""
    return label.replace("$", r"\$")


def signed(number: float) -> str:
    """A number to two decimals with a true minus sign."""
    return f"{number:.2f}".replace("-0.00", "0.00").replace("-", "\u2212")


def seeds_band(axes: Axes, x: Int[np.ndarray, " C"], values: Float[np.ndarray, "S C"], colour: str = BLUE) -> None:
    """The middle nine tenths of the seeds at each place where any seed has a number."""
    known = np.isfinite(values).any(axis=0)
    if known.any():
        low, high = np.nanquantile(values[:, known], SEEDS_BAND, axis=0)
        axes.fill_between(x[known], low, high, color=colour, alpha=0.22, linewidth=0, label=BAND_LABEL)


@house_style
def figure_files(figure: Figure, name: str) -> dict[str, bytes]:
    """A figure as PNG, SVG and PDF: name of the file -> its bytes; the same figure gives the same bytes."""
    files = {}
    for kind, metadata in (("png", {}), ("svg", {"Date": None}), ("pdf", {"CreationDate": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
        files[f"{name}.{kind}"] = buffer.getvalue()
    return files


def save_figure(figure: Figure, directory: Path, name: str) -> tuple[str, ...]:
    """Write a figure in all formats into a directory that exists, all or none; returns the names of the files."""
    contents = figure_files(figure, name)
    write_in(directory, contents)
    return tuple(contents)
