"""Validate: a run of all seeds together, and the rates of its residuals against the claimed k^(-1/2)."""

import numpy as np

from smfg_verify.bounds import RateVerdict, validate_bounds
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries
from smfg_verify.sweep.kinds.kind import Kind, Seeds, Variable, register
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.kinds.running import RUN_OPTIONS, run_settings, swept_run

VERDICTS = tuple(verdict.value for verdict in RateVerdict)
_OVER = "residual"
_VARIABLES = {
    "slope": Variable("slope of log residual over log(k + 1)", over=_OVER),
    "lower": Variable("lower end of the slope's interval", over=_OVER),
    "upper": Variable("upper end of the slope's interval", over=_OVER),
    "verdict": Variable("the slope against -1/2", over=_OVER, flags=VERDICTS),
    "num_diverged": Variable("points whose iterate is not finite"),
    "num_not_converged": Variable("points whose equilibrium was not found"),
}


def _compute(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    report = validate_bounds(game, swept_run(game, settings, seeds))
    rows = report.rows
    values = {name: np.array([getattr(row, name) for row in rows], dtype=float) for name in ("slope", "lower", "upper")}
    verdicts = np.array([VERDICTS.index(row.verdict.value) for row in rows])
    counts = {name: float(getattr(report, name)) for name in ("num_diverged", "num_not_converged")}
    status = CellStatus.DIVERGED if report.num_diverged else CellStatus.DONE
    if not report.num_diverged and report.num_not_converged:
        status = CellStatus.NOT_CONVERGED
    labels = {_OVER: tuple(row.name for row in rows)}
    return [Outcome(status, values={**values, "verdict": verdicts, **counts}, labels=labels)]


register(
    Kind(
        name="validate",
        table="run",
        options=RUN_OPTIONS,
        settings=run_settings,
        by_schedule=lambda settings: True,
        by_seed=False,
        with_seeds=True,
        variables=_VARIABLES,
        compute=_compute,
    )
)
