"""The cosine of the direct with the total gradient: its distribution, its worst case, and its course along a run."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.assumptions import Finding
from smfg_verify.bounds import Residuals
from smfg_verify.report.figures.drawing import (
    BLUE,
    FONT_SIZE,
    GREY,
    ORANGE,
    RED,
    finish_axes,
    footnote,
    legend,
    new_figure,
)

_BINS = 50
_COSINE = r"$\cos(g, p)$,  $g = \nabla\Phi$, $p$ its direct part"


def alignment_figure(finding: Finding, residuals: Residuals | None = None) -> Figure:
    """Histogram of the cosines of random leaders with the worst case, and the cosine along a run where there is one.

    Args:
        finding: the statement "cosine" of the property gradient-alignment.
        residuals: of the run, or None; NaN where a cosine could not be taken.

    Returns:
        The figure; points that are NaN are counted in its footnote.
    """
    figure = new_figure(4.4 if residuals is None else 7.6, 3.1)
    axes = figure.subplots(1, 1 if residuals is None else 2, squeeze=False)[0]
    random = np.asarray(finding.details.get("random", np.empty(0)))
    along_run = np.empty(0) if residuals is None else residuals.alignment
    lowest = _lowest_shown(random, finding.constant, along_run)
    _histogram(axes[0], finding, random, lowest)
    notes = [_masked(random, "random leaders")]
    if residuals is not None:
        _course(axes[1], residuals.iterations, along_run, lowest)
        notes.append(_masked(along_run, "points of the run"))
    footnote(figure, "; ".join(notes) + " (a gradient within its own numerical error has no direction).")
    return figure


def cosine_panel(axes: Axes, finding: Finding) -> None:
    """The histogram of random leaders' cosines alone."""
    random = np.asarray(finding.details.get("random", np.empty(0)))
    _histogram(axes, finding, random, _lowest_shown(random, finding.constant, np.empty(0)))


def cosine_course_panel(axes: Axes, residuals: Residuals) -> None:
    """The cosine along a run alone."""
    lowest = _lowest_shown(np.empty(0), float("nan"), residuals.alignment)
    _course(axes, residuals.iterations, residuals.alignment, lowest)


def _lowest_shown(random: np.ndarray, constant: float, along_run: np.ndarray) -> float:
    """Left end of the cosine's axis: -1 if any cosine shown is negative, 0 otherwise."""
    values = np.concatenate([random.ravel(), [constant], along_run.ravel()])
    return -1.0 if np.any(values[np.isfinite(values)] < 0.0) else 0.0


def _masked(values: np.ndarray, what: str) -> str:
    return f"{int(np.sum(~np.isfinite(values))):,} of {values.size:,} {what} masked"


def _histogram(axes: Axes, finding: Finding, random: np.ndarray, lowest: float) -> None:
    shown = random[np.isfinite(random)]
    # A cosine of 1 is 1 up to rounding only, and a histogram would drop what lies beyond its range.
    counts, _, _ = axes.hist(np.clip(shown, -1.0, 1.0), bins=_BINS, range=(lowest, 1.0), color=BLUE)
    if np.isfinite(finding.constant):
        worst = f"worst case found {finding.constant:.3f}"
        axes.axvline(finding.constant, color=RED, linewidth=1.6, linestyle="--", label=worst)
    if lowest < 0.0:
        axes.axvspan(lowest, 0.0, color=GREY, alpha=0.12, linewidth=0, label="$p$ is a direction of descent")
    axes.set_xlim(lowest - 0.02, 1.02)
    axes.set_ylim(0.0, 1.3 * max(1.0, float(np.max(counts))))
    finish_axes(axes, f"Gradient alignment: {finding.verdict.value}", _COSINE, "number of random leaders")
    legend(axes, "upper center")


def _course(axes: Axes, iterations: np.ndarray, along_run: np.ndarray, lowest: float) -> None:
    x = iterations + 1
    known = np.isfinite(along_run).any(axis=0)
    if not known.any():
        axes.text(0.5, 0.5, "no cosine could be taken along the run", ha="center", va="center", fontsize=FONT_SIZE)
    else:
        low, median, high = np.nanquantile(along_run[:, known], (0.05, 0.5, 0.95), axis=0)
        axes.fill_between(x[known], low, high, color=BLUE, alpha=0.25, linewidth=0, label="5% to 95% of seeds")
        axes.plot(x[known], median, color=BLUE, linewidth=1.5, label="median seed")
        smallest = np.nanmin(along_run[:, known], axis=0)
        axes.plot(x[known], smallest, color=ORANGE, linewidth=1.0, linestyle="--", label="smallest seed")
        legend(axes, "best")
    if lowest < 0.0:
        axes.axhspan(lowest, 0.0, color=GREY, alpha=0.12, linewidth=0)
    axes.set_xscale("log")
    axes.set_ylim(lowest - 0.03, 1.03)
    finish_axes(axes, "Along the run", "iterations k + 1", _COSINE)
