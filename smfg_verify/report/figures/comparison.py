"""Methods against each other: objective, exploitability and gradient over samples and over wall time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.comparison import Comparison
from smfg_verify.comparison.compare import ContenderResult
from smfg_verify.comparison.quartiles import quartiles
from smfg_verify.records.entries import Arguments
from smfg_verify.report.figures.drawing import (
    BLUE,
    FONT_SIZE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    finish_axes,
    footnote,
    new_figure,
)

_MEASURES = (
    ("objective", r"$\Phi(\omega)$", "leader's objective", False),
    ("exploitability", "follower exploitability", "follower's objective", True),
    ("e_omega", r"$\|\nabla\Phi(\omega)\|^2$", "squared objective", True),
)
# The least that a logarithmic axis shows.
_FLOOR = 1e-9
_COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "black", GREY)
_LINES = ("-", "-", "-", "-", "-", "--", ":")


def comparison_figure(found: Comparison, *, title: str) -> Figure:
    """Three measures over samples (left) and over seconds (right); medians with the band of the middle half of seeds.

    Args:
        found: a comparison.
        title: name of the game.

    Returns:
        The figure. A method that samples nothing is a horizontal line at its end on the left; where the median seed has
        diverged the line stops at a cross.
    """
    figure = new_figure(11.0, 9.0)
    panels = figure.subplots(3, 2, sharey="row")
    # Before anything is drawn, so that ends of the axes fit a logarithm where all values are the same.
    for row, (*_, logarithmic) in zip(panels, _MEASURES, strict=True):
        for axes in row:
            axes.set_xscale("log")
            axes.set_yscale("log" if logarithmic else "linear")
    for number, result in enumerate(found.results.values()):
        style = {"color": _COLOURS[number % len(_COLOURS)], "linestyle": _LINES[number % len(_LINES)]}
        for (left, right), (name, *_) in zip(panels, _MEASURES, strict=True):
            _curve(left, result, name, result.samples, style)
            _curve(right, result, name, result.clock, style)
    for row, (_, label, unit, _) in zip(panels, _MEASURES, strict=True):
        for axes, x_label in zip(row, ("samples drawn", "seconds, all seeds"), strict=True):
            finish_axes(axes, f"{label}, {title}", x_label, unit)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=FONT_SIZE, frameon=False)
    footnote(figure, _said(found))
    return figure


def _curve(axes: Axes, result: ContenderResult, name: str, x: np.ndarray, style: Arguments) -> None:
    values = getattr(result.measures, name)
    curves = quartiles(values, -np.inf if name == "objective" else np.inf)
    low, middle, high = curves if name == "objective" else np.maximum(curves, _FLOOR)
    label = f"{result.name} ({int(result.diverged.sum())} diverged)" if result.diverged.any() else result.name
    if not np.any(x > 0):
        axes.axhline(middle[-1], label=label, linewidth=1.2, **style)
        return
    shown = (x > 0) & np.isfinite(middle)
    axes.plot(x[shown], middle[shown], label=label, linewidth=1.5, **style)
    whole = shown & np.isfinite(low) & np.isfinite(high)
    axes.fill_between(x[whole], low[whole], high[whole], color=style["color"], alpha=0.15, linewidth=0)
    if shown.any() and not np.isfinite(middle[-1]):
        axes.plot(x[shown][-1], middle[shown][-1], marker="x", markersize=8, color=style["color"])


def _said(found: Comparison) -> str:
    settings = found.settings
    return (
        f"Medians of {settings.seeds} seeds with the middle half; every value exact at the policies of the run. Each "
        f"method's step sizes are the best of {settings.trials} random choices on other seeds. A method that reads the "
        "model draws no samples: its end is a horizontal line on the left. On logarithmic axes everything below "
        f"{_FLOOR:g}, rounding included, is drawn there. Cross: the median seed diverges after it."
    )
