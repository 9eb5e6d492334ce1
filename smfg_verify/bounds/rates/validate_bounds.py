"""Does a stochastic run decay at the rate that the finite-time bound promises? The verdicts, with their numbers."""

import dataclasses

import numpy as np
from jaxtyping import Int

from smfg_verify.bounds.rates.averages import RUNNING_AVERAGE, average_fit, interpolation_change
from smfg_verify.bounds.rates.bootstrap import MIN_RESAMPLES, resample_counts
from smfg_verify.bounds.rates.change_point import ChangePoint, last_change_point
from smfg_verify.bounds.rates.decay import MIN_CHECKPOINTS, rate_window
from smfg_verify.bounds.rates.findings import Fit, Window, rate_finding
from smfg_verify.bounds.rates.report import BoundReport
from smfg_verify.bounds.rates.run_residuals import RESIDUAL_NAMES, Residuals, exact_residuals
from smfg_verify.bounds.rates.transient import LeaderWay, asymptotic_window, flattens, leader_way, transient_obstacle
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.stochastic.trace import Trace

RUNNING_MINIMUM = "running-minimum"
# Residuals of the leader's policy alone.
_OF_THE_LEADER = ("e_omega", "policy_gap")


def validate_bounds(
    game: AbstractGame,
    trace: Trace,
    *,
    window: tuple[int, int] | None = None,
    confidence: float = 0.95,
    num_resamples: int = 2000,
    seed: int = 0,
    residuals: Residuals | None = None,
) -> BoundReport:
    r"""Hold a run against the rate $\min_{t \le k} E\|\nabla\Phi(\omega_t)\|^2 = \tilde O(k^{-1/2})$.

    Every residual is evaluated exactly at every checkpoint; the log-log slope of its seed mean over its window is
    compared with -1/2, and so are the slopes of the running minimum of the seed mean of $\|\nabla\Phi\|^2$ and of its
    running average. The window is the last two decades, from the residual's last change-point on where there is one;
    that of minimum and average is that of $\|\nabla\Phi\|^2$. Seeds are the independent units: the bootstrap resamples
    whole seeds, and an expectation is a mean over seeds.

    Verdict of a slope with interval [lower, upper]: consistent with -1/2 if the interval holds -1/2 and neither
    -1 nor 0; faster if upper < -1/2; slower if lower > -1/2; else inconclusive. Inconclusive too, with the reason as
    text: a residual still in its transient, by the rule that `plan_power` uses (see `transient`), unless its slope is
    found slower while the residual falls less and less; a running minimum that stands still since before the window;
    fewer than five seeds or eight checkpoints, non-finite points, a seed mean at rounding level anywhere in the window,
    and seeds that do not vary. A bad seed is never dropped, since the rest would be a biased sample.

    What a verdict means: the claim is an upper bound, which "faster" does not contradict. It is made for the running
    minimum (here over checkpoints only, so never below the minimum over all iterations); the rows of single
    residuals are what its proof controls on the way, and `policy_gap` carries no claim at all: its row only tells
    stationarity from a saturated softmax. A residual that tends to a positive limit comes out slower. The running
    average is bounded too, but it never forgets its transient, which leaves it like 1/k: over a finite run its
    slope lags behind that of the residual.

    Args:
        game: the game the trace was run on.
        trace: of `ac_smfg`.
        window: first and last iteration of every fit, both included, which is then judged as it is, transient or
            not; if None, each residual's own.
        confidence: nominal coverage of the intervals, in (0, 1).
        num_resamples: bootstrap resamples.
        seed: of the resampling; the report is a function of its arguments.
        residuals: of this game and trace, if they have been evaluated already.

    Returns:
        One row for each residual, for "running-minimum" and for "running-average", the change-points, and counts of
        the points that failed.

    Raises:
        ValueError: a foreign trace, an empty window, or an option out of its range.

    Source: the rate is the claim of Zeng et al. (arXiv 2509.15392); fits, intervals and verdicts are ours.

    Examples:
        >>> from smfg_verify import ac_smfg, games, validate_bounds
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> row = validate_bounds(game, trace, num_resamples=100).rows[0]
        >>> row.name, row.verdict.value  # two seeds and twenty iterations tell nothing
        ('e_omega', 'inconclusive')
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence: got {confidence}, expected a number in (0, 1), such as 0.95.")
    if num_resamples < MIN_RESAMPLES:
        raise InputError(
            f"num_resamples: got {num_resamples}, expected at least {MIN_RESAMPLES}: tail levels are read off them."
        )
    found = exact_residuals(game, trace) if residuals is None else _matching(residuals, trace)
    counts = resample_counts(len(found.seeds), num_resamples, seed)
    fits = {name: Fit(name, getattr(found, name), found.rounding[name], False) for name in RESIDUAL_NAMES}
    changes = {
        name: last_change_point(fit.values, found.iterations, rounding=fit.rounding, confidence=confidence, seed=seed)
        for name, fit in fits.items()
    }
    way = leader_way(trace.leader_logits, found.iterations)
    windows = {
        name: _window(found.iterations, window, change, way if name in _OF_THE_LEADER else None)
        for name, change in changes.items()
    }
    fits[RUNNING_MINIMUM] = dataclasses.replace(fits["e_omega"], name=RUNNING_MINIMUM, running_minimum=True)
    fits[RUNNING_AVERAGE] = average_fit(found)
    return BoundReport(
        game=trace.metadata.game,
        game_hash=trace.metadata.game_hash,
        iterations=tuple(int(k) for k in found.iterations),
        num_seeds=len(found.seeds),
        confidence=confidence,
        num_resamples=num_resamples,
        resampling_seed=seed,
        num_points=found.num_points,
        num_diverged=found.num_diverged,
        num_not_converged=found.num_not_converged,
        rows=tuple(
            rate_finding(fit, found.iterations, windows.get(fit.name, windows["e_omega"]), counts, confidence)
            for fit in fits.values()
        ),
        changes=changes,
        interpolation_change=interpolation_change(found, windows["e_omega"].mask),
    )


def _window(
    iterations: Int[np.ndarray, " C"], given: tuple[int, int] | None, change: ChangePoint, way: LeaderWay | None
) -> Window:
    """The window asked for; else the asymptotic one, or the last two decades where that is too short to fit in."""
    if given is not None:
        return Window(rate_window(iterations, given))
    mask = asymptotic_window(iterations, change)
    obstacle = transient_obstacle(mask, change, way)
    fitted = mask if np.sum(mask) >= MIN_CHECKPOINTS else rate_window(iterations)
    return Window(fitted, obstacle, flattens(change) and (way is None or way.arrived))


def _matching(residuals: Residuals, trace: Trace) -> Residuals:
    same = np.array_equal(residuals.iterations, trace.iterations) and np.array_equal(residuals.seeds, trace.seeds)
    if not same:
        raise InputError(
            f"residuals: got {len(residuals.seeds)} seeds at {len(residuals.iterations)} checkpoints that are not "
            f"those of the trace ({len(trace.seeds)} at {len(trace.iterations)}); pass its own exact_residuals."
        )
    return residuals
