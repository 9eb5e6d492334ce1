"""Run: AC-SMFG for several seeds side by side, each seed a cell, with its exact residuals at every checkpoint."""

import numpy as np

from smfg_verify.bounds import PointStatus, exact_residuals
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries, Record
from smfg_verify.stochastic import Schedule, Trace, ac_smfg
from smfg_verify.stochastic.iterate import check_sampling
from smfg_verify.stochastic.method import check_count
from smfg_verify.sweep.kinds.kind import Kind, Seeds, Variable, refuse_unknown, register
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome

_SQUARED = "reward^2"
_OBJECTIVE = "reward"
_VARIABLES = {
    "e_omega": Variable("||grad Phi||^2 in logits", "reward^2", "iteration"),
    "policy_gap": Variable("policy-space stationarity gap", _OBJECTIVE, "iteration"),
    "e_theta": Variable("follower's gap", _OBJECTIVE, "iteration"),
    "e_mu": Variable("||mu_hat - mu*||^2", "1", "iteration"),
    "e_Vf": Variable("error of the follower's critic, squared", _SQUARED, "iteration"),
    "e_Vl": Variable("error of the leader's critic, squared", _SQUARED, "iteration"),
    "objective": Variable("leader's objective Phi", "reward", "iteration"),
    "alignment": Variable("cosine of the gradient and its direct part", "1", "iteration"),
}
RUN_OPTIONS = ("iterations", "sampling", "checkpoints")
# The worst of a run's checkpoints is the run's.
_WORST_FIRST = (
    (PointStatus.DIVERGED, CellStatus.DIVERGED),
    (PointStatus.NOT_CONVERGED, CellStatus.NOT_CONVERGED),
    (PointStatus.NOT_DIFFERENTIABLE, CellStatus.NOT_DIFFERENTIABLE),
)


def run_settings(options: Entries) -> Record:
    """The settings of a run out of the table [run], defaults filled in.

    Raises:
        ValueError: an unknown key, or a setting of the wrong type or range.
    """
    refuse_unknown("run", options, RUN_OPTIONS)
    found: Record = {"iterations": 10_000, "sampling": "markov", "checkpoints": 24, **options}
    for name in ("iterations", "checkpoints"):
        check_count(f"[run] {name}", found[name])
    check_sampling(found["sampling"])
    return found


def swept_run(game: AbstractGame, settings: Entries, seeds: Seeds) -> Trace:
    """The run of a bundle of cells."""
    return ac_smfg(
        game,
        num_iterations=settings["iterations"],
        seeds=seeds,
        schedule=Schedule(**settings["schedule"]),
        sampling=settings["sampling"],
        checkpoints=settings["checkpoints"],
    )


def _compute(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    trace = swept_run(game, settings, seeds)
    residuals = exact_residuals(game, trace)
    labels = {"iteration": tuple(int(iteration) for iteration in residuals.iterations)}
    return [
        Outcome(
            _status(residuals.status[row]),
            values={name: np.asarray(getattr(residuals, name)[row]) for name in _VARIABLES},
            labels=labels,
        )
        for row in range(len(seeds))
    ]


def _status(points: np.ndarray) -> CellStatus:
    return next((status for point, status in _WORST_FIRST if np.any(points == point)), CellStatus.DONE)


register(
    Kind(
        name="run",
        table="run",
        options=RUN_OPTIONS,
        settings=run_settings,
        by_schedule=lambda settings: True,
        by_seed=True,
        with_seeds=False,
        variables=_VARIABLES,
        compute=_compute,
    )
)
