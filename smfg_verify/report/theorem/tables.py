"""The theorem's constants, its bound beside a run, and which constant loses how much."""

import math

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.bounds.theorem.certified import Certified
from smfg_verify.bounds.theorem.curve import LEADER, LINES
from smfg_verify.jobs.bound import Beside, Bound
from smfg_verify.report.tables.layout import brief_table, pairs_table

_FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)


def bound_tables(bound: Bound) -> Group:
    """What is certified and what is missing; the bound beside the run, if none is."""
    parts: list[Table | Text] = []
    if bound.certified.inputs is not None:
        parts.append(_constants(bound.certified))
    parts += [_missing(bound.certified)]
    if bound.beside is not None:
        parts += [_curves(bound.beside), _shares(bound.beside), _losses(bound.beside)]
    return Group(*parts)


def _constants(certified: Certified) -> Table:
    values = {} if certified.inputs is None else certified.inputs._asdict()
    told = {name: value if isinstance(value, tuple) else (value,) for name, value in values.items()}
    return pairs_table(
        "Certified constants", {name: ", ".join(f"{part:.6g}" for part in parts) for name, parts in told.items()}
    )


def _missing(certified: Certified) -> Text:
    """What keeps the theorem from saying anything of the game, or of its leader."""
    if certified.inputs is None:
        lines = ["No bound: constants without a certificate.", *(f"  {reason}" for reason in certified.missing)]
    elif certified.missing_for_leader:
        lines = ["No bound for the leader's gradient:", *(f"  {reason}" for reason in certified.missing_for_leader)]
    else:
        lines = ["Every constant is certified, the leader's among them."]
    return Text("\n".join((*lines, "")))


def _curves(beside: Beside) -> Table:
    curve = beside.curve
    table = brief_table("Bound over measured mean", "k", *LINES, "min e_omega", numbers="k")
    last = len(curve.iterations) - 1
    smallest = np.minimum.accumulate(beside.measured["e_omega"]) if beside.measured else np.full(last + 1, np.nan)
    for position in np.unique(np.rint(np.array(_FRACTIONS) * last).astype(int)).tolist():
        cells = [
            _ratio(curve.tracking[name][position], curve.trivial[name], _at(beside, name, position)) for name in LINES
        ]
        # The bound of k is of the iterates before k, the smallest of which the checkpoints know only from above.
        cells.append(_ratio(curve.leader[position], curve.trivial[LEADER], float(smallest[max(position - 1, 0)])))
        table.add_row(f"{curve.iterations[position]:,}", *cells)
    table.caption = Text(
        f"mean over the {beside.num_measured} of {len(beside.residuals.e_omega)} seeds with finite numbers, AC-SMFG "
        f"with iid samples and follower_floor = {beside.floor:.3g}; the bound starts from the errors of the first "
        "iterate as computed, rounding levels added. trivial: the bound is what holds before any step is looked at. "
        "See docs/theorem.md."
    )
    table.caption_justify = "left"
    return table


def _at(beside: Beside, name: str, position: int) -> float:
    return float(beside.measured[name][position]) if beside.measured else math.nan


def _ratio(bound: float, trivial: float, mean: float) -> str:
    if not math.isfinite(bound):
        return "none"
    said = f"{bound:.3g}" if not mean > 0.0 else f"{bound / mean:.3g}"
    against = "" if mean > 0.0 else " over 0"
    return f"{said}{against}, trivial" if bound >= trivial else f"{said}{against}"


def _shares(beside: Beside) -> Table:
    table = brief_table("What the last step adds to the bound", "line", "parts")
    for name, parts in beside.curve.shares.items():
        said = ", ".join(f"{share:.0%} {kind}" for kind, share in parts.items() if not math.isnan(share))
        table.add_row(name, Text(said or "no number: the rate is too small for a float"))
    table.caption = Text(
        "noise: of the residual's own samples; moves: of slower players, taken as the worst they can be."
    )
    table.caption_justify = "left"
    return table


def _losses(beside: Beside) -> Table:
    table = brief_table("Which constant loses how much", "line", "constant", "proved", "met", "factor")
    for loss in sorted(beside.losses, key=lambda entry: -entry.factor if not math.isnan(entry.factor) else 1.0):
        met = "none" if math.isnan(loss.met) else f"{loss.met:.3g}"
        factor = "none" if math.isnan(loss.factor) else f"{loss.factor:.3g}"
        table.add_row(loss.line, loss.constant, f"{loss.proved:.3g}", met, factor)
    table.caption = Text(
        "met: the least favourable value at the run's iterates, which proves nothing. d_0 and p_0 enter both rates. "
        "v, u, g and L_mu, of moves, are squared in the bound, and so is what they lose."
    )
    table.caption_justify = "left"
    return table
