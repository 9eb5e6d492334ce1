"""A sweep as a figure: a map over two axes, a line over one, points of a random design."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure

from smfg_verify.report.figures.drawing import finish_axes, plain_text
from smfg_verify.report.figures.layout import new_figure, settle
from smfg_verify.report.figures.scales import robust_log_scale
from smfg_verify.report.figures.style import (
    BLUE,
    COLOURS,
    GREEN,
    GREY,
    LABEL,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    SMALL,
    house_style,
)
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.sweep.slices import Slice

_HEIGHT = 2.0
_NO_NUMBER = "#C8C8C8"
_FLAG_COLOURS = (GREEN, BLUE, RED, ORANGE, GREY, PURPLE, SKY)
# A scale of colours is logarithmic from this ratio of its ends on, and so is an axis of one curve.
_LOG_RATIO = 100.0
_MOST_TICKS = 8


@house_style
def sweep_figure(drawn: Slice, *, width: FigureWidth = "two") -> Figure:
    """A slice of a sweep.

    Args:
        drawn: one variable over one axis or two.
        width: of one column of a paper, or of two.

    Returns:
        The figure; cells without a number are grey.
    """
    figure = new_figure(width)
    axes = figure.subplots()
    slice_panel(axes, drawn)
    settle(figure, [(axes, _HEIGHT)], head=title_of(drawn), note=held_in_words(drawn))
    return figure


def title_of(drawn: Slice) -> str:
    """The kind and the variable in words."""
    kind = drawn.name.partition("_")[0]
    return plain_text(f"Sweep, {kind}: {drawn.words}")


def held_in_words(drawn: Slice) -> str:
    """What was taken of axes that are not drawn."""
    return plain_text("; ".join(f"{axis}: {text}" for axis, text in drawn.held.items()))


def slice_panel(axes: Axes, drawn: Slice, title: str = "") -> None:
    """Draw a slice: a map, a curve, or points."""
    if not drawn.y:
        _curve(axes, drawn, title)
        return
    colours, norm = _scale(drawn)
    if drawn.scattered:
        _points(axes, drawn, colours, norm)
    else:
        _map(axes, drawn, colours, norm)
    if drawn.flags:
        _name_flags(axes, drawn)
    elif norm is not None:
        bar = axes.figure.colorbar(ScalarMappable(norm, colours), ax=axes, pad=0.02, fraction=0.06)
        bar.set_label(f"[{drawn.units}]", fontsize=LABEL)
        bar.ax.tick_params(labelsize=SMALL)
        bar.outline.set_visible(False)
    if np.isnan(drawn.values).any():
        _name(axes, _NO_NUMBER, "no number")
    finish_axes(axes, title, plain_text(drawn.x), plain_text(drawn.y))


def _label(drawn: Slice) -> str:
    return plain_text(f"{drawn.words} [{drawn.units}]" if drawn.units else drawn.words)


def _scale(drawn: Slice) -> tuple[Colormap, Normalize | None]:
    """Colours of a flag, or of numbers on a linear or a logarithmic scale; no scale where there is no number."""
    if drawn.flags:
        number = len(drawn.flags)
        chosen = ListedColormap([_FLAG_COLOURS[k % len(_FLAG_COLOURS)] for k in range(number)])
        return chosen.with_extremes(bad=_NO_NUMBER), BoundaryNorm(np.arange(number + 1) - 0.5, number)
    colours = matplotlib.colormaps[COLOURS].with_extremes(bad=_NO_NUMBER)
    known = drawn.values[np.isfinite(drawn.values)]
    if not known.size:
        return colours, None
    if known.min() > 0.0 and known.max() / known.min() >= _LOG_RATIO:
        return colours, robust_log_scale(drawn.values).norm
    return colours, Normalize(float(known.min()), float(known.max()))


def _map(axes: Axes, drawn: Slice, colours: Colormap, norm: Normalize | None) -> None:
    axes.imshow(drawn.values, cmap=colours, norm=norm, origin="lower", aspect="auto", interpolation="nearest")
    for axis, values in ((axes.xaxis, drawn.x_values), (axes.yaxis, drawn.y_values)):
        _name_places(axis, values)


def _name_places(axis: matplotlib.axis.Axis, values: np.ndarray) -> None:
    shown = range(0, len(values), -(-len(values) // _MOST_TICKS))
    axis.set_ticks(list(shown), [_short(values[k]) for k in shown])


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float | np.floating) else plain_text(str(value))


def _points(axes: Axes, drawn: Slice, colours: Colormap, norm: Normalize | None) -> None:
    x, y = (_numbered(axis, values) for axis, values in ((axes.xaxis, drawn.x_values), (axes.yaxis, drawn.y_values)))
    missing = np.isnan(drawn.values)
    axes.scatter(x[missing], y[missing], s=14, color=_NO_NUMBER, marker="x")
    axes.scatter(x[~missing], y[~missing], s=14, c=drawn.values[~missing], cmap=colours, norm=norm)


def _numbered(axis: matplotlib.axis.Axis, values: np.ndarray) -> np.ndarray:
    """Places of values along an axis: numbers where they are, words one after the other."""
    if values.dtype.kind in "iuf":
        return np.asarray(values, dtype=float)
    words, places = np.unique(values, return_inverse=True)
    _name_places(axis, words)
    return np.asarray(places, dtype=float)


def _curve(axes: Axes, drawn: Slice, title: str) -> None:
    x = _numbered(axes.xaxis, drawn.x_values)
    order = np.argsort(x, kind="stable")
    joined = drawn.x_values.dtype.kind in "iuf" and not drawn.flags and not drawn.scattered
    axes.plot(x[order], drawn.values[order], "o-" if joined else "o", color=BLUE, markersize=3, linewidth=1.0)
    if drawn.flags:
        axes.set_yticks(range(len(drawn.flags)), [plain_text(flag) for flag in drawn.flags])
        axes.set_ylim(-0.5, len(drawn.flags) - 0.5)
    elif _spans_decades(drawn.values):
        axes.set_yscale("log")
    if joined and _spans_decades(drawn.x_values):
        axes.set_xscale("log")
    for place in x[np.isnan(drawn.values)]:
        axes.axvline(float(place), color=_NO_NUMBER, linewidth=2.0, label="no number")
    finish_axes(axes, title, plain_text(drawn.x), _label(drawn))


def _spans_decades(values: Sequence[float] | np.ndarray) -> bool:
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    return bool(known.size and known.min() > 0.0 and known.max() / known.min() >= _LOG_RATIO)


def _name_flags(axes: Axes, drawn: Slice) -> None:
    for code in sorted({int(code) for code in drawn.values[np.isfinite(drawn.values)]}):
        _name(axes, _FLAG_COLOURS[code % len(_FLAG_COLOURS)], drawn.flags[code])


def _name(axes: Axes, colour: str, label: str) -> None:
    """An entry of the legend alone."""
    axes.plot([], [], "s", color=colour, label=label)
