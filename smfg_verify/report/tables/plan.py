"""A plan of seeds and iterations: the pilot, the power of each size, the answer."""

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.bounds import ChangeStatus, PlanStatus, PowerPlan
from smfg_verify.jobs.plan import Plan
from smfg_verify.report.tables.layout import brief_table, pairs_table

_STYLES = {PlanStatus.PLANNED: "green", PlanStatus.OUT_OF_REACH: "bold red", PlanStatus.INCONCLUSIVE: "yellow"}


def plan_tables(plan: Plan) -> Group:
    """What the pilot says, the power of each choice, the recommendation, and what is taken for granted."""
    power = plan.power
    found = [_cells(power)] if power.cells else []
    return Group(pairs_table(f"Pilot on {plan.settings.name}", _pilot(power)), *found, _answer(power))


def _pilot(power: PowerPlan) -> dict[str, str]:
    change = power.change
    if change.status is ChangeStatus.FOUND:
        where = (
            f"k = {change.iteration:,.0f} [{change.lower:,.0f}, {change.upper:,.0f}]: slope {change.slope_before:.3f} "
            f"before, {change.slope_after:.3f} after"
        )
    else:
        slope = "" if math.isnan(change.one_line_slope) else f", slope {change.one_line_slope:.3f} throughout"
        where = f"{change.status.label}: {change.reason}{slope}"
    return {
        "residual": "||grad Phi(omega)||^2",
        "seeds": f"{power.pilot_seeds}",
        "iterations": f"{power.pilot_iterations:,}",
        "change-point": where,
        "noise taken from": f"k = {power.window[0]:,} ... {power.window[1]:,}",
    }


def _cells(power: PowerPlan) -> Table:
    numbers = ("seeds", "iterations", "power", "error rate")
    title = f"Power of telling a slope of {power.slope:g} from {power.alternative:g}"
    table = brief_table(title, *numbers, numbers=numbers)
    for cell in power.cells:
        style = "bold green" if cell == power.recommended else ""
        shown = f"{cell.power:.3f} +- {cell.standard_error:.3f}"
        table.add_row(f"{cell.seeds}", f"{cell.iterations:,}", shown, f"{cell.error_rate:.3f}", style=style)
    table.caption = Text(
        f"power: share of {power.num_simulations} simulated runs of slope {power.slope:g} whose "
        f"{100 * power.confidence:g}% interval excludes {power.alternative:g}, +- the standard error of the "
        f"simulation, not of the pilot. error rate: the same of runs of slope {power.alternative:g}; nominally "
        f"{1 - power.confidence:.2g}."
    )
    table.caption_justify = "left"
    return table


def _answer(power: PowerPlan) -> Text:
    best = power.recommended
    if best is None:
        said = f"{power.status.label}: {power.reason}"
    else:
        said = (
            f"{best.seeds} seeds of {best.iterations:,} iterations reach the power {power.target:g} in simulation, "
            "at the least cost of the choices above"
        )
    text = Text(said, style=_STYLES[power.status])
    text.append(f"\nTaken for granted: {power.assumption}", style="dim")
    return text
