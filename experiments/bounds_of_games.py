"""Every shipped game: measured and predicted slope of ||grad Phi||^2, the drift inequality that binds, local theory.

Each game is run at the default step constants. Predicted is what the linear noise approximation expects of the very
same run (`linear_noise_path`), and where the nearest limit of the mean dynamics is interior and stable, what the local
theory expects (`local_prediction`); both use no run. The drift is fitted to a few seeds of the run's first iterations.
"""

import argparse
import dataclasses
import math
from pathlib import Path

import jax
import numpy as np

from smfg_verify import games
from smfg_verify.bounds import (
    BoundReport,
    LimitStatus,
    Residuals,
    compare_local,
    exact_residuals,
    expected_stationarity,
    find_limit_points,
    linear_noise_path,
    local_prediction,
    validate_bounds,
    validate_drift,
)
from smfg_verify.bounds.drift.one_step import num_outcomes
from smfg_verify.bounds.rates.decay import log_log_slope, rate_window
from smfg_verify.files import write_atomically
from smfg_verify.game import AbstractGame
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.report.tables.markdown import markdown_table
from smfg_verify.stochastic import Schedule, Trace, ac_smfg

# Points along the predicted path at which the gradient's law is evaluated.
_PATH_POINTS = 24
_DRIFT_SEEDS, _DRIFT_ITERATIONS = 4, 5000
_DRIFT_BUDGET = 400_000
_COLUMNS = (
    "game",
    "limit of the mean dynamics",
    "measured slope",
    "interval",
    "predicted slope",
    "running minimum",
    "measured / predicted mean",
    "local theory",
    "Lyapunov function",
    "line that binds",
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One game; text where there is no number, with the reason."""

    game: str
    limit: str
    slope: float
    lower: float
    upper: float
    predicted_slope: float
    minimum_verdict: str
    ratio: float
    local: str
    lyapunov: str
    binding: str

    def cells(self) -> tuple[str, ...]:
        interval = "none" if math.isnan(self.lower) else f"[{self.lower:.3f}, {self.upper:.3f}]"
        measured = (f"{self.slope:.3f}", interval, f"{self.predicted_slope:.3f}", self.minimum_verdict)
        return (self.game, self.limit, *measured, f"{self.ratio:.3f}", self.local, self.lyapunov, self.binding)


def predicted(game: AbstractGame, residuals: Residuals, num_iterations: int) -> tuple[float, float]:
    """Predicted slope over the window of the rates, and measured over predicted mean over the last decade."""
    iterations, path = linear_noise_path(game, Schedule(), num_iterations)
    mask = rate_window(residuals.iterations, None)
    inside = np.flatnonzero(iterations >= residuals.iterations[mask][0])
    kept = inside[np.unique(np.linspace(0, len(inside) - 1, _PATH_POINTS).astype(int))]
    expected = expected_stationarity(game, path.at(kept)).squared_gradient
    if not np.all(np.isfinite(expected)):
        return math.nan, math.nan
    slope = log_log_slope(expected, iterations[kept], np.ones(len(kept), dtype=bool))
    last = residuals.iterations >= residuals.iterations[-1] / 10.0
    curve = np.exp(np.interp(np.log1p(residuals.iterations[last]), np.log1p(iterations[kept]), np.log(expected)))
    return slope, float(np.mean(residuals.e_omega.mean(axis=0)[last] / curve))


def local(game: AbstractGame, trace: Trace, residuals: Residuals) -> tuple[str, str]:
    """What the limit that the run's leaders end at is, and measured over predicted excess there."""
    ends = trace.leader_logits[:, -1].mean(axis=0)
    nearest = find_limit_points(game, starts=ends[None]).points[0]
    if nearest.status is not LimitStatus.INTERIOR:
        return f"{nearest.status.label}, policy gap {nearest.policy_gap:.2g}", "no interior limit"
    if not nearest.stable:
        return f"interior, unstable, policy gap {nearest.policy_gap:.2g}", "unstable"
    expected = local_prediction(game, nearest, Schedule(), residuals.iterations[1:])
    found = compare_local(expected, residuals)
    memory = float(expected.memory[-1])
    limit = f"interior, stable, policy gap {nearest.policy_gap:.2g}"
    return limit, f"{found.ratio['e_omega']:.3f} +- {found.standard_error['e_omega']:.3f} (memory {memory:.1g})"


def drift(game: AbstractGame) -> tuple[str, str]:
    """Whether weights of a common decrease exist, and which inequality binds."""
    checkpoints = max(2, min(40, _DRIFT_BUDGET // (4 * _DRIFT_SEEDS * num_outcomes(game))))
    trace = ac_smfg(game, num_iterations=_DRIFT_ITERATIONS, seeds=range(_DRIFT_SEEDS), checkpoints=checkpoints)
    report = validate_drift(game, trace, max_points=10**9)
    if not all(inequality.solved for inequality in report.inequalities.values()):
        return "not decided", ", ".join(name for name, entry in report.inequalities.items() if not entry.solved)
    broken = [name for name, entry in report.inequalities.items() if entry.contraction == 0.0]
    region = report.region
    exists = "exists" if report.lyapunov.exists else "none" if report.lyapunov.obstruction else "not decided"
    said = f"{exists}, Perron root {region.root:.3g}"
    if broken:
        return said, f"{', '.join(broken)}: no contraction"
    name = max(region.shares, key=lambda residual: region.shares[residual])
    seed, iteration = report.binding[name] or (-1, -1)
    return said, f"{name} ({region.shares[name]:.0%}), tightest at k = {iteration:,} of seed {seed}"


def row(name: str, seeds: int, num_iterations: int) -> Row:
    game = games.load(name)
    trace = ac_smfg(game, num_iterations=num_iterations, seeds=range(seeds))
    residuals = exact_residuals(game, trace)
    # The last two decades as they are, transient or not: what the prediction is made for.
    inside = residuals.iterations[rate_window(residuals.iterations)]
    window = (int(inside[0]), int(inside[-1]))
    report: BoundReport = validate_bounds(game, trace, residuals=residuals, window=window)
    rate, minimum = report["e_omega"], report["running-minimum"]
    slope, ratio = predicted(game, residuals, num_iterations)
    limit, near = local(game, trace, residuals)
    return Row(name, limit, rate.slope, rate.lower, rate.upper, slope, minimum.verdict.value, ratio, near, *drift(game))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", nargs="*", default=None, help="names [all]")
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=None, help="directory of bounds.md and bounds.json")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name in arguments.games or games.names():
        rows.append(row(name, arguments.seeds, arguments.iterations))
        print(f"| {' | '.join(rows[-1].cells())} |", flush=True)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        table = markdown_table(_COLUMNS, [entry.cells() for entry in rows])
        write_atomically(arguments.out / "bounds.md", table.encode())
        settings = {"seeds": arguments.seeds, "iterations": arguments.iterations, "schedule": Schedule().constants()}
        record = plain({"settings": settings, "games": rows})
        text = document(headed("smfg-verify bounds of games", 1, record))
        write_atomically(arguments.out / "bounds.json", text.encode())


if __name__ == "__main__":
    main()
