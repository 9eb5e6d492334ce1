"""Residuals along a run on log-log axes, each with its fitted slope and the claimed slope -1/2."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.bounds import RESIDUAL_NAMES, RUNNING_MINIMUM, BoundReport, RateFinding, Residuals
from smfg_verify.report.figures.drawing import finish_axes, seeds_band, signed
from smfg_verify.report.figures.layout import lettered, new_figure, settle
from smfg_verify.report.figures.style import BLACK, BLUE, GREEN, RED, house_style
from smfg_verify.report.figures.ticks import logarithmic
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import MEASURES, game_title

CLAIMED_SLOPE = -0.5
_HEIGHT = 1.25


@house_style
def convergence_figure(residuals: Residuals, report: BoundReport, *, width: FigureWidth = "two") -> Figure:
    """One panel a residual: seed mean, band over seeds, the fit over its window, and a line of slope -1/2.

    Args:
        residuals: of every seed at every checkpoint.
        report: their rates, of the same residuals.
        width: of one column of a paper, or of two.

    Returns:
        The figure; what log axes cannot show, zeros and NaN, is counted in its small print.
    """
    figure = new_figure(width)
    columns = 3 if width == "two" else 2
    grid = figure.subplots(len(RESIDUAL_NAMES) // columns, columns)
    for axes, name in zip(grid.ravel(), RESIDUAL_NAMES, strict=True):
        residual_panel(axes, residuals, report, name, MEASURES[name].words)
    for axes in grid[:-1].ravel():
        axes.set_xlabel("")
    lettered(grid.ravel())
    head = f"{game_title(report.game)}. Residuals along the run against the claimed rate"
    settle(figure, [(row[0], _HEIGHT) for row in grid], head=head, note=_not_shown(residuals, report))
    return figure


def residual_panel(axes: Axes, residuals: Residuals, report: BoundReport, name: str, title: str) -> None:
    """One residual with its rate; that of the gradient with its running minimum, which the claim is about."""
    rows = [report[name], report[RUNNING_MINIMUM]] if name == "e_omega" else [report[name]]
    # Before anything is drawn: axes that were linear keep ends that no logarithm has where nothing is positive.
    axes.set_xscale("log")
    axes.set_yscale("log")
    _draw(axes, residuals.iterations, getattr(residuals, name), rows)
    logarithmic(axes.xaxis)
    logarithmic(axes.yaxis)
    finish_axes(axes, "\n".join([title, *_verdicts(rows)]), "iterations $k+1$ [count]", MEASURES[name].axis)


def _draw(
    axes: Axes, iterations: Int[np.ndarray, " C"], values: Float[np.ndarray, "S C"], rows: list[RateFinding]
) -> None:
    x = iterations + 1
    seeds_band(axes, x, np.where(np.isfinite(values) & (values > 0.0), values, np.nan))
    _curve(axes, x, rows[0], color=BLUE, linewidth=1.4, label="mean of seeds")
    for extra in rows[1:]:
        _curve(axes, x, extra, color=GREEN, linewidth=1.1, linestyle="-.", label="its running minimum")
    _slopes(axes, iterations, rows[0])


def _curve(axes: Axes, x: Int[np.ndarray, " C"], row: RateFinding, **style: Any) -> None:
    means = np.asarray(row.means)
    shown = np.where(means > 0.0, means, np.nan)
    if np.isfinite(shown).any():
        axes.plot(x, shown, **style)


def _verdicts(rows: list[RateFinding]) -> list[str]:
    """Slope and verdict of each, the running minimum's under its name."""
    lines = [f"{_slope(row)}: {row.verdict.value.replace('-1/2', '$-1/2$')}" for row in rows]
    if rows[0].name == "policy_gap":
        return [f"{lines[0]} (no claim)"]
    return [lines[0], *(f"minimum: {line}" for line in lines[1:])]


def _slopes(axes: Axes, iterations: Int[np.ndarray, " C"], row: RateFinding) -> None:
    """The fitted line over its window, and the claimed one through the middle of it."""
    ends = np.log1p(np.array(row.window, dtype=float))
    means = np.asarray(row.means)
    if math.isfinite(row.slope):
        middle = row.intercept + row.slope * ends.mean()
        fitted = np.exp(row.intercept + row.slope * ends)
        axes.plot(np.exp(ends), fitted, color=RED, linewidth=1.4, linestyle="--", label="fitted slope")
    else:
        inside = (iterations >= row.window[0]) & (iterations <= row.window[1]) & np.isfinite(means) & (means > 0.0)
        if not inside.any():
            return
        middle = float(np.mean(np.log(means[inside])))
    claimed = middle + CLAIMED_SLOPE * (ends - ends.mean())
    axes.plot(np.exp(ends), np.exp(claimed), color=BLACK, linewidth=1.2, linestyle=":", label="claimed slope $-1/2$")


def _slope(row: RateFinding) -> str:
    if not math.isfinite(row.slope):
        return "no slope"
    # The interval is never broken between two lines.
    return f"slope {signed(row.slope)} [{signed(row.lower)},\u00a0{signed(row.upper)}]"


def _not_shown(residuals: Residuals, report: BoundReport) -> str:
    zeros = sum(int(np.sum(getattr(residuals, name) == 0.0)) for name in RESIDUAL_NAMES)
    not_finite = {name: report[name].num_not_finite for name in RESIDUAL_NAMES if report[name].num_not_finite}
    listed = ", ".join(f"{MEASURES[name].words.lower()} {count:,}" for name, count in not_finite.items()) or "none"
    return (
        f"{report.num_seeds} seeds, {len(residuals.iterations)} checkpoints; each fit over its own window, "
        f"{100 * report.confidence:g}% intervals. Not drawn: points not finite ({listed}: {report.num_diverged:,} "
        f"diverged, {report.num_not_converged:,} without an equilibrium), {zeros:,} exact zeros."
    )
