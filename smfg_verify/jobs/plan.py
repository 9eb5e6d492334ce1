"""A pilot run, and the plan that follows from it."""

import dataclasses
from typing import Any

from smfg_verify.bounds import PowerPlan, exact_residuals, leader_way, plan_power
from smfg_verify.bounds.rates.power import check_choices
from smfg_verify.game import AbstractGame
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.one_game import load_game
from smfg_verify.jobs.pipeline import kept_run
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.stochastic import Schedule


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
    with progress.stage("run", f"Pilot of {pilot.seeds} seeds, {pilot.iterations:,} iterations"):
        trace = kept_run(job, "pilot", game, pilot, range(pilot.seeds), progress)
    with progress.stage("bounds", "Measuring residuals at every checkpoint"):
        residuals = job("residuals", lambda: exact_residuals(game, trace))
    with progress.stage("plan", "Simulating runs with the pilot's noise"):
        way = leader_way(trace.leader_logits, residuals.iterations)
        pilot_of = (residuals.e_omega, residuals.iterations)
        level = residuals.rounding["e_omega"]
        power = job("power", lambda: plan_power(*pilot_of, rounding=level, way=way, **choices))
    return Plan(settings, game, pilot, power)
