"""One row of a bound report: the slope of a residual's seed mean with its interval, the verdict, the envelopes."""

import dataclasses
import math

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.bounds.rates.bootstrap import MIN_SEEDS, IntervalMethod
from smfg_verify.bounds.rates.decay import (
    MIN_CHECKPOINTS,
    DecayRate,
    decay_rate,
    envelope,
    seed_mean,
)
from smfg_verify.bounds.rates.decay import running_minimum as running_minimum_of
from smfg_verify.bounds.rates.report import RateFinding, RateVerdict

CLAIMED_SLOPE = -0.5
_EXCLUDED_SLOPES = (-1.0, 0.0)
_NO_RATE = DecayRate(math.nan, math.nan, math.nan, math.nan, IntervalMethod.PERCENTILE)


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


@dataclasses.dataclass(frozen=True)
class Window:
    """Checkpoints that a rate is fitted to.

    Attributes:
        mask: true there.
        transient: why they are no place to judge the rate; empty where they are.
        flattens: the residual falls less and less, so that a slope found too flat is no transient's.
    """

    mask: Bool[np.ndarray, " C"]
    transient: str = ""
    flattens: bool = False


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
        return "at rounding level at some checkpoint of the window"
    if np.all(np.ptp(values, axis=0) == 0.0):
        return "the seeds do not vary"
    return ""


def _standstill(means: Float[np.ndarray, " C"], iterations: Int[np.ndarray, " C"], mask: Bool[np.ndarray, " C"]) -> str:
    """Why the slope of a running minimum tells nothing: it was reached before the window and not again."""
    if means[mask][0] > means[mask][-1]:
        return ""
    place = int(iterations[int(np.argmin(means))])
    return (
        f"the smallest mean was met at k = {place:,} and not undercut in the window: its slope is 0 whatever the rate"
    )


def rate_finding(
    fit: Fit,
    iterations: Int[np.ndarray, " C"],
    window: Window,
    counts: Int[np.ndarray, "R S"],
    confidence: float,
) -> RateFinding:
    """The row of one residual: its slope with interval and verdict, or the obstacle, and its envelopes."""
    mask = window.mask
    obstacle = _obstacle(fit, mask)
    means = seed_mean(fit.values)
    means = running_minimum_of(means) if fit.running_minimum else means
    rate, verdict, reason = _NO_RATE, RateVerdict.INCONCLUSIVE, obstacle
    if not obstacle:
        rate = decay_rate(
            fit.values, iterations, mask, counts, confidence=confidence, running_minimum=fit.running_minimum
        )
        verdict, reason = rate_verdict(rate)
        standstill = _standstill(means, iterations, mask) if fit.running_minimum else ""
        transient = "" if window.flattens and verdict is RateVerdict.SLOWER else window.transient
        if transient or standstill:
            verdict, reason = RateVerdict.INCONCLUSIVE, transient or standstill
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
