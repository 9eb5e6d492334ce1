"""The step-size laboratory: both optima, and how well the prediction does."""

import math

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.bounds.steps.sweep_record import Laboratory, Optimum
from smfg_verify.jobs.lab import LabResult
from smfg_verify.learners import LEARNERS
from smfg_verify.report.tables.layout import brief_table, pairs_table


def lab_tables(result: LabResult) -> Group:
    """Both optima on fresh seeds, and how well the prediction does over the whole sweep."""
    lab = result.lab
    parts = [
        *([] if lab.found is None else [_optima(lab)]),
        pairs_table(f"Step-size laboratory on {result.settings.name}", _summary(lab)),
    ]
    return Group(*parts, Text(_answer(lab)))


def _optima(lab: Laboratory) -> Table:
    columns = ("optimum", "step constants", "exponents", "measured", "predicted", "fresh seeds", "policy gap", "Phi")
    table = brief_table("Least final ||grad Phi(omega)||^2", *columns, unbroken="optimum")
    for name, optimum in (("found", lab.found), ("predicted", lab.foreseen)):
        if optimum is not None:
            table.add_row(name, *_cells(optimum))
    table.caption = Text(
        f"measured: mean of {lab.seeds} seeds, the same for every choice; the least of many such means is too small. "
        f"fresh seeds: mean of {4 * lab.seeds} seeds that were not in the sweep, +- its standard error; "
        "policy gap and Phi are theirs. A small gradient in logits with a large policy gap is a saturated softmax, not "
        "a stationary policy."
    )
    table.caption_justify = "left"
    return table


def _cells(optimum: Optimum) -> tuple[str, ...]:
    choice = optimum.choice
    constants = ", ".join(f"{name} {choice[name]:.3g}" for name in LEARNERS)
    exponents = f"leader {choice['leader_exponent']:.2g}, others {choice['tracking_exponent']:.2g}"
    swept = (f"{optimum.measured:.3g}", f"{optimum.predicted:.3g}")
    fresh = f"{optimum.fresh:.3g} +- {optimum.fresh_error:.2g}"
    return (constants, exponents, *swept, fresh, f"{optimum.policy_gap:.3g}", f"{optimum.objective:.4g}")


def _summary(lab: Laboratory) -> dict[str, str]:
    measured = np.concatenate([plane.measured.ravel() for plane in lab.planes])
    certified = np.concatenate([plane.certified.ravel() for plane in lab.planes])
    low, middle, high = lab.ratio
    shares = f"{np.mean(certified):.0%} of {certified.size} choices" if not lab.region_missing else lab.region_missing
    return {
        "runs": f"{measured.size} choices, {lab.seeds} seeds, {lab.num_iterations:,} iterations, {lab.sampling}",
        "diverged": f"{np.sum(~np.isfinite(measured))} choices",
        "drift certifies": shares,
        "measured / predicted": _known(middle, f"median {middle:.3g}, quartiles {low:.3g} to {high:.3g}"),
        "rank correlation": _known(lab.rank_correlation, f"{lab.rank_correlation:.3f} (Spearman)"),
        "error of the prediction's integration": _known(
            lab.refinement, f"{lab.refinement:.2g} relative, blocks halved"
        ),
    }


def _known(number: float, said: str) -> str:
    return "none" if math.isnan(number) else said


def _answer(lab: Laboratory) -> str:
    if lab.found is None:
        return f"No optimum: {lab.undecided}.\n"
    if lab.foreseen is None:
        return "No prediction: the linear noise approximation gives no finite number for any choice.\n"
    apart, error = lab.difference
    if lab.found.choice == lab.foreseen.choice:
        return "The predicted optimum is the one found.\n"
    if not (math.isfinite(apart) and math.isfinite(error)):
        return "The predicted optimum is another than the one found; on fresh seeds they could not be compared.\n"
    said = "cannot be told apart" if abs(apart) <= 2.0 * error else "differ"
    return (
        f"On fresh seeds the predicted optimum's mean is {apart:+.2g} +- {error:.2g} above that of the one found: at "
        f"two standard errors they {said}.\n"
    )
