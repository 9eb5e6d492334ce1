"""The cosine of the direct with the total gradient: its distribution, its worst case, and its course along a run."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from smfg_verify.assumptions import Finding
from smfg_verify.bounds import Residuals
from smfg_verify.report.figures.drawing import finish_axes, seeds_band
from smfg_verify.report.figures.layout import Row, lettered, new_figure, settle
from smfg_verify.report.figures.style import BLUE, GREY, LABEL, ORANGE, RED, house_style
from smfg_verify.report.figures.ticks import logarithmic
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import game_title

_BINS = 50
_COSINE = r"$\cos(\nabla\Phi,\,p)$ [1]"
_SHADE = "$p$ leads downhill"
_HEIGHT = 1.45


@house_style
def alignment_figure(
    finding: Finding, residuals: Residuals | None = None, *, game: str, width: FigureWidth = "two"
) -> Figure:
    """Histogram of the cosines of random leaders with the worst case, and the cosine along a run where there is one.

    Args:
        finding: the statement "cosine" of the property gradient-alignment.
        residuals: of the run, or None; NaN where a cosine could not be taken.
        game: its name.
        width: of one column of a paper, or of two.

    Returns:
        The figure; points that are NaN are counted in its small print.
    """
    figure = new_figure(width)
    number = 1 if residuals is None else 2
    shape = (1, number) if width == "two" else (number, 1)
    axes = figure.subplots(*shape, squeeze=False).ravel()
    random = _random(finding)
    along_run = np.empty(0) if residuals is None else residuals.alignment
    lowest = _lowest_shown(random, finding.constant, along_run)
    _histogram(axes[0], finding, "Random leaders", lowest)
    notes = [_masked(random, "random leaders")]
    if residuals is not None:
        _course(axes[1], residuals.iterations, along_run, "Along the run", lowest)
        notes.append(_masked(along_run, "points of the run"))
        lettered(list(axes))
    rows: list[Row] = [(each, _HEIGHT) for each in (axes if width == "one" else axes[:1])]
    note = "$p$: direct part of the gradient. " + "; ".join(notes)
    note += " (a gradient within its own numerical error has no direction)."
    settle(figure, rows, head=alignment_title(finding, game), note=note)
    return figure


def alignment_title(finding: Finding, game: str) -> str:
    """The game and the verdict."""
    return f"{game_title(game)}. Gradient alignment: {finding.verdict.value}"


def cosine_panel(axes: Axes, finding: Finding, game: str) -> None:
    """The histogram of random leaders' cosines alone."""
    lowest = _lowest_shown(_random(finding), finding.constant, np.empty(0))
    _histogram(axes, finding, alignment_title(finding, game), lowest)


def cosine_course_panel(axes: Axes, residuals: Residuals, title: str) -> None:
    """The cosine along a run alone."""
    lowest = _lowest_shown(np.empty(0), float("nan"), residuals.alignment)
    _course(axes, residuals.iterations, residuals.alignment, title, lowest)


def _random(finding: Finding) -> np.ndarray:
    return np.asarray(finding.details.get("random", np.empty(0)))


def _lowest_shown(random: np.ndarray, constant: float, along_run: np.ndarray) -> float:
    """Left end of the cosine's axis: -1 if any cosine shown is negative, 0 otherwise."""
    values = np.concatenate([random.ravel(), [constant], along_run.ravel()])
    return -1.0 if np.any(values[np.isfinite(values)] < 0.0) else 0.0


def _masked(values: np.ndarray, what: str) -> str:
    return f"{int(np.sum(~np.isfinite(values))):,} of {values.size:,} {what} masked"


def _histogram(axes: Axes, finding: Finding, title: str, lowest: float) -> None:
    random = _random(finding)
    shown = random[np.isfinite(random)]
    # A cosine of 1 is 1 up to rounding only, and a histogram would drop what lies beyond its range.
    axes.hist(np.clip(shown, -1.0, 1.0), bins=_BINS, range=(lowest, 1.0), color=BLUE)
    if np.isfinite(finding.constant):
        worst = f"worst case found, {finding.constant:.3f}".replace("-", "\u2212")
        axes.axvline(finding.constant, color=RED, linewidth=1.4, linestyle="--", label=worst)
    if lowest < 0.0:
        axes.axvspan(lowest, 0.0, color=GREY, alpha=0.13, linewidth=0, label=_SHADE)
    axes.set_xlim(lowest - 0.02, 1.02)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    finish_axes(axes, title, _COSINE, "random leaders [count]")


def _course(axes: Axes, iterations: np.ndarray, along_run: np.ndarray, title: str, lowest: float) -> None:
    x = iterations + 1
    known = np.isfinite(along_run).any(axis=0)
    if not known.any():
        axes.text(
            0.5,
            0.5,
            "no cosine could be taken",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=LABEL,
        )
    else:
        seeds_band(axes, x, along_run)
        middle = np.nanmedian(along_run[:, known], axis=0)
        axes.plot(x[known], middle, color=BLUE, linewidth=1.4, label="median of seeds")
        smallest = np.nanmin(along_run[:, known], axis=0)
        axes.plot(x[known], smallest, color=ORANGE, linewidth=1.0, linestyle="-.", label="least of seeds")
    if lowest < 0.0:
        axes.axhspan(lowest, 0.0, color=GREY, alpha=0.13, linewidth=0, label=_SHADE)
    axes.set_xscale("log")
    logarithmic(axes.xaxis)
    axes.set_ylim(lowest - 0.03, 1.03)
    finish_axes(axes, title, "iterations $k+1$ [count]", _COSINE)
