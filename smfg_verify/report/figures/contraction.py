"""Contraction of the best-response map: every criterion against temperature, and its spectrum at one equilibrium."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.assumptions import AssumptionReport
from smfg_verify.report.figures.drawing import finish_axes
from smfg_verify.report.figures.layout import Row, lettered, new_figure, settle
from smfg_verify.report.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, house_style
from smfg_verify.report.figures.ticks import logarithmic
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import REWARD, game_title

_HEIGHT = 1.6
# Name of the curve -> its label, colour, line and marker.
_CURVES = {
    "sup-norm": ("proved bound, sup norm", RED, "--", ""),
    "span": ("proved bound, span", RED, "-", ""),
    "modulus": ("largest modulus found", BLUE, "-", "o"),
    "spectral-radius": ("spectral radius", GREEN, ":", "s"),
    "softmax-scheme": ("softmax scheme", ORANGE, "-.", ""),
}


@house_style
def contraction_figure(report: AssumptionReport, *, width: FigureWidth = "two") -> Figure | None:
    """Temperature sweep, and eigenvalues of the linearised best-response map.

    Args:
        report: one that has the property contraction.
        width: of one column of a paper, or of two.

    Returns:
        The figure; None where the property does not apply.
    """
    if not has_sweep(report):
        return None
    figure = new_figure(width)
    if width == "two":
        left, right = figure.subplots(1, 2, width_ratios=(1.6, 1.0))
    else:
        left, right = figure.subplots(2, 1)
    missing = sweep_panel(left, report, "Moduli over temperature")
    shown = spectrum_panel(right, report, r"Eigenvalues of $D\Gamma_\phi$")
    lettered((left, right))
    note = (
        "Proved bounds hold for every leader and mean field; the other curves are the largest found, the "
        "spectral radius among equilibria. "
        f"{shown} eigenvalue{'' if shown == 1 else 's'} at the equilibrium of the uniform leader."
    )
    if missing:
        note += f" Nowhere positive and finite, so not drawn: {', '.join(missing)}."
    rows: list[Row] = [(each, _HEIGHT) for each in ((left, right) if width == "one" else (left,))]
    settle(figure, rows, head=contraction_title(report), note=note)
    return figure


def has_sweep(report: AssumptionReport) -> bool:
    """Whether the property applies to the game, so that there is something to draw."""
    return bool(report.finding("contraction", "smallest-temperature").details.get("sweep"))


def contraction_title(report: AssumptionReport) -> str:
    """The game and the verdict."""
    return f"{game_title(report.game_name)}. Contraction: {report.verdict('contraction').value}"


def sweep_panel(axes: Axes, report: AssumptionReport, title: str) -> list[str]:
    """Draw the curves of a temperature sweep and return those that have nothing to draw, by label.

    The game's own temperature is the middle of the sweep.
    """
    sweep = report.finding("contraction", "smallest-temperature").details["sweep"]
    temperatures = np.asarray(sweep["temperature"])
    own = float(temperatures[len(temperatures) // 2])
    missing = []
    for name, (label, colour, line, marker) in _CURVES.items():
        values = np.asarray(sweep[name])
        drawn = np.where(np.isfinite(values) & (values > 0.0), values, np.nan)
        if not np.isfinite(drawn).any():
            missing.append(label)
            continue
        axes.plot(
            temperatures, drawn, color=colour, linestyle=line, linewidth=1.3, marker=marker, markersize=2.8, label=label
        )
    axes.axhline(1.0, color=BLACK, linewidth=0.7, linestyle=(0, (8, 2)), label="contraction below 1")
    own_label = f"$\\tau = {own:.4g}$ of the game"
    axes.axvline(own, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), label=own_label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    logarithmic(axes.xaxis)
    logarithmic(axes.yaxis)
    finish_axes(axes, title, rf"temperature $\tau$ [{REWARD}]", r"modulus of $\Gamma_\phi$ [1]")
    return missing


def spectrum_panel(axes: Axes, report: AssumptionReport, title: str) -> int:
    """Draw the eigenvalues at the uniform leader's equilibrium beside the unit circle, and return their number."""
    details = report.finding("contraction", "spectral-radius").details
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    axes.plot(np.cos(angle), np.sin(angle), color=GREY, linewidth=0.8, linestyle=(0, (4, 1, 1, 1)), label="unit circle")
    real, imaginary = (np.asarray(details.get(f"eigenvalues_{part}", np.empty(0))) for part in ("real", "imag"))
    if real.size:
        axes.scatter(real, imaginary, color=BLUE, s=14, marker="D", zorder=3, label="eigenvalue")
    axes.axhline(0.0, color=GREY, linewidth=0.4)
    axes.axvline(0.0, color=GREY, linewidth=0.4)
    axes.set_aspect("equal", adjustable="datalim")
    finish_axes(axes, title, "real part [1]", "imaginary part [1]")
    return int(real.size)
