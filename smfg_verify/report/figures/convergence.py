"""Residuals along a run on log-log axes, each with its fitted slope and the claimed slope -1/2."""

import math

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation

from smfg_verify.bounds import RESIDUAL_NAMES, RUNNING_MINIMUM, BoundReport, RateFinding, Residuals
from smfg_verify.report.figures.drawing import (
    BLUE,
    FONT_SIZE,
    GREEN,
    GREY,
    RED,
    finish_axes,
    footnote,
    legend,
    new_figure,
    signed,
)

CLAIMED_SLOPE = -0.5
_BAND = (0.05, 0.95)
_LEGEND_ROOM = 0.5
_TITLES = {
    "e_omega": (r"$\|\nabla\Phi(\omega_k)\|^2$", "squared objective"),
    "policy_gap": ("policy-space gap", "objective"),
    "e_theta": (r"$J_f(\pi^*) - J_f(\pi_k)$", "follower's objective"),
    "e_mu": (r"$\|\hat\mu_k - \mu^*(\phi_k)\|^2$", "dimensionless"),
    "e_Vf": (r"$\|V_f - V_f^{\pi_k}\|^2$", "squared value"),
    "e_Vl": (r"$\|V_l - V_l^{\pi_k}\|^2$", "squared value"),
}


def convergence_figure(residuals: Residuals, report: BoundReport) -> Figure:
    """One panel a residual: seed mean, band over seeds, the fit over its window, and a line of slope -1/2.

    Args:
        residuals: of every seed at every checkpoint.
        report: their rates, of the same residuals.

    Returns:
        The figure; what log axes cannot show, zeros and NaN, is counted in its footnote.
    """
    figure = new_figure(10.2, 7.0)
    panels = figure.subplots(2, 3).ravel()
    for axes, name in zip(panels, RESIDUAL_NAMES, strict=True):
        residual_panel(axes, residuals, report, name)
    footnote(figure, _not_shown(residuals, report))
    return figure


def residual_panel(axes: Axes, residuals: Residuals, report: BoundReport, name: str) -> None:
    """One residual with its rate; that of the gradient with its running minimum, which the claim is about."""
    rows = [report[name], report[RUNNING_MINIMUM]] if name == "e_omega" else [report[name]]
    _draw(axes, residuals.iterations, getattr(residuals, name), rows)


def _draw(
    axes: Axes, iterations: Int[np.ndarray, " C"], values: Float[np.ndarray, "S C"], rows: list[RateFinding]
) -> None:
    row = rows[0]
    x = iterations + 1
    drawn = np.where(np.isfinite(values) & (values > 0.0), values, np.nan)
    known = np.isfinite(drawn).any(axis=0)
    # Before anything is drawn: axes that were linear keep ends that no logarithm has where nothing is positive.
    axes.set_xscale("log")
    axes.set_yscale("log")
    if known.any():
        low, high = np.nanquantile(drawn[:, known], _BAND, axis=0)
        axes.fill_between(x[known], low, high, color=BLUE, alpha=0.22, linewidth=0, label="5% to 95% of seeds")
    axes.plot(x, _positive(row.means), color=BLUE, linewidth=1.6, label="mean of seeds")
    for extra in rows[1:]:
        axes.plot(
            x,
            _positive(extra.means),
            color=GREEN,
            linewidth=1.1,
            linestyle="-.",
            label=f"running minimum, {_slope(extra)}",
        )
    _slopes(axes, iterations, row)
    # Axes that span less than two decades would show a single number.
    axes.yaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(2.0, 0.7)))
    axes.tick_params(which="minor", labelsize=FONT_SIZE - 2)
    title, unit = _TITLES[row.name]
    finish_axes(axes, f"{title}: {_verdicts(rows)}", "iterations k + 1", f"{row.name}, {unit}")
    lowest, highest = axes.get_ylim()
    # Room for the legend under everything that is drawn.
    axes.set_ylim(lowest * (lowest / highest) ** _LEGEND_ROOM, highest)
    legend(axes, "lower left")


def _verdicts(rows: list[RateFinding]) -> str:
    found = [row.verdict.value.replace("-1/2", "$-1/2$") for row in rows]
    if rows[0].name == "policy_gap":
        return f"{found[0]} (no claim)"
    return ";\nrunning minimum: ".join(found)  # in one line it runs into the next panel's


def _slopes(axes: Axes, iterations: Int[np.ndarray, " C"], row: RateFinding) -> None:
    """The fitted line over its window, and the claimed one through the middle of it."""
    ends = np.log1p(np.array(row.window, dtype=float))
    means = np.asarray(row.means)
    if math.isfinite(row.slope):
        middle = row.intercept + row.slope * ends.mean()
        fitted = np.exp(row.intercept + row.slope * ends)
        axes.plot(np.exp(ends), fitted, color=RED, linewidth=1.8, label=f"fit, {_slope(row)}")
    else:
        inside = (iterations >= row.window[0]) & (iterations <= row.window[1]) & np.isfinite(means) & (means > 0.0)
        if not inside.any():
            return
        middle = float(np.mean(np.log(means[inside])))
    claimed = middle + CLAIMED_SLOPE * (ends - ends.mean())
    axes.plot(np.exp(ends), np.exp(claimed), color=GREY, linewidth=1.4, linestyle=":", label="slope $-1/2$")


def _slope(row: RateFinding) -> str:
    if not math.isfinite(row.slope):
        return "no slope"
    return f"slope {signed(row.slope)} [{signed(row.lower)}, {signed(row.upper)}]"


def _positive(means: tuple[float, ...]) -> np.ndarray:
    values = np.asarray(means)
    return np.where(values > 0.0, values, np.nan)


def _not_shown(residuals: Residuals, report: BoundReport) -> str:
    zeros = sum(int(np.sum(getattr(residuals, name) == 0.0)) for name in RESIDUAL_NAMES)
    not_finite = {name: report[name].num_not_finite for name in RESIDUAL_NAMES if report[name].num_not_finite}
    listed = ", ".join(f"{name} {count:,}" for name, count in not_finite.items()) or "none"
    return (
        f"{report.num_seeds} seeds, {len(residuals.iterations)} checkpoints; each fit over its own window, "
        f"{100 * report.confidence:g}% intervals. Not drawn: points not finite ({listed}: {report.num_diverged:,} "
        f"diverged, {report.num_not_converged:,} without an equilibrium), {zeros:,} exact zeros."
    )
