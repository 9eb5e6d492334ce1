"""A run held against the lines of the proof: inequalities, curves, Lyapunov function."""

import math

import numpy as np
from jaxtyping import Float
from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.bounds.drift.inequalities import DriftInequality
from smfg_verify.bounds.drift.validate_drift import BoundCurves, DriftReport
from smfg_verify.jobs.drift import HELD_OUT, Drift
from smfg_verify.numerals import at_least
from smfg_verify.report.tables.layout import brief_table


def drift_tables(drift: Drift) -> Group:
    """The inequalities, the curves beside the seeds held out, and whether a Lyapunov function exists."""
    parts = [_inequalities(drift.report)]
    if drift.curves is not None:
        parts.append(_curves(drift.curves))
    return Group(*parts, _mean_field_line(drift), _lyapunov(drift.report))


def _inequalities(report: DriftReport) -> Table:
    columns = ("residual", "contraction a", "feeds it", "noise", "binds at", "broken held out", "Markov correction")
    table = brief_table("Drift inequalities, empirical constants", *columns, unbroken="residual")
    for name, inequality in report.inequalities.items():
        if not inequality.solved:
            table.add_row(name, Text(inequality.status), "", "", "", "", "")
            continue
        seed, iteration = report.binding[name] or (-1, -1)
        table.add_row(
            name,
            f"{inequality.contraction:.3g}",
            _feeding(inequality),
            _listed(inequality.noise),
            f"seed {seed}, k = {iteration:,}",
            _broken(report.held_out[name]),
            _number(report.markov_correction[name]),
        )
    table.caption = Text(
        "E[e+ | x] - e <= -a eps e + eps sum b e_j + sum b' (eps_j^2 / eps) e_j + sum n eps_j^2, eps the step of the "
        "residual's learner; for e_omega the fall of the objective. Constants are fitted to the iterates of this run "
        "and claimed nowhere else. broken held out: worst group of seeds left out of the fit, excess over the "
        "largest change. "
        "Markov correction: what the chains' positions change, over the largest change."
    )
    table.caption_justify = "left"
    return table


def _broken(groups: Float[np.ndarray, "K 2"]) -> str:
    """The worst of the groups of seeds left out, among those with numbers."""
    known = groups[np.isfinite(groups).all(axis=1)]
    if not len(known):
        return "no group left out"
    share, excess = known.max(axis=0)
    return f"{100 * share:.1f}% of rows, by {excess:.2g}"


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.2g}"


def _feeding(inequality: DriftInequality) -> str:
    both = {**inequality.coupling, **{f"{name} (moves)": value for name, value in inequality.moving.items()}}
    return _listed(both)


def _listed(constants: dict[str, float]) -> str:
    largest = max(constants.values(), default=0.0)
    shown = [f"{value:.3g} {name}" for name, value in constants.items() if value > 1e-6 * largest]
    return ", ".join(shown) if largest > 0.0 else "nothing"


def _curves(curves: BoundCurves) -> Table:
    table = brief_table("Unrolled bound over mean of seeds held out", "k", *curves.tracking, "min e_omega", numbers="k")
    smallest = np.minimum.accumulate(curves.held_out["e_omega"])
    last = len(curves.iterations) - 1
    for position in np.unique(np.linspace(min(1, last), last, 6).astype(int)):
        pairs = [(bound[position], curves.held_out[name][position]) for name, bound in curves.tracking.items()]
        cells = [_ratio(*pair) for pair in (*pairs, (curves.leader[position], smallest[position]))]
        table.add_row(f"{curves.iterations[position]:,}", *cells)
    table.caption = Text(
        f"mean of {curves.num_held_out} of {HELD_OUT} seeds held out, those with numbers throughout; below 1 they "
        "exceed the bound. inf: the recursion blows up, or the leader's line has no contraction; none: a mean of zero."
    )
    table.caption_justify = "left"
    return table


def _ratio(bound: float, mean: float) -> str:
    return f"{bound / mean:.3g}" if mean > 0.0 else "none"


def _mean_field_line(drift: Drift) -> Text:
    """What the line of the mean field contracts by along the run, beside what one-sided contraction proves."""
    line = drift.report.inequalities["e_mu"]
    if not line.solved:
        return Text("")
    said = f"The line of e_mu contracts at {line.contraction:.4g} times its step along this run"
    if math.isnan(drift.rate):
        return Text(f"{said}; no rate of one-sided contraction is proved to compare that with.\n")
    return Text(
        f"{said}. Proved for every leader and mean field, with followers at their best response, is 2 c = "
        f"{at_least(2.0 * drift.rate):.4g} for short steps, c the one-sided rate in the Euclidean norm.\n"
    )


def _lyapunov(report: DriftReport) -> Text:
    found = report.lyapunov
    if found.exists:
        weights = ", ".join(f"{value:.3g} {name}" for name, value in found.weights.items())
        said = f"Lyapunov function: the weights {weights} decrease together, up to noise."
    elif found.obstruction:
        feeding = ", ".join(f"{value:.3g} {name}" for name, value in found.obstruction.items() if value > 0.0)
        said = f"No weights decrease together at these step constants: residuals {feeding} keep themselves up."
    else:
        return Text(f"Lyapunov function: not decided, {found.reason}.\n")
    return Text(f"{said}\n{_region(report)}\n")


def _region(report: DriftReport) -> str:
    """For which step constants weights exist, in words."""
    region = report.region
    if math.isinf(region.root):
        without = ", ".join(name for name, entry in report.inequalities.items() if entry.contraction == 0.0)
        return f"No step constants mend that: the inequality of {without} has no contraction."
    ranges = [
        f"{name} {low:.3g} to {high:.3g}" if math.isfinite(low) else f"{name} never"
        for name, (low, high) in region.intervals.items()
    ]
    said = [f"Weights exist for factors on one step constant alone (1e-4 to 1e4 looked at): {'; '.join(ranges)}."]
    said.append(f"Residuals feed each other with a Perron root of {region.root:.3g} (weights exist below 1)")
    if region.best:
        constants = ", ".join(f"{name} {value:.3g}" for name, value in region.best.items())
        said.append(f", of {region.best_root:.3g} at the best ratios found, {constants}")
    said.append(f", of {region.floor:.3g} or more at any.")
    if region.shares:
        name = max(region.shares, key=lambda residual: region.shares[residual])
        said.append(f" The line of {name} binds: {region.shares[name]:.0%} of the root is its.")
    return f"{said[0]} {''.join(said[1:])}"
