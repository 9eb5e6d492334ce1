"""Vectors as bars and matrices as heat maps, under a game's own labels, with numbers where there is room for them."""

import textwrap

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from smfg_verify.report.figures.drawing import plain_text
from smfg_verify.report.figures.style import BLUE, COLOURS, LABEL, SMALL

_MAX_TICKS = 20
_MAX_NUMBERED = 16
# Bars that can be told apart: more are drawn as one outline, of 10^4 in a hundredth of the time.
_MOST_BARS = 200
# Inches of a number of three decimals, and of a letter, about.
_NUMBER, _LETTER = 0.29, 0.058
_ROOM_FOR_NUMBERS = 1.22
_MOST_LINES = 3
# Share of the scale up to which white letters have more contrast than black ones (luminance below 0.18).
_DARK = 0.45


class _UpTo(MaxNLocator):
    """Few ticks, none beyond the end of what is shown: the room behind bars is for their numbers."""

    def __init__(self, highest: float) -> None:
        super().__init__(nbins=5)
        self.highest = highest

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        return [float(tick) for tick in super().tick_values(vmin, vmax) if tick <= self.highest * (1.0 + 1e-9)]


def bars(axes: Axes, values: Float[np.ndarray, " R"], names: tuple[str, ...], *, highest: float) -> None:
    """A vector of probabilities as bars from the left, the first on top as in a table, numbered where they are few."""
    places = np.arange(len(values))
    if len(values) <= _MOST_BARS:
        axes.barh(places, values, color=BLUE, height=0.7)
    else:
        axes.stairs(values, np.arange(len(values) + 1) - 0.5, orientation="horizontal", fill=True, color=BLUE)
    _ticks(axes, "y", [plain_text(name) for name in names])
    axes.set_ylim(len(values) - 0.4, -0.6)
    numbered = len(values) <= _MAX_NUMBERED
    axes.set_xlim(0.0, highest * (_ROOM_FOR_NUMBERS if numbered else 1.03))
    if numbered:
        for place, value in enumerate(values):
            shown = 0.0 if np.isnan(value) else value
            axes.text(shown + 0.02 * highest, place, _number(value), ha="left", va="center", fontsize=SMALL)
    axes.xaxis.set_major_locator(_UpTo(highest))
    axes.tick_params(axis="y", length=0)


def is_numbered(matrix: Float[np.ndarray, "R C"], inches: float) -> bool:
    """Whether cells have room for their numbers on axes so wide."""
    rows, columns = matrix.shape
    return bool(rows <= _MAX_NUMBERED and columns * _NUMBER <= inches)


def heat_map(
    axes: Axes,
    matrix: Float[np.ndarray, "R C"],
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    *,
    highest: float,
    inches: float,
) -> AxesImage:
    """A matrix of probabilities as colours from 0 to `highest`, its cells numbered where there is room.

    Args:
        axes: where to.
        matrix: the numbers.
        rows, columns: their names.
        highest: number of the brightest colour.
        inches: width of the axes, about.

    Returns:
        The image.
    """
    image = axes.imshow(matrix, cmap=COLOURS, vmin=0.0, vmax=highest, aspect="auto", interpolation="nearest")
    _ticks(axes, "y", [plain_text(name) for name in rows])
    _column_names(axes, [plain_text(name) for name in columns], inches)
    axes.tick_params(length=0)
    if is_numbered(matrix, inches):
        for (row, column), value in np.ndenumerate(matrix):
            shade = "white" if value <= _DARK * highest else "black"
            axes.text(column, row, _number(value), ha="center", va="center", color=shade, fontsize=SMALL)
    return image


def colour_bar(axes: Axes, image: AxesImage, label: str) -> None:
    """A bar at the right of a heat map, as high as it."""
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02, fraction=0.06)
    bar.set_label(label, fontsize=LABEL)
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)


def _number(value: float) -> str:
    return "nan" if np.isnan(value) else f"{value:.3f}"


def _ticks(axes: Axes, which: str, names: list[str]) -> None:
    """Every name, or every few where they are many."""
    shown = np.arange(0, len(names), -(-len(names) // _MAX_TICKS))
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(shown, [names[i] for i in shown], fontsize=SMALL)


def _column_names(axes: Axes, names: list[str], inches: float) -> None:
    """Names below their columns in as few lines as fit; upright where even their words do not."""
    letters = int(inches / len(names) / _LETTER)
    folded = [textwrap.wrap(name, max(letters, 1), break_long_words=False) or [""] for name in names]
    if all(len(lines) <= _MOST_LINES and max(map(len, lines)) <= letters for lines in folded):
        _ticks(axes, "x", ["\n".join(lines) for lines in folded])
        return
    _ticks(axes, "x", names)
    for label in axes.get_xticklabels():
        label.set(rotation=90)
