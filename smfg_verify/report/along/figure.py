"""Properties along a run as a figure: a panel a number, with its band over seeds and the limit that is asked for."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.assumptions import AlongRun
from smfg_verify.assumptions.along.conditions import CONDITIONS
from smfg_verify.report.figures.drawing import finish_axes, seeds_band
from smfg_verify.report.figures.layout import lettered, new_figure, settle
from smfg_verify.report.figures.style import BLACK, BLUE, GREEN, RED, house_style
from smfg_verify.report.figures.ticks import logarithmic
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import game_title

_COLUMNS = {"one": 2, "two": 3}
_HEIGHT = {"one": 0.75, "two": 1.05}
# Numbers that are proved at the iterates, not measured: the table has them.
_TOLD_ALONE = ("proved_domination", "near_optimum", "near_gap")


@house_style
def along_figure(found: AlongRun, *, width: FigureWidth = "two") -> Figure:
    """One panel a number: median and band of the seeds, the worst of them, and the limit.

    Args:
        found: numbers along a run.
        width: of one column of a paper, or of two.

    Returns:
        The figure.
    """
    known = [name for name, values in found.values.items() if np.isfinite(values).any()]
    names = [name for name in known if name not in _TOLD_ALONE]
    figure = new_figure(width)
    columns = min(_COLUMNS[width], max(1, len(names)))
    grid = figure.subplots(max(1, -(-len(names) // columns)), columns, squeeze=False)
    panels = list(grid.ravel())
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, found, name)
    for empty in panels[len(names) :]:
        empty.remove()
    for above in panels[: max(0, len(names) - columns)]:
        above.set_xlabel("")
    lettered(panels[: len(names)])
    head = f"{game_title(found.game_name)}. The properties at the iterates of a run"
    settle(figure, [(row[0], _HEIGHT[width]) for row in grid], head=head, note=_said(found))
    return figure


def _panel(axes: Axes, found: AlongRun, name: str) -> None:
    condition, values = CONDITIONS[name], found.values[name]
    axes.set_xscale("log")
    x = found.iterations + 1
    known = np.isfinite(values).any(axis=0)
    seeds_band(axes, x, values)
    axes.plot(x[known], np.nanmedian(values[:, known], axis=0), color=BLUE, linewidth=1.4, label="median of seeds")
    worst = np.nanmin if condition.side == "above" else np.nanmax
    axes.plot(
        x[known], worst(values[:, known], axis=0), color=BLACK, linewidth=0.9, linestyle=":", label="worst of seeds"
    )
    if np.isfinite(condition.limit):
        axes.axhline(condition.limit, color=RED, linewidth=1.0, linestyle="--", label="limit that is asked for")
    if name in found.certified and np.isfinite(found.certified[name]).any():
        certified = found.certified[name]
        proved = np.isfinite(certified).any(axis=0)
        axes.plot(
            x[proved],
            worst(certified[:, proved], axis=0),
            color=GREEN,
            linewidth=1.2,
            linestyle="-.",
            label="worst of what is certified nearby",
        )
    logarithmic(axes.xaxis)
    finish_axes(axes, condition.property.replace("-", " "), "iterations $k+1$ [count]", condition.label)


def _said(found: AlongRun) -> str:
    lost = f"{found.not_finite} iterates are not finite, {found.not_converged} have no equilibrium found"
    return (
        f"{len(found.seeds)} seeds, {len(found.iterations)} checkpoints; {lost}; numbers are measured at the iterates."
    )
