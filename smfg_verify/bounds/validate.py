"""Does a stochastic run decay at the rate that the finite-time bound promises? The verdicts, with their numbers."""

import dataclasses
import math

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.bounds.rates import (
    MIN_CHECKPOINTS,
    DecayRate,
    IntervalMethod,
    decay_rate,
    envelope,
    rate_window,
    resample_counts,
)
from smfg_verify.bounds.rates import running_minimum as running_minimum_of
from smfg_verify.bounds.report import BoundReport, RateFinding, RateVerdict
from smfg_verify.bounds.residuals import RESIDUAL_NAMES, Residuals, exact_residuals
from smfg_verify.game import AbstractGame
from smfg_verify.stochastic.trace import Trace

RUNNING_MINIMUM = "running-minimum"
CLAIMED_SLOPE = -0.5
MIN_SEEDS = 5
_EXCLUDED_SLOPES = (-1.0, 0.0)
_NO_RATE = DecayRate(math.nan, math.nan, math.nan, math.nan, IntervalMethod.PERCENTILE)


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

    Every residual is evaluated exactly at every checkpoint; the log-log slope of its seed mean over the window is
    compared with -1/2, and so is the slope of the running minimum of the seed mean of $\|\nabla\Phi\|^2$. Seeds are the
    independent units: the bootstrap resamples whole seeds, and an expectation is a mean over seeds.

    Verdict of a slope with interval [lower, upper]: consistent with -1/2 if the interval holds -1/2 and neither
    -1 nor 0; faster if upper < -1/2; slower if lower > -1/2; else inconclusive. Fewer than five seeds or eight
    checkpoints, non-finite points, a seed mean at rounding level anywhere in the window, and seeds that do not vary
    are inconclusive, with the reason as text; a bad seed is never dropped, since the rest would be a biased sample.

    What a verdict means: the claim is an upper bound, which "faster" does not contradict. It is made for the running
    minimum (here over checkpoints only, so never below the minimum over all iterations); the rows of single
    residuals are what its proof controls on the way, and `policy_gap` carries no claim at all: its row only tells
    stationarity from a saturated softmax. A residual that tends to a positive limit comes out slower.

    Args:
        game: the game the trace was run on.
        trace: of `ac_smfg`.
        window: first and last iteration of the fit, both included; the last two decades of checkpoints if None.
        confidence: nominal coverage of the intervals, in (0, 1).
        num_resamples: bootstrap resamples.
        seed: of the resampling; the report is a function of its arguments.
        residuals: of this game and trace, if they have been evaluated already.

    Returns:
        One row for each residual and for "running-minimum", with counts of the points that failed.

    Raises:
        ValueError: a foreign trace, an empty window, or an option out of its range.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: got {confidence}, expected a number in (0, 1), such as 0.95.")
    if num_resamples < 100:
        raise ValueError(f"num_resamples: got {num_resamples}, expected at least 100: tail levels are read off them.")
    found = exact_residuals(game, trace) if residuals is None else _matching(residuals, trace)
    mask = rate_window(found.iterations, window)
    counts = resample_counts(len(found.seeds), num_resamples, seed)
    fits = {name: Fit(name, getattr(found, name), found.rounding[name], False) for name in RESIDUAL_NAMES}
    fits[RUNNING_MINIMUM] = dataclasses.replace(fits["e_omega"], name=RUNNING_MINIMUM, running_minimum=True)
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
        rows=tuple(rate_finding(fit, found.iterations, mask, counts, confidence) for fit in fits.values()),
    )


def rate_verdict(rate: DecayRate) -> tuple[RateVerdict, str]:
    """The verdict of a slope's interval, and the reason where it is inconclusive (else an empty text)."""
    if math.isnan(rate.lower):
        return RateVerdict.INCONCLUSIVE, "no interval: some resampled mean is not positive"
    if rate.upper < CLAIMED_SLOPE:
        return RateVerdict.FASTER, ""
    if rate.lower > CLAIMED_SLOPE:
        return RateVerdict.SLOWER, ""
    if any(rate.lower <= slope <= rate.upper for slope in _EXCLUDED_SLOPES):
        interval = f"[{rate.lower:.3g}, {rate.upper:.3g}]"
        return RateVerdict.INCONCLUSIVE, f"the interval {interval} is too wide: it holds -1/2 and also -1 or 0"
    return RateVerdict.CONSISTENT, ""


@dataclasses.dataclass(frozen=True)
class Fit:
    """What one row of the report is about: a residual, its rounding level, and whether its running minimum is meant."""

    name: str
    values: Float[np.ndarray, "S C"]
    rounding: Float[np.ndarray, "S C"]
    running_minimum: bool


def _matching(residuals: Residuals, trace: Trace) -> Residuals:
    same = np.array_equal(residuals.iterations, trace.iterations) and np.array_equal(residuals.seeds, trace.seeds)
    if not same:
        raise ValueError(
            f"residuals: got {len(residuals.seeds)} seeds at {len(residuals.iterations)} checkpoints that are not "
            f"those of the trace ({len(trace.seeds)} at {len(trace.iterations)}); pass its own exact_residuals."
        )
    return residuals


def _obstacle(fit: Fit, mask: np.ndarray) -> str:
    """Why no rate can be fitted, or an empty text."""
    needed = np.logical_or.accumulate(mask[::-1])[::-1] if fit.running_minimum else mask
    values = fit.values[:, needed]
    bad = int(np.sum(~np.isfinite(values)))
    if len(values) < MIN_SEEDS:
        return f"too few seeds: {len(values)}, at least {MIN_SEEDS} are needed"
    if np.sum(mask) < MIN_CHECKPOINTS:
        return f"too few checkpoints in the window: {int(np.sum(mask))}, at least {MIN_CHECKPOINTS} are needed"
    if bad:
        return f"{bad} of {values.size} points are not finite"
    if np.any(values.mean(axis=0) <= fit.rounding[:, needed].mean(axis=0)):
        return "at rounding level"
    if np.all(np.ptp(values, axis=0) == 0.0):
        return "the seeds do not vary"
    return ""


def rate_finding(
    fit: Fit,
    iterations: Int[np.ndarray, " C"],
    mask: Bool[np.ndarray, " C"],
    counts: Int[np.ndarray, "R S"],
    confidence: float,
) -> RateFinding:
    """The row of one residual: its slope with interval and verdict, or the obstacle, and its envelopes."""
    obstacle = _obstacle(fit, mask)
    means = fit.values[np.lexsort(fit.values.T)].mean(axis=0)
    means = running_minimum_of(means) if fit.running_minimum else means
    rate, verdict, reason = _NO_RATE, RateVerdict.INCONCLUSIVE, obstacle
    if not obstacle:
        rate = decay_rate(
            fit.values, iterations, mask, counts, confidence=confidence, running_minimum=fit.running_minimum
        )
        verdict, reason = rate_verdict(rate)
    with_log = envelope(means, iterations, mask, rate)
    without_log = envelope(means, iterations, mask, rate, logarithm=False)
    inside = np.asarray(iterations)[mask]
    return RateFinding(
        name=fit.name,
        verdict=verdict,
        reason=reason,
        slope=rate.slope,
        intercept=rate.intercept,
        lower=rate.lower,
        upper=rate.upper,
        interval_method=rate.method,
        window=(int(inside[0]), int(inside[-1])),
        num_checkpoints=int(np.sum(mask)),
        num_not_finite=int(np.sum(~np.isfinite(fit.values))),
        means=tuple(float(value) for value in means),
        envelope=with_log,
        envelope_without_log=without_log,
    )
