"""The step-size laboratory as a job: the run that the drift is fitted to, and the sweep."""

import dataclasses
import math

from smfg_verify.bounds.drift.inequalities import DriftInequality
from smfg_verify.bounds.drift.validate_drift import validate_drift
from smfg_verify.bounds.steps.laboratory import check_sweep, step_laboratory
from smfg_verify.bounds.steps.sentences import DRAWN, NoRegion
from smfg_verify.bounds.steps.sweep import default_planes, whole_choice
from smfg_verify.bounds.steps.sweep_record import Laboratory
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.one_game import load_game
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.stochastic import Schedule, ac_smfg

# The run that the drift inequalities are fitted to.
_DRIFT_SEEDS, _DRIFT_ITERATIONS, _DRIFT_CHECKPOINTS = 4, 5000, 24


@dataclasses.dataclass(frozen=True)
class LabResult:
    """A laboratory with its game and settings."""

    settings: GameSettings
    game: AbstractGame
    run: RunSettings
    lab: Laboratory


def run_laboratory(settings: GameSettings, run: RunSettings, store: Store | None = None) -> LabResult:
    """Fit the drift inequalities at the base step constants, then sweep around them.

    Args:
        settings: the game.
        run: seeds, iterations and sampling of every run, and the base step constants.
        store: keeps what is finished; nothing is kept if None.

    Returns:
        The result; without a certified region, and with the reason, where the drift is out of reach.

    Raises:
        ValueError: bad settings.
    """
    game, progress = load_game(settings), Progress()
    schedule = Schedule(**run.schedule)
    run = dataclasses.replace(run, schedule=schedule.constants())
    check_sweep(schedule, run.iterations, run.seeds)
    job = (store or Store(None)).job("lab", game, {"run": run})
    with progress.stage("drift", "Fitting drift inequalities at the base step constants"):
        inequalities, obstacle = job("inequalities", lambda: _inequalities(game, schedule, run))
    planes = default_planes(whole_choice(run.schedule))
    total = run.seeds * sum(math.prod(plane.shape) for plane in planes)
    with progress.stage("sweep", f"Sweeping step sizes, {total:,} runs of {run.iterations:,} iterations"):
        lab = step_laboratory(
            game,
            schedule,
            num_iterations=run.iterations,
            num_seeds=run.seeds,
            sampling=run.sampling,
            planes=planes,
            inequalities=inequalities,
            callback=progress.counted(total, "runs"),
            keep=job,
        )
    return LabResult(settings, game, run, dataclasses.replace(lab, no_region=obstacle or lab.no_region))


def _inequalities(
    game: AbstractGame, schedule: Schedule, run: RunSettings
) -> tuple[dict[str, DriftInequality] | None, NoRegion]:
    trace = ac_smfg(
        game,
        num_iterations=_DRIFT_ITERATIONS,
        seeds=range(_DRIFT_SEEDS),
        schedule=schedule,
        sampling=run.sampling,
        checkpoints=_DRIFT_CHECKPOINTS,
    )
    try:
        return dict(validate_drift(game, trace).inequalities), DRAWN
    except InputError as error:  # the budget of exact expectations
        return None, NoRegion("refused", {"error": str(error)})
