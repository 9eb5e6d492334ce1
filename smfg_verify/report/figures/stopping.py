"""Where AC-SMFG goes against where it should: objective, gradient and policy-space gap along a run, predicted too."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.bounds import ExpectedStationarity, Residuals
from smfg_verify.report.figures.drawing import finish_axes, seeds_band
from smfg_verify.report.figures.layout import Row, lettered, new_figure, settle
from smfg_verify.report.figures.style import BLACK, BLUE, GREEN, RED, house_style
from smfg_verify.report.figures.ticks import logarithmic
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import MEASURES, game_title

_HEIGHT = 1.4


@dataclasses.dataclass(frozen=True, eq=False)
class Stopping:
    """What the figure is drawn from.

    Attributes:
        residuals: of a run.
        iterations: where the prediction is known, (B,).
        predicted: by the linear noise approximation of the same run.
        best_objective: Phi where exact ascent along the total gradient ends.
        limit_gap: policy-space gap at the limit of the mean dynamics; NaN where no limit was found.
    """

    residuals: Residuals
    iterations: Int[np.ndarray, " B"]
    predicted: ExpectedStationarity
    best_objective: float
    limit_gap: float


@house_style
def stopping_figure(found: Stopping, *, game: str, width: FigureWidth = "two") -> Figure:
    """Three panels over iterations: the objective, the squared gradient in logits, the policy-space gap.

    Args:
        found: a run, its prediction, and what exact ascent reaches.
        game: its name.
        width: of one column of a paper, or of two.

    Returns:
        The figure.
    """
    figure = new_figure(width)
    panels = figure.subplots(*((1, 3) if width == "two" else (3, 1)))
    residuals = found.residuals
    shown = {
        "objective": (residuals.objective, found.predicted.objective),
        "e_omega": (residuals.e_omega, found.predicted.squared_gradient),
        "policy_gap": (residuals.policy_gap, found.predicted.policy_gap),
    }
    panels[1].set_yscale("log")
    for axes, (name, (values, predicted)) in zip(panels, shown.items(), strict=True):
        _panel(axes, found, values, predicted)
        finish_axes(axes, MEASURES[name].words, "iterations $k+1$ [count]", MEASURES[name].axis)
    logarithmic(panels[1].yaxis)
    _level(panels[0], found.best_objective, GREEN, "-.", "where exact ascent ends")
    _level(panels[2], found.limit_gap, BLACK, ":", "limit of the mean dynamics")
    lettered(panels)
    rows: list[Row] = [(axes, _HEIGHT) for axes in (panels if width == "one" else panels[:1])]
    note = (
        f"{len(residuals.seeds)} seeds. Every value is evaluated exactly at the run's leaders; the prediction (linear "
        "noise approximation) uses no run. A gradient in logits that vanishes beside a gap that does not is a "
        "saturated softmax: the run stops where the leader's objective is not stationary."
    )
    settle(figure, rows, head=f"{game_title(game)}. Where the run stops", note=note)
    return figure


def _level(axes: Axes, value: float, colour: str, line: str, label: str) -> None:
    if np.isfinite(value):
        axes.axhline(value, color=colour, linewidth=1.1, linestyle=line, label=label)


def _panel(axes: Axes, found: Stopping, values: Float[np.ndarray, "S C"], predicted: Float[np.ndarray, " B"]) -> None:
    x = found.residuals.iterations + 1
    seeds_band(axes, x, values)
    axes.plot(x, values.mean(axis=0), color=BLUE, linewidth=1.4, label="mean of seeds")
    axes.plot(found.iterations + 1, predicted, color=RED, linewidth=1.2, linestyle="--", label="predicted mean")
    axes.set_xscale("log")
    logarithmic(axes.xaxis)
