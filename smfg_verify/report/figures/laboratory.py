"""The step-size laboratory as a figure: a heat map a plane with the certified region, and predictions against runs."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from smfg_verify.bounds.steps.sweep import PARAMETERS, whole_choice
from smfg_verify.bounds.steps.sweep_record import Laboratory, PlaneResult
from smfg_verify.report.figures.drawing import (
    BLUE,
    COLOURS,
    FONT_SIZE,
    GREY,
    RED,
    finish_axes,
    footnote,
    legend,
    new_figure,
)

_LABELS = {
    "leader": r"$c_\zeta$ (leader)",
    "mean_field": r"$c_\xi$ (mean field)",
    "follower": r"$c_\alpha$ (follower)",
    "critic": r"$c_\beta$ (critics)",
    "leader_exponent": "exponent of the leader",
    "tracking_exponent": "exponent of the others",
}
_COLUMNS = 4


def laboratory_figure(lab: Laboratory) -> Figure:
    """One heat map a plane, then measured against predicted.

    Args:
        lab: a finished sweep.

    Returns:
        The figure; what the drift inequalities do not certify is hatched.
    """
    panels = len(lab.planes) + 1
    rows = -(-panels // _COLUMNS)
    figure = new_figure(12.6, 3.2 * rows)
    axes = figure.subplots(rows, min(panels, _COLUMNS), squeeze=False).ravel()
    values = np.concatenate([result.measured.ravel() for result in lab.planes])
    positive = values[np.isfinite(values) & (values > 0.0)]
    norm = LogNorm(positive.min(), positive.max()) if positive.size else None
    maps = [_plane(place, lab, result, norm) for place, result in zip(axes, lab.planes, strict=False)]
    _scatter(axes[len(maps)], lab)
    for empty in axes[len(maps) + 1 :]:
        empty.set_axis_off()
    bar = figure.colorbar(maps[0], ax=list(axes[: len(maps)]), shrink=0.8, pad=0.01)
    bar.set_label(r"final $\|\nabla\Phi\|^2$, mean of seeds", fontsize=FONT_SIZE)
    bar.ax.tick_params(labelsize=FONT_SIZE - 1)
    footnote(figure, _said(lab))
    return figure


def _plane(axes: Axes, lab: Laboratory, result: PlaneResult, norm: LogNorm | None) -> AxesImage:
    plane = result.plane
    shown = np.where(result.measured > 0.0, result.measured, np.nan)
    image = axes.imshow(shown, cmap=COLOURS, norm=norm, origin="lower", aspect="auto", interpolation="nearest")
    for axis, values in ((axes.xaxis, plane.x_values), (axes.yaxis, plane.y_values)):
        axis.set_ticks(range(len(values)), [f"{value:.2g}" for value in values])
    for row, column in np.argwhere(~np.isfinite(result.measured)):
        axes.text(column, row, "div.", ha="center", va="center", fontsize=FONT_SIZE - 2, color=RED)
    if not lab.region_missing:
        _hatch(axes, result.certified)
    for name, marker in (("found", "o"), ("foreseen", "x")):
        if getattr(lab, name) is not None:
            _mark(axes, lab, result, name, marker)
    finish_axes(axes, "", _LABELS[plane.x], _LABELS[plane.y])
    return image


def _hatch(axes: Axes, certified: np.ndarray) -> None:
    """Lines over the cells outside the region."""
    for row, column in np.argwhere(~certified):
        cell = Rectangle(
            (column - 0.5, row - 0.5), 1.0, 1.0, fill=False, hatch="///", edgecolor=(1.0, 1.0, 1.0, 0.45), linewidth=0.0
        )
        axes.add_patch(cell)


def _mark(axes: Axes, lab: Laboratory, result: PlaneResult, name: str, marker: str) -> None:
    """The optimum, where it lies in this plane."""
    choice, plane = getattr(lab, name).choice, result.plane
    base = whole_choice(lab.base)
    if any(not np.isclose(choice[other], base[other]) for other in PARAMETERS if other not in (plane.x, plane.y)):
        return
    place = [int(np.argmin(np.abs(v - choice[p]))) for v, p in ((plane.x_values, plane.x), (plane.y_values, plane.y))]
    axes.plot(*place, marker=marker, markersize=9, markerfacecolor="none", markeredgecolor="white", markeredgewidth=2.4)
    axes.plot(*place, marker=marker, markersize=9, markerfacecolor="none", markeredgecolor="black", markeredgewidth=1.2)


def _scatter(axes: Axes, lab: Laboratory) -> None:
    for inside, colour, name in ((False, GREY, "not certified"), (True, BLUE, "certified")):
        chosen = [result.certified == inside for result in lab.planes]
        x = np.concatenate([r.predicted[mask] for r, mask in zip(lab.planes, chosen, strict=True)])
        y = np.concatenate([r.measured[mask] for r, mask in zip(lab.planes, chosen, strict=True)])
        known = np.isfinite(x) & np.isfinite(y) & (x > 0.0) & (y > 0.0)
        if known.any():
            axes.plot(x[known], y[known], ".", color=colour, markersize=3.5, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ends = np.array([max(axes.get_xlim()[0], axes.get_ylim()[0]), min(axes.get_xlim()[1], axes.get_ylim()[1])])
    axes.plot(ends, ends, color=RED, linewidth=1.0, label="equal")
    finish_axes(axes, "", "predicted", "measured")
    legend(axes, "upper left")


def _said(lab: Laboratory) -> str:
    region = (
        f"No region is drawn: {lab.region_missing}."
        if lab.region_missing
        else "Not hatched: a Lyapunov function exists for the drift inequalities fitted at the base, at the step sizes "
        "of the last iteration."
    )
    base = ", ".join(f"{name} {value:g}" for name, value in lab.base.items())
    return (
        f"{lab.seeds} seeds, {lab.num_iterations:,} iterations, {lab.sampling} sampling; what a panel does not vary is "
        f"{base}, exponents 1/2. {region} Circle: least mean of the sweep; cross: least predicted. div.: diverged."
    )
