"""The step-size laboratory as a figure: a heat map a plane with the certified region, and predictions against runs."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from smfg_verify.bounds.steps.sweep import PARAMETERS, whole_choice
from smfg_verify.bounds.steps.sweep_record import Laboratory, PlaneResult
from smfg_verify.report.figures.drawing import finish_axes
from smfg_verify.report.figures.layout import lettered, new_figure, settle
from smfg_verify.report.figures.scales import LogScale, robust_log_scale
from smfg_verify.report.figures.style import BLACK, BLUE, COLOURS, GREY, LABEL, RED, SMALL, house_style
from smfg_verify.report.figures.ticks import logarithmic
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import SQUARED_REWARD, game_title

_LABELS = {
    "leader": r"$c_\zeta$, leader [1]",
    "mean_field": r"$c_\xi$, mean field [1]",
    "follower": r"$c_\alpha$, follower [1]",
    "critic": r"$c_\beta$, critics [1]",
    "leader_exponent": "exponent, leader [1]",
    "tracking_exponent": "exponent, others [1]",
}
_SYMBOLS = {"leader": r"$c_\zeta$", "mean_field": r"$c_\xi$", "follower": r"$c_\alpha$", "critic": r"$c_\beta$"}
_SAMPLING = {"markov": "Markovian", "iid": "i.i.d."}
_MEASURED = r"final $\|\nabla\Phi\|_2^2$, mean of seeds"
_COLUMNS = {"one": 2, "two": 4}
_HEIGHT = 1.1
_EVERY = 3
_DIVERGED = "#C8C8C8"


@house_style
def laboratory_figure(lab: Laboratory, *, game: str, width: FigureWidth = "two") -> Figure:
    """One heat map a plane, then measured against predicted.

    Args:
        lab: a finished sweep.
        game: its name.
        width: of one column of a paper, or of two.

    Returns:
        The figure; what the drift inequalities do not certify is hatched, and a few extreme cells are beyond the ends
        of the colours, which the bar of colours says.
    """
    panels = len(lab.planes) + 1
    columns = min(panels, _COLUMNS[width])
    figure = new_figure(width)
    grid = figure.subplots(-(-panels // columns), columns, squeeze=False)
    axes = list(grid.ravel())
    scale = robust_log_scale(np.concatenate([result.measured.ravel() for result in lab.planes]))
    for place, result in zip(axes, lab.planes, strict=False):
        _plane(place, lab, result, scale)
    _scatter(axes[panels - 1], lab)
    for empty in axes[panels:]:
        empty.remove()
    lettered(axes[:panels])
    _bar(figure, axes[:panels], scale)
    head = f"{game_title(game)}. AC-SMFG over its step sizes"
    settle(figure, [(row[0], _HEIGHT) for row in grid], head=head, note=_said(lab))
    return figure


def _bar(figure: Figure, axes: list[Axes], scale: LogScale) -> None:
    """One bar of colours for all planes, which says what is beyond it."""
    if scale.norm is None:
        return
    image = ScalarMappable(scale.norm, COLOURS)
    bar = figure.colorbar(
        image, ax=axes, location="bottom", extend=scale.extend, aspect=45, shrink=0.9, pad=0.02, extendfrac=0.03
    )
    bar.set_label("\n".join(filter(None, (f"{_MEASURED} [{SQUARED_REWARD}]", scale.clipped))), fontsize=LABEL)
    logarithmic(bar.ax.xaxis, most=6)
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)


def _plane(axes: Axes, lab: Laboratory, result: PlaneResult, scale: LogScale) -> None:
    plane = result.plane
    colours = matplotlib.colormaps[COLOURS].with_extremes(bad="white")
    # A gradient of exactly zero is below every scale of logarithms.
    shown = np.where(result.measured == 0.0, np.finfo(float).tiny, result.measured)
    axes.imshow(shown, cmap=colours, norm=scale.norm, origin="lower", aspect="auto", interpolation="nearest")
    for axis, values in ((axes.xaxis, plane.x_values), (axes.yaxis, plane.y_values)):
        middle = (len(values) - 1) // 2 % _EVERY
        shown_at = range(middle if len(values) > _EVERY else 0, len(values), _EVERY if len(values) > _EVERY else 1)
        axis.set_ticks(shown_at, [f"{values[k]:.2g}" for k in shown_at])
    _cells(axes, ~np.isfinite(result.measured), "diverged", facecolor=_DIVERGED)
    if not lab.region_missing:
        _cells(axes, ~result.certified, "not certified", facecolor="none", hatch="////", edgecolor=(1, 1, 1, 0.6))
    _mark(axes, lab, result, "found", "o", "least of the sweep")
    _mark(axes, lab, result, "foreseen", "x", "least predicted")
    finish_axes(axes, "", _LABELS[plane.x], _LABELS[plane.y])


def _cells(axes: Axes, which: np.ndarray, label: str, **style: Any) -> None:
    """Rectangles over cells, named once."""
    for number, (row, column) in enumerate(np.argwhere(which)):
        place = (column - 0.5, row - 0.5)
        name = label if number == 0 else None
        axes.add_patch(Rectangle(place, 1.0, 1.0, linewidth=0.0, label=name, **style))


def _mark(axes: Axes, lab: Laboratory, result: PlaneResult, name: str, marker: str, label: str) -> None:
    """The optimum, where it lies in this plane."""
    optimum, plane = getattr(lab, name), result.plane
    if optimum is None:
        return
    choice, base = optimum.choice, whole_choice(lab.base)
    if any(not np.isclose(choice[other], base[other]) for other in PARAMETERS if other not in (plane.x, plane.y)):
        return
    place = [int(np.argmin(np.abs(v - choice[p]))) for v, p in ((plane.x_values, plane.x), (plane.y_values, plane.y))]
    look: Any = {"marker": marker, "markerfacecolor": "none", "color": BLACK, "linestyle": "none"}
    axes.plot(*place, markersize=7, markeredgecolor="white", markeredgewidth=2.2, **look)
    axes.plot(*place, markersize=7, markeredgecolor=BLACK, markeredgewidth=1.1, label=label, **look)


def _scatter(axes: Axes, lab: Laboratory) -> None:
    for inside, colour, marker, name in ((False, GREY, "s", "run, not certified"), (True, BLUE, "D", "run, certified")):
        chosen = [result.certified == inside for result in lab.planes]
        x = np.concatenate([r.predicted[mask] for r, mask in zip(lab.planes, chosen, strict=True)])
        y = np.concatenate([r.measured[mask] for r, mask in zip(lab.planes, chosen, strict=True)])
        known = np.isfinite(x) & np.isfinite(y) & (x > 0.0) & (y > 0.0)
        if known.any():
            axes.plot(x[known], y[known], marker, color=colour, markersize=1.8, markerfacecolor="none", label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ends = np.array([max(axes.get_xlim()[0], axes.get_ylim()[0]), min(axes.get_xlim()[1], axes.get_ylim()[1])])
    axes.plot(ends, ends, color=RED, linewidth=1.0, label="measured as predicted")
    logarithmic(axes.xaxis, most=3)
    logarithmic(axes.yaxis, most=3)
    finish_axes(axes, "", f"predicted [{SQUARED_REWARD}]", f"measured [{SQUARED_REWARD}]")


def _said(lab: Laboratory) -> str:
    region = (
        f"No region is drawn: {lab.region_missing}."
        if lab.region_missing
        else "Not hatched: a Lyapunov function exists for the drift inequalities fitted at the base, at the step sizes "
        "of the last iteration."
    )
    base = ", ".join(f"{_SYMBOLS[name]} {value:g}" for name, value in lab.base.items())
    return (
        f"{lab.seeds} seeds, {lab.num_iterations:,} iterations, {_SAMPLING[lab.sampling]} sampling; what a panel does "
        f"not vary is {base}, exponents 1/2. {region}"
    )
