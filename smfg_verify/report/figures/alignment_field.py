"""Total and direct gradient over all leaders of one or two free parameters, on the leader's objective."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.assumptions import Finding
from smfg_verify.report.figures.drawing import BLUE, FONT_SIZE, GREY, RED, finish_axes, footnote, legend, new_figure

_TOTAL = r"total $g = \nabla\Phi$"
_DIRECT = "direct part $p$"
# Shortest arrow drawn, as a share of the longest: shorter ones would be invisible, and their direction is what counts.
_SHORTEST = 0.25


def alignment_field_figure(finding: Finding, names: tuple[str, ...]) -> Figure | None:
    """The two gradients over the leader's free parameters; None where the finding holds no such field.

    Args:
        finding: the statement "cosine" of the property gradient-alignment.
        names: of the free parameters.

    Returns:
        One parameter: the objective above, both gradients below. Two: arrows of both over contours of the objective.
    """
    field = finding.details.get("field", {})
    if not field:
        return None
    axis, objective = np.asarray(field["axis"]), np.asarray(field["objective"])
    total, direct = np.asarray(field["total"]), np.asarray(field["direct"])
    if objective.ndim == 1:
        figure = _along_a_line(axis, objective, total[:, 0], direct[:, 0], names[0])
    else:
        figure = _over_a_plane(axis, objective, total, direct, names)
    missing = int(np.sum(~np.isfinite(objective)))
    footnote(figure, f"{objective.size:,} leaders evaluated exactly, {missing} without an equilibrium.")
    return figure


def _along_a_line(axis: np.ndarray, objective: np.ndarray, total: np.ndarray, direct: np.ndarray, name: str) -> Figure:
    figure = new_figure(5.0, 4.4)
    upper, lower = figure.subplots(2, 1, sharex=True)
    opposed = total * direct < 0.0
    upper.plot(axis, objective, color=GREY, linewidth=1.6)
    finish_axes(upper, r"Leader's objective $\Phi$", "", r"$\Phi$")
    lower.plot(axis, total, color=BLUE, linewidth=1.6, label=_TOTAL)
    lower.plot(axis, direct, color=RED, linewidth=1.6, linestyle="--", label=_DIRECT)
    lower.axhline(0.0, color=GREY, linewidth=0.7)
    for axes in (upper, lower):
        _shade(axes, axis, opposed)
    finish_axes(lower, "Gradients in the logit", f"logit of {name}", "derivative")
    legend(lower, "best")
    return figure


def _shade(axes: Axes, axis: np.ndarray, opposed: np.ndarray) -> None:
    axes.fill_between(
        axis,
        0.0,
        1.0,
        where=opposed.tolist(),
        transform=axes.get_xaxis_transform(),
        color=GREY,
        alpha=0.13,
        linewidth=0,
        label="$g$ and $p$ have opposite signs" if opposed.any() else None,
    )


def _over_a_plane(
    axis: np.ndarray, objective: np.ndarray, total: np.ndarray, direct: np.ndarray, names: tuple[str, ...]
) -> Figure:
    figure = new_figure(5.6, 4.8)
    axes = figure.subplots()
    # The first parameter is the first axis of the grid; contours want it along x.
    contours = axes.contour(axis, axis, objective.T, levels=14, cmap="cividis", linewidths=1.0)
    bar = figure.colorbar(contours, ax=axes, label=r"$\Phi$")
    bar.ax.tick_params(labelsize=FONT_SIZE - 1.5)
    first, second = np.meshgrid(axis, axis, indexing="ij")
    # The total below and wider, so that both are seen where they agree.
    for gradient, colour, label, width in ((total, BLUE, _TOTAL, 0.0075), (direct, RED, _DIRECT, 0.003)):
        arrows = _arrows(gradient)
        axes.quiver(
            first,
            second,
            arrows[..., 0],
            arrows[..., 1],
            label=label,
            color=colour,
            width=width,
            angles="xy",
            scale_units="xy",
            scale=1.6,
        )
    finish_axes(axes, "Total and direct gradient", f"logit of {names[0]}", f"logit of {names[1]}")
    axes.legend(fontsize=FONT_SIZE - 1, loc="upper left", framealpha=0.9)
    return figure


def _arrows(gradient: np.ndarray) -> np.ndarray:
    """Arrows of the gradient's direction, longer where it is larger, on a scale of square roots."""
    norm = np.linalg.norm(gradient, axis=-1, keepdims=True)
    largest = np.nanmax(norm, initial=0.0)
    if largest == 0.0:
        return np.zeros_like(gradient)
    length = _SHORTEST + (1.0 - _SHORTEST) * np.sqrt(norm / largest)
    return np.where(norm > 0.0, gradient / np.where(norm > 0.0, norm, 1.0) * length, 0.0)
