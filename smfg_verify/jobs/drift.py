"""A run held against the lines of the proof, as a job."""

import dataclasses
import math

import numpy as np

from smfg_verify.assumptions import search_settings
from smfg_verify.assumptions.one_sided.certified_rate import euclidean_rate, proves
from smfg_verify.bounds.drift.inequalities import RESIDUALS
from smfg_verify.bounds.drift.validate_drift import BoundCurves, DriftReport, bound_curves, validate_drift
from smfg_verify.bounds.rates.run_residuals import exact_residuals
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.kernel import has_table
from smfg_verify.exact.response_jacobian import field_size
from smfg_verify.game import AbstractGame
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.one_game import load_game
from smfg_verify.jobs.pipeline import kept_run
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.stochastic import Schedule

# Seeds that the curves are held against, besides those that the constants are fitted to.
HELD_OUT = 32


@dataclasses.dataclass(frozen=True)
class Drift:
    """A drift report with its game, the settings of the run it was fitted to, and curves beside other seeds.

    Attributes:
        rate: c of one-sided contraction in the Euclidean norm, proved by cells at a quick budget; NaN without a proof.
    """

    settings: GameSettings
    game: AbstractGame
    run: RunSettings
    report: DriftReport
    curves: BoundCurves | None
    rate: float = math.nan


def find_drift(settings: GameSettings, run: RunSettings, store: Store | None = None) -> Drift:
    """Run some seeds, fit every drift inequality to them, and set the unrolled bounds beside other seeds.

    Args:
        settings: the game.
        run: seeds, iterations, sampling and step constants.
        store: keeps what is finished; nothing is kept if None.

    Returns:
        The report; no curves where an inequality has no constants or no seed held out has numbers throughout.

    Raises:
        ValueError: bad settings.
    """
    game, progress = load_game(settings), Progress()
    run = dataclasses.replace(run, schedule=Schedule(**run.schedule).constants())
    job = (store or Store(None)).job("drift", game, {"run": run, "held out": HELD_OUT})
    with progress.stage("run", f"Running {run.seeds} seeds to fit and {HELD_OUT} others"):
        fitted = kept_run(job, "fitted", game, run, range(run.seeds), progress)
        others = kept_run(job, "others", game, run, range(run.seeds, run.seeds + HELD_OUT), progress)
    with progress.stage("drift", "Exact expectations after one iteration, and the constants"):
        report = job("report", lambda: validate_drift(game, fitted))
    with progress.stage("rate", "Rate of one-sided contraction, by cells"):
        rate = job("rate", lambda: _proved_rate(game))
    if not all(inequality.solved for inequality in report.inequalities.values()):
        return Drift(settings, game, run, report, None, rate)
    with progress.stage("curves", "Unrolling the recursion"):
        found = job("residuals", lambda: exact_residuals(game, others))
        names = (*RESIDUALS, "objective")
        whole = np.all([np.isfinite(getattr(found, name)).all(axis=1) for name in names], axis=0)
        measured = {name: getattr(found, name)[whole] for name in names}
        curves = bound_curves(report, measured, found.iterations) if whole.any() else None
    return Drift(settings, game, run, report, curves, rate)


def _proved_rate(game: AbstractGame) -> float:
    """The rate that the line of the mean field is compared with; NaN where none is proved."""
    game = checked(game)
    if not has_table(game) or field_size(game) == 1:
        return math.nan
    found = euclidean_rate(game, search_settings("quick"))
    return found.rate if proves(found) else math.nan
