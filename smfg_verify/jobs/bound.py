"""The theorem's bound beside a run, as a job."""

import dataclasses

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions import search_settings
from smfg_verify.bounds.rates.run_residuals import Residuals, exact_residuals
from smfg_verify.bounds.theorem.certified import Certified, certified_inputs
from smfg_verify.bounds.theorem.coefficients import coefficients_of
from smfg_verify.bounds.theorem.curve import LINES, TheoremCurve, theorem_curve
from smfg_verify.bounds.theorem.losses import Loss, losses_along
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.one_game import load_game
from smfg_verify.jobs.pipeline import kept_run
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.stochastic import Schedule


@dataclasses.dataclass(frozen=True)
class Beside:
    """A run that the theorem is about, and its bounds.

    Attributes:
        floor: p_0 of the run, the largest that the theorem allows.
        residuals: of the run.
        curve: bounds at the run's checkpoints, from its first iterate.
        measured: name -> mean over the seeds with numbers at every checkpoint, (C,).
        num_measured: those seeds.
        losses: constants beside what the run's iterates have in their place.
    """

    floor: float
    residuals: Residuals
    curve: TheoremCurve
    measured: dict[str, Float[np.ndarray, " C"]]
    num_measured: int
    losses: tuple[Loss, ...]


@dataclasses.dataclass(frozen=True)
class Bound:
    """What is certified of the theorem's constants for a game, and a run beside the bound where all are."""

    settings: GameSettings
    game: AbstractGame
    run: RunSettings
    certified: Certified
    beside: Beside | None


def find_bound(settings: GameSettings, run: RunSettings, budget: str, store: Store | None = None) -> Bound:
    """Gather the constants, and if none is missing run AC-SMFG as the theorem has it and unroll the bound beside it.

    Args:
        settings: the game.
        run: seeds, iterations and step constants; its sampling is iid.
        budget: of the proofs, "quick", "normal" or "thorough".
        store: keeps what is finished; nothing is kept if None.

    Returns:
        The bound.

    Raises:
        ValueError: bad settings, Markov sampling or a step constant of zero among them.
    """
    game, progress, proofs = load_game(settings), Progress(), search_settings(budget)
    run = dataclasses.replace(run, schedule=Schedule(**run.schedule).constants())
    if run.sampling != "iid":
        raise InputError(f"sampling: got {run.sampling}, expected iid: the theorem is about independent samples.")
    zero = [name for name, constant in run.schedule.items() if constant == 0.0]
    if zero:
        raise InputError(f"step sizes: got 0 for {', '.join(zero)}, expected constants > 0.")
    with progress.stage("constants", "Constants from proofs"):
        certified = certified_inputs(game, proofs)
    if certified.inputs is None:
        return Bound(settings, game, run, certified, None)
    inputs, floor = certified.inputs, certified.inputs.largest_floor
    # Proofs cut short elsewhere may give another floor, of which neither run nor residuals are these.
    job = (store or Store(None)).job("bound", game, {"run": run, "budget": budget, "follower_floor": floor})
    with progress.stage("run", f"Running {run.seeds} seeds"):
        trace = kept_run(job, "run", game, run, range(run.seeds), progress, follower_floor=floor)
    with progress.stage("bound", "Exact residuals, and the recursion"):
        residuals = job("residuals", lambda: exact_residuals(game, trace))
        names = (*LINES, "e_omega")
        whole = np.all([np.isfinite(getattr(residuals, name)).all(axis=1) for name in names], axis=0)
        measured = {name: np.mean(getattr(residuals, name)[whole], axis=0) for name in names} if whole.any() else {}
        found = coefficients_of(inputs, floor)
        curve = theorem_curve(inputs, found, Schedule(**run.schedule), residuals.iterations, first_errors(residuals))
        losses = losses_along(game, inputs, found, floor, trace)
    return Bound(settings, game, run, certified, Beside(floor, residuals, curve, measured, int(whole.sum()), losses))


def first_errors(residuals: Residuals) -> dict[str, float]:
    """The largest error over the seeds before the first iteration, rounding level added, of those that are known."""
    first = {name: np.max(getattr(residuals, name)[:, 0] + residuals.rounding[name][:, 0]) for name in LINES}
    return {name: float(value) for name, value in first.items() if np.isfinite(value)}
