"""Where AC-SMFG goes against where it should: objective, gradient and policy-space gap along a run, predicted too."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.bounds import ExpectedStationarity, Residuals
from smfg_verify.report.figures.drawing import BLUE, GREEN, GREY, RED, finish_axes, footnote, legend, new_figure

_BAND = (0.05, 0.95)


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


def stopping_figure(found: Stopping) -> Figure:
    """Three panels over iterations: the objective, the squared gradient in logits, the policy-space gap.

    Args:
        found: a run, its prediction, and what exact ascent reaches.

    Returns:
        The figure.
    """
    figure = new_figure(10.6, 3.7)
    panels = figure.subplots(1, 3)
    residuals = found.residuals
    rows = (
        (residuals.objective, found.predicted.objective, r"objective $\Phi(\omega_k)$", "units of reward"),
        (residuals.e_omega, found.predicted.squared_gradient, r"$\|\nabla\Phi(\omega_k)\|^2$", "squared objective"),
        (residuals.policy_gap, found.predicted.policy_gap, "policy-space gap", "objective"),
    )
    for axes, (values, predicted, title, unit) in zip(panels, rows, strict=True):
        _panel(axes, found, values, predicted)
        finish_axes(axes, title, "iterations k + 1", unit)
    panels[0].axhline(found.best_objective, color=GREEN, linewidth=1.2, linestyle="-.", label="exact ascent ends")
    panels[2].axhline(found.limit_gap, color=GREEN, linewidth=1.2, linestyle="-.", label="limit of the mean dynamics")
    panels[1].set_yscale("log")
    for axes in panels:
        legend(axes, "best")
    footnote(
        figure,
        f"{len(residuals.seeds)} seeds. Every value is evaluated exactly at the run's leaders; the prediction (linear "
        "noise approximation) uses no run. A gradient in logits that vanishes beside a gap that does not is a "
        "saturated softmax: the run stops where the leader's objective is not stationary.",
    )
    return figure


def _panel(axes: Axes, found: Stopping, values: Float[np.ndarray, "S C"], predicted: Float[np.ndarray, " B"]) -> None:
    x = found.residuals.iterations + 1
    known = np.isfinite(values).any(axis=0)
    low, high = np.nanquantile(values[:, known], _BAND, axis=0)
    axes.fill_between(x[known], low, high, color=BLUE, alpha=0.22, linewidth=0, label="5% to 95% of seeds")
    axes.plot(x, values.mean(axis=0), color=BLUE, linewidth=1.6, label="mean of seeds")
    axes.plot(found.iterations + 1, predicted, color=RED, linewidth=1.3, linestyle="--", label="predicted mean")
    axes.set_xscale("log")
    axes.grid(axis="x", color=GREY, alpha=0.15)
