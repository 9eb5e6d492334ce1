"""Contraction of the best-response map: every criterion against temperature, and its spectrum at one equilibrium."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.assumptions import AssumptionReport
from smfg_verify.report.figures.drawing import (
    BLUE,
    FONT_SIZE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    finish_axes,
    footnote,
    new_figure,
)

# Share of the curves' decades that is added above them.
_HEADROOM = 0.6
# Name of the curve -> its label, colour and line.
_CURVES = {
    "sup-norm": ("proved bound, sup norm", RED, "--"),
    "span": ("proved bound, span", RED, "-"),
    "modulus": ("measured modulus (search)", BLUE, "-"),
    "spectral-radius": ("spectral radius at equilibria", GREEN, "-"),
    "softmax-scheme": ("softmax scheme", ORANGE, "-."),
}


def contraction_figure(report: AssumptionReport) -> Figure | None:
    """Temperature sweep at the left, eigenvalues of the linearised best-response map at the right.

    Args:
        report: one that has the property contraction.

    Returns:
        The figure; None where the property does not apply.
    """
    sweep = report.finding("contraction", "smallest-temperature").details.get("sweep", {})
    if not sweep:
        return None
    figure = new_figure(7.8, 3.4)
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1.0))
    temperature = sweep_panel(left, report)
    shown = spectrum_panel(right, report)
    footnote(
        figure,
        f"The game's own temperature is {temperature:g}. Proved bounds hold for every leader and mean field; the other "
        f"curves are the largest found. {shown} eigenvalue{'' if shown == 1 else 's'} at the equilibrium of the "
        "uniform leader.",
    )
    return figure


def sweep_panel(axes: Axes, report: AssumptionReport) -> float:
    """Draw all curves of a temperature sweep and return the game's temperature, which is the middle of it."""
    sweep = report.finding("contraction", "smallest-temperature").details["sweep"]
    temperatures = np.asarray(sweep["temperature"])
    own = float(temperatures[len(temperatures) // 2])
    for name, (label, colour, line) in _CURVES.items():
        values = np.asarray(sweep[name])
        drawn = np.where(np.isfinite(values) & (values > 0.0), values, np.nan)
        if np.isfinite(drawn).any():
            axes.plot(temperatures, drawn, color=colour, linestyle=line, linewidth=1.5, label=label)
        else:
            axes.plot([], [], color=colour, linestyle=line, label=f"{label}: none positive and finite")
    axes.axhline(1.0, color=GREY, linewidth=0.8)
    axes.axvline(own, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    title = f"Contraction: {report.verdict('contraction').value}"
    finish_axes(axes, title, r"temperature $\tau$", r"modulus of $\Gamma_\phi$")
    # Room above the curves, which would else run under the legend.
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top * (top / bottom) ** _HEADROOM)
    axes.legend(fontsize=FONT_SIZE - 1.5, framealpha=0.8, edgecolor="none", loc="upper right")
    return own


def spectrum_panel(axes: Axes, report: AssumptionReport) -> int:
    """Draw the eigenvalues at the uniform leader's equilibrium beside the unit circle, and return their number."""
    details = report.finding("contraction", "spectral-radius").details
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    axes.plot(np.cos(angle), np.sin(angle), color=GREY, linewidth=0.8)
    real, imaginary = (np.asarray(details.get(f"eigenvalues_{part}", np.empty(0))) for part in ("real", "imag"))
    axes.scatter(real, imaginary, color=BLUE, s=14, zorder=3)
    axes.axhline(0.0, color=GREY, linewidth=0.5)
    axes.axvline(0.0, color=GREY, linewidth=0.5)
    axes.set_aspect("equal", adjustable="datalim")
    finish_axes(axes, r"Eigenvalues of $D\Gamma$", "real part", "imaginary part")
    return int(real.size)
