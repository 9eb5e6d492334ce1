"""Total and direct gradient over all leaders of one or two free parameters, on the leader's objective."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.assumptions import Finding
from smfg_verify.report.figures.drawing import finish_axes, plain_text
from smfg_verify.report.figures.layout import Row, lettered, new_figure, settle
from smfg_verify.report.figures.style import BLUE, COLOURS, GREY, LABEL, RED, SMALL, house_style
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import REWARD, game_title

_TOTAL = r"total gradient $\nabla\Phi$"
_DIRECT = "its direct part $p$"
_OBJECTIVE = rf"$\Phi(\omega)$ [{REWARD}]"
# Shortest arrow drawn, as a share of the longest: shorter ones would be invisible, and their direction is what counts.
_SHORTEST = 0.25
_LINE_HEIGHT, _PLANE_HEIGHT = 1.35, 2.5


@house_style
def alignment_field_figure(
    finding: Finding, names: tuple[str, ...], *, game: str, width: FigureWidth = "two"
) -> Figure | None:
    """The two gradients over the leader's free parameters; None where the finding holds no such field.

    Args:
        finding: the statement "cosine" of the property gradient-alignment.
        names: of the free parameters.
        game: its name.
        width: of one column of a paper, or of two.

    Returns:
        One parameter: the objective, and both gradients. Two: arrows of both over contours of the objective.
    """
    field = finding.details.get("field", {})
    if not field:
        return None
    axis, objective = np.asarray(field["axis"]), np.asarray(field["objective"])
    total, direct = np.asarray(field["total"]), np.asarray(field["direct"])
    figure = new_figure(width)
    names = tuple(map(plain_text, names))
    if objective.ndim == 1:
        axes = figure.subplots(*((1, 2) if width == "two" else (2, 1)))
        _along_a_line(axes, axis, objective, total[:, 0], direct[:, 0], names[0])
        rows: list[Row] = [(each, _LINE_HEIGHT) for each in (axes if width == "one" else axes[:1])]
    else:
        rows = [(_over_a_plane(figure, axis, objective, total, direct, names), _PLANE_HEIGHT)]
    missing = int(np.sum(~np.isfinite(objective)))
    note = f"{objective.size:,} leaders evaluated exactly, {missing} without an equilibrium."
    if objective.ndim > 1:
        note += f" An arrow's length grows with the square root of the gradient's; none is below {_SHORTEST:.0%}."
    settle(figure, rows, head=f"{game_title(game)}. Gradients over the leader's parameters", note=note)
    return figure


def _along_a_line(
    panels: Sequence[Axes], axis: np.ndarray, objective: np.ndarray, total: np.ndarray, direct: np.ndarray, name: str
) -> None:
    upper, lower = panels
    upper.plot(axis, objective, color=GREY, linewidth=1.4)
    lower.plot(axis, total, color=BLUE, linewidth=1.4, label=_TOTAL)
    lower.plot(axis, direct, color=RED, linewidth=1.4, linestyle="--", label=_DIRECT)
    lower.axhline(0.0, color=GREY, linewidth=0.6)
    for axes in panels:
        _shade(axes, axis, total * direct < 0.0)
    logit = f"logit of {name} [1]"
    finish_axes(upper, "Leader's objective", logit, _OBJECTIVE)
    finish_axes(lower, "Gradients in the logit", logit, rf"$\mathrm{{d}}/\mathrm{{d}}\omega$ [{REWARD}]")
    lettered(panels)


def _shade(axes: Axes, axis: np.ndarray, opposed: np.ndarray) -> None:
    """A ground where the two gradients point apart."""
    if opposed.any():
        axes.fill_between(
            axis,
            0.0,
            1.0,
            where=opposed.tolist(),
            transform=axes.get_xaxis_transform(),
            color=GREY,
            alpha=0.13,
            linewidth=0,
            label="opposite signs",
        )


def _over_a_plane(
    figure: Figure,
    axis: np.ndarray,
    objective: np.ndarray,
    total: np.ndarray,
    direct: np.ndarray,
    names: tuple[str, ...],
) -> Axes:
    axes: Axes = figure.subplots()
    # The first parameter is the first axis of the grid; contours want it along x.
    contours = axes.contour(axis, axis, objective.T, levels=14, cmap=COLOURS, linewidths=1.0)
    bar = figure.colorbar(contours, ax=axes, pad=0.02)
    bar.set_label(_OBJECTIVE, fontsize=LABEL)
    bar.ax.tick_params(labelsize=SMALL)
    first, second = np.meshgrid(axis, axis, indexing="ij")
    # The total below and wider, so that both are seen where they agree.
    for gradient, colour, label, thickness in ((total, BLUE, _TOTAL, 0.0075), (direct, RED, _DIRECT, 0.003)):
        arrows = _arrows(gradient)
        axes.quiver(
            first,
            second,
            arrows[..., 0],
            arrows[..., 1],
            label=label,
            color=colour,
            width=thickness,
            angles="xy",
            scale_units="xy",
            scale=1.6,
        )
    finish_axes(axes, "", f"logit of {names[0]} [1]", f"logit of {names[1]} [1]")
    return axes


def _arrows(gradient: np.ndarray) -> np.ndarray:
    """Arrows of the gradient's direction, longer where it is larger, on a scale of square roots."""
    norm = np.linalg.norm(gradient, axis=-1, keepdims=True)
    largest = np.nanmax(norm, initial=0.0)
    if largest == 0.0:
        return np.zeros_like(gradient)
    length = _SHORTEST + (1.0 - _SHORTEST) * np.sqrt(norm / largest)
    return np.where(norm > 0.0, gradient / np.where(norm > 0.0, norm, 1.0) * length, 0.0)
