"""Methods against each other: objective, exploitability and gradient over samples and over wall time."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.comparison import Comparison
from smfg_verify.comparison.compare import ContenderResult
from smfg_verify.comparison.quartiles import quartiles
from smfg_verify.records.entries import Arguments
from smfg_verify.report.figures.drawing import finish_axes
from smfg_verify.report.figures.layout import lettered, new_figure, settle
from smfg_verify.report.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, house_style
from smfg_verify.report.figures.ticks import logarithmic, power_of_ten
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import MEASURES, game_title, method_title

# Name of the measure -> whether its axis is logarithmic.
_SHOWN = {"objective": False, "exploitability": True, "e_omega": True}
_PLACES = ("samples drawn [count]", "time of all seeds [s]")
# The least that a logarithmic axis shows.
_FLOOR = 1e-9
_HEIGHT = 1.25
_MARKERS_A_CURVE = 6
# Each method's colour, dash and marker: any one of them tells it from all others.
_STYLES: tuple[Arguments, ...] = (
    {"color": BLUE, "linestyle": "-", "marker": "o"},
    {"color": ORANGE, "linestyle": "--", "marker": "s"},
    {"color": GREEN, "linestyle": "-.", "marker": "^"},
    {"color": RED, "linestyle": ":", "marker": "D"},
    {"color": PURPLE, "linestyle": (0, (6, 1)), "marker": "v"},
    {"color": BLACK, "linestyle": (0, (3, 1, 1, 1, 1, 1)), "marker": "P"},
    {"color": SKY, "linestyle": (0, (1, 2.5)), "marker": "X"},
)


@house_style
def comparison_figure(found: Comparison, *, game: str, width: FigureWidth = "two") -> Figure:
    """Three measures over samples (left) and over seconds (right); medians with the band of the middle half of seeds.

    Args:
        found: a comparison.
        game: its name.
        width: of one column of a paper, or of two.

    Returns:
        The figure. A method that samples nothing is a horizontal line at its end on the left; where the median seed has
        diverged the line stops at a star.
    """
    figure = new_figure(width)
    grid = figure.subplots(len(_SHOWN), len(_PLACES), sharey="row", sharex="col")
    # Before anything is drawn, so that ends of the axes fit a logarithm where all values are the same.
    for row, is_log in zip(grid, _SHOWN.values(), strict=True):
        for axes in row:
            axes.set_xscale("log")
            axes.set_yscale("log" if is_log else "linear")
    missing = []
    for number, result in enumerate(found.results.values()):
        style = _STYLES[number % len(_STYLES)]
        drawn = [
            _curve(axes, result, name, x, style)
            for row, name in zip(grid, _SHOWN, strict=True)
            for axes, x in zip(row, (result.samples, result.clock), strict=True)
        ]
        if not any(drawn):
            missing.append(_name(result))
    for (left, right), (name, is_log) in zip(grid, _SHOWN.items(), strict=True):
        for axes in (left, right):
            logarithmic(axes.xaxis)
            if is_log:
                logarithmic(axes.yaxis)
            finish_axes(axes, MEASURES[name].words, "", "")
        left.set_ylabel(MEASURES[name].axis, fontsize=left.xaxis.label.get_fontsize())
    for axes, label in zip(grid[-1], _PLACES, strict=True):
        axes.set_xlabel(label)
    lettered(grid.ravel())
    head = f"{game_title(game)}. Methods against each other"
    settle(figure, [(row[0], _HEIGHT) for row in grid], head=head, note=_said(found, missing))
    return figure


def _name(result: ContenderResult) -> str:
    lost = int(result.diverged.sum())
    return f"{method_title(result.name)} ({lost} diverged)" if lost else method_title(result.name)


def _curve(axes: Axes, result: ContenderResult, name: str, x: np.ndarray, style: Arguments) -> bool:
    """Draw one measure of one method over x; returns whether there was anything to draw."""
    values = getattr(result.measures, name)
    curves = quartiles(values, -np.inf if name == "objective" else np.inf)
    low, middle, high = curves if name == "objective" else np.maximum(curves, _FLOOR)
    label = _name(result)
    if not np.any(x > 0):
        if not np.isfinite(middle[-1]):
            return False
        axes.axhline(middle[-1], label=label, linewidth=1.2, markersize=3.0, clip_on=False, **style)
        return True
    shown = (x > 0) & np.isfinite(middle)
    if not shown.any():
        return False
    every = max(1, int(shown.sum()) // _MARKERS_A_CURVE)
    axes.plot(x[shown], middle[shown], label=label, linewidth=1.2, markersize=3.0, markevery=every, **style)
    whole = shown & np.isfinite(low) & np.isfinite(high)
    axes.fill_between(x[whole], low[whole], high[whole], color=style["color"], alpha=0.15, linewidth=0)
    if not np.isfinite(middle[-1]):
        axes.plot(x[shown][-1], middle[shown][-1], marker="*", markersize=9, color=style["color"])
    return True


def _said(found: Comparison, missing: list[str]) -> str:
    settings = found.settings
    floor = power_of_ten(round(math.log10(_FLOOR)))
    nowhere = f" Nowhere to be drawn: {', '.join(missing)}." if missing else ""
    return (
        f"Medians of {settings.seeds} seeds with the middle half; every value exact at the policies of the run. Each "
        f"method's step sizes are the best of {settings.trials} random "
        f"{'choice' if settings.trials == 1 else 'choices'} on other seeds. A method that reads the "
        "model draws no samples: its end is a horizontal line on the left. On logarithmic axes everything below "
        f"{floor}, rounding included, is drawn there. Star: the median seed diverges after it.{nowhere}"
    )
