"""The theorem's bound over a run's measured errors, line by line, and which constant loses how much."""

import math

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.bounds.theorem.curve import LEADER, LINES
from smfg_verify.bounds.theorem.losses import Loss
from smfg_verify.jobs.bound import Beside
from smfg_verify.report.figures.drawing import finish_axes, seeds_band
from smfg_verify.report.figures.layout import lettered, new_figure, settle
from smfg_verify.report.figures.style import BLACK, BLUE, ORANGE, RED, house_style
from smfg_verify.report.figures.ticks import logarithmic
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.labels import MEASURES, game_title

_COLUMNS = {"one": 2, "two": 3}
_HEIGHT = 1.15
# Constants as docs/theorem.md writes them.
_SYMBOLS = {
    "D_f^2": "$D_f^2$",
    "D_l^2": "$D_l^2$",
    "eta_V / beta": r"$\eta_V/\beta$",
    "d_0": "$d_0$",
    "eta_G / alpha": r"$\eta_G/\alpha$",
    "p_0": "$p_0$",
    "C^2": "$C^2$",
    "v_theta": r"$v_\theta$",
    "v_phi": r"$v_\phi$",
    "v_mu": r"$v_\mu$",
    "u_theta": r"$u_\theta$",
    "u_phi": r"$u_\phi$",
    "u_mu": r"$u_\mu$",
    "g_phi": r"$g_\phi$",
    "g_mu": r"$g_\mu$",
    "L_mu": r"$L_\mu$",
}
# Bars that are drawn, the longest: more have no room for their names.
_MOST_BARS = 7


@house_style
def bound_figure(beside: Beside, *, game: str, width: FigureWidth = "two") -> Figure:
    """A panel a line of the theorem with the bound over the measured mean, and one with the factor lost by constant.

    Args:
        beside: the bound beside a run.
        game: its name.
        width: of one column of a paper, or of two.

    Returns:
        The figure; what has no number is named in its small print.
    """
    figure = new_figure(width)
    columns = _COLUMNS[width]
    grid = figure.subplots((len(LINES) + 2) // columns, columns)
    *lines, bars = grid.ravel()
    for axes, name in zip(lines, (*LINES, LEADER), strict=True):
        _line(axes, beside, name)
    for axes in lines[: -(columns - 1)]:
        axes.set_xlabel("")
    _bars(bars, beside.losses)
    lettered((*lines, bars))
    head = f"{game_title(game)}. What is proved of a run's expected errors, and what the run has"
    settle(figure, [(row[0], _HEIGHT) for row in grid], head=head, note=_said(beside))
    return figure


def _line(axes: Axes, beside: Beside, name: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    x, trivial = beside.curve.iterations + 1, beside.curve.trivial[name]
    values, bound = getattr(beside.residuals, name), _positive(_bound(beside, name))
    seeds_band(axes, x, _positive(values))
    if beside.measured:
        mean = beside.measured[name]
        axes.plot(x, _positive(mean), color=BLUE, linewidth=1.4, label="mean of seeds")
        if name == LEADER:
            least = _positive(np.minimum.accumulate(mean))
            axes.plot(x, least, color=BLACK, linewidth=1.0, linestyle="-.", label="its running minimum")
    axes.plot(x, bound, color=RED, linewidth=1.4, linestyle="--", label="proved bound")
    if math.isfinite(trivial) and trivial > 0.0:
        axes.axhline(trivial, color=BLACK, linewidth=0.9, linestyle=":", label="trivial bound")
    logarithmic(axes.xaxis)
    logarithmic(axes.yaxis)
    title = f"{MEASURES[name].words}\n{_factor(beside, name)}"
    finish_axes(axes, title, "iterations $k+1$ [count]", MEASURES[name].axis)


def _bound(beside: Beside, name: str) -> Float[np.ndarray, " C"]:
    return beside.curve.leader if name == LEADER else beside.curve.tracking[name]


def _positive(values: np.ndarray) -> np.ndarray:
    """What a logarithmic axis can show; NaN elsewhere."""
    shown: np.ndarray = np.where(np.isfinite(values) & (values > 0.0), values, np.nan)
    return shown


def _factor(beside: Beside, name: str) -> str:
    """The bound over the measured mean at the end, and whether it is no more than the trivial one."""
    bound = float(_bound(beside, name)[-1])
    if not math.isfinite(bound):
        return "no bound"
    trivial = ", trivial" if bound >= beside.curve.trivial[name] else ""
    if not beside.measured:
        return f"no mean{trivial}"
    # What the leader's line bounds is known only from above: the least over the checkpoints before the last.
    means = beside.measured[name]
    mean = float(np.min(means[:-1], initial=np.inf)) if name == LEADER else float(means[-1])
    ratio = f"{bound / mean:.3g} times the mean" if mean > 0.0 and math.isfinite(mean) else "the mean is zero"
    return f"{ratio}{trivial}"


def _bars(axes: Axes, losses: tuple[Loss, ...]) -> None:
    ordered = sorted((loss for loss in losses if _shown(loss)), key=lambda loss: loss.factor)
    drawn = ordered[-_MOST_BARS:]
    # Bars begin at one, where nothing is lost.
    axes.set_xscale("log")
    places = np.arange(len(drawn))
    axes.barh(places, [loss.factor - 1.0 for loss in drawn], left=1.0, height=0.6, color=ORANGE)
    axes.set_yticks(places, [_SYMBOLS[loss.constant] for loss in drawn])
    logarithmic(axes.xaxis)
    title = "What each constant loses" if drawn == ordered else f"The {_MOST_BARS} constants that lose most"
    finish_axes(axes, title, "factor lost [1]", "")


def _shown(loss: Loss) -> bool:
    return math.isfinite(loss.factor) and loss.factor > 0.0


def _said(beside: Beside) -> str:
    missing = [_SYMBOLS[loss.constant] for loss in beside.losses if not _shown(loss)]
    hidden = f"; without a finite factor: {', '.join(missing)}" if missing else ""
    return (
        f"Mean over the {beside.num_measured} of {len(beside.residuals.e_omega)} seeds with finite numbers; AC-SMFG "
        f"with iid samples and a floor of {beside.floor:.3g} under the follower's probabilities. The leader's bound is "
        "of the least expected squared gradient before k. Factors are at the end. What the iterates met in place of a "
        f"constant proves nothing{hidden}."
    )
