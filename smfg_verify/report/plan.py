"""A pilot run, the plan that follows from it, its tables and plan.json."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.bounds import ChangeStatus, PlanStatus, PowerPlan, exact_residuals, leader_way, plan_power
from smfg_verify.bounds.power import check_choices
from smfg_verify.files import write_atomically
from smfg_verify.game import AbstractGame
from smfg_verify.report.finished import Store
from smfg_verify.report.pipeline import kept_run, load_game
from smfg_verify.report.progress import Progress
from smfg_verify.report.record import game_record, plain
from smfg_verify.report.settings import GameSettings, RunSettings
from smfg_verify.report.tables import brief_table, pairs_table
from smfg_verify.stochastic import Schedule

PLAN_FILE = "plan.json"

_STYLES = {PlanStatus.PLANNED: "green", PlanStatus.OUT_OF_REACH: "bold red", PlanStatus.INCONCLUSIVE: "yellow"}


@dataclasses.dataclass(frozen=True)
class Plan:
    """A plan with the game and the pilot it is for."""

    settings: GameSettings
    game: AbstractGame
    pilot: RunSettings
    power: PowerPlan


def make_plan(settings: GameSettings, pilot: RunSettings, store: Store | None = None, **choices: Any) -> Plan:
    """Run a pilot and plan for the squared gradient of the leader's objective.

    Args:
        settings: the game.
        pilot: seeds, iterations, sampling and step constants of the pilot.
        store: keeps what is finished; nothing is kept if None.
        **choices: of `plan_power`: the seeds and iterations to plan for.

    Returns:
        The plan, inconclusive where the pilot tells nothing.

    Raises:
        ValueError: bad settings.
    """
    game, progress = load_game(settings), Progress()
    check_choices(pilot.iterations, **choices)
    pilot = dataclasses.replace(pilot, schedule=Schedule(**pilot.schedule).constants())
    job = (store or Store(None)).job("plan", game, {"pilot": pilot, "choices": choices})
    with progress.stage("run", f"Pilot of {pilot.seeds} seeds, {pilot.iterations:,} iterations", spinner=False):
        trace = kept_run(job, "pilot", game, pilot, range(pilot.seeds), progress)
    with progress.stage("bounds", "Measuring residuals at every checkpoint"):
        residuals = job("residuals", lambda: exact_residuals(game, trace))
    with progress.stage("plan", "Simulating runs with the pilot's noise"):
        way = leader_way(trace.leader_logits, residuals.iterations)
        pilot_of = (residuals.e_omega, residuals.iterations)
        level = residuals.rounding["e_omega"]
        power = job("power", lambda: plan_power(*pilot_of, rounding=level, way=way, **choices))
    return Plan(settings, game, pilot, power)


def plan_tables(plan: Plan) -> Group:
    """What the pilot says, the power of each choice, the recommendation, and what is taken for granted."""
    power = plan.power
    found = [_cells(power)] if power.cells else []
    return Group(pairs_table(f"Pilot on {plan.settings.name}", _pilot(power)), *found, _answer(power))


def write_plan(plan: Plan, directory: Path) -> Path:
    """Write plan.json, completely or not at all, into a directory that exists; returns the file's path."""
    text = plan.power.to_json(game=game_record(plan.game, plan.settings.name), pilot=plain(plan.pilot))
    return write_atomically(directory / PLAN_FILE, f"{text}\n".encode())


def _pilot(power: PowerPlan) -> dict[str, str]:
    change = power.change
    if change.status is ChangeStatus.FOUND:
        where = (
            f"k = {change.iteration:,.0f} [{change.lower:,.0f}, {change.upper:,.0f}]: slope {change.slope_before:.3f} "
            f"before, {change.slope_after:.3f} after"
        )
    else:
        slope = "" if math.isnan(change.one_line_slope) else f", slope {change.one_line_slope:.3f} throughout"
        where = f"{change.status}: {change.reason}{slope}"
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
        said = f"{power.status}: {power.reason}"
    else:
        said = (
            f"{best.seeds} seeds of {best.iterations:,} iterations reach the power {power.target:g} in simulation, "
            "at the least cost of the choices above"
        )
    text = Text(said, style=_STYLES[power.status])
    text.append(f"\nTaken for granted: {power.assumption}", style="dim")
    return text
