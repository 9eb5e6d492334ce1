"""One row of a bound report: the slope of a residual's seed mean with its interval, the verdict, the envelopes."""

import dataclasses
import math

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.bounds.rates.bootstrap import MIN_SEEDS, IntervalMethod
from smfg_verify.bounds.rates.decay import MIN_CHECKPOINTS, DecayRate, decay_rate, envelope, seed_mean
from smfg_verify.bounds.rates.decay import running_minimum as running_minimum_of
from smfg_verify.bounds.rates.report import RateFinding, RateVerdict
from smfg_verify.bounds.rates.sentences import NO_OBSTACLE, Obstacle

CLAIMED_SLOPE = -0.5
_EXCLUDED_SLOPES = (-1.0, 0.0)
_NO_RATE = DecayRate(math.nan, math.nan, math.nan, math.nan, IntervalMethod.PERCENTILE)


def rate_verdict(rate: DecayRate) -> tuple[RateVerdict, Obstacle]:
    """The verdict of a slope's interval, and the reason where it is inconclusive (else the empty one)."""
    if math.isnan(rate.lower):
        return RateVerdict.INCONCLUSIVE, Obstacle("no-interval")
    if rate.upper < CLAIMED_SLOPE:
        return RateVerdict.FASTER, NO_OBSTACLE
    if rate.lower > CLAIMED_SLOPE:
        return RateVerdict.SLOWER, NO_OBSTACLE
    if any(rate.lower <= slope <= rate.upper for slope in _EXCLUDED_SLOPES):
        return RateVerdict.INCONCLUSIVE, Obstacle("too-wide", {"lower": float(rate.lower), "upper": float(rate.upper)})
    return RateVerdict.CONSISTENT, NO_OBSTACLE


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
        transient: why they are no place to judge the rate; the empty obstacle where they are.
        flattens: the residual falls less and less, so that a slope found too flat is no transient's.
    """

    mask: Bool[np.ndarray, " C"]
    transient: Obstacle = NO_OBSTACLE
    flattens: bool = False


def _obstacle(fit: Fit, mask: np.ndarray) -> Obstacle:
    """Why no rate can be fitted, if anything stands against it."""
    needed = np.logical_or.accumulate(mask[::-1])[::-1] if fit.running_minimum else mask
    values = fit.values[:, needed]
    bad = int(np.sum(~np.isfinite(values)))
    if len(values) < MIN_SEEDS:
        return Obstacle("few-seeds", {"seeds": len(values), "least": MIN_SEEDS})
    if np.sum(mask) < MIN_CHECKPOINTS:
        return Obstacle("few-checkpoints", {"checkpoints": int(np.sum(mask)), "least": MIN_CHECKPOINTS})
    if bad:
        return Obstacle("not-finite", {"bad": bad, "points": int(values.size)})
    zero = values.mean(axis=0) <= fit.rounding[:, needed].mean(axis=0)
    if np.any(zero):
        return Obstacle("rounding", {"everywhere": bool(np.all(zero))})
    if np.all(np.ptp(values, axis=0) == 0.0):
        return Obstacle("no-variation")
    return NO_OBSTACLE


def _standstill(
    means: Float[np.ndarray, " C"], iterations: Int[np.ndarray, " C"], mask: Bool[np.ndarray, " C"]
) -> Obstacle:
    """Why the slope of a running minimum tells nothing: it was reached before the window and not again."""
    if means[mask][0] > means[mask][-1]:
        return NO_OBSTACLE
    return Obstacle("standstill", {"iteration": int(iterations[int(np.argmin(means))])})


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
    rate, verdict = _NO_RATE, RateVerdict.INCONCLUSIVE
    if not obstacle:
        rate = decay_rate(
            fit.values, iterations, mask, counts, confidence=confidence, running_minimum=fit.running_minimum
        )
        verdict, obstacle = rate_verdict(rate)
        standstill = _standstill(means, iterations, mask) if fit.running_minimum else NO_OBSTACLE
        transient = NO_OBSTACLE if window.flattens and verdict is RateVerdict.SLOWER else window.transient
        if transient or standstill:
            verdict, obstacle = RateVerdict.INCONCLUSIVE, transient or standstill
    with_log = envelope(means, iterations, mask, rate)
    without_log = envelope(means, iterations, mask, rate, logarithm=False)
    inside = np.asarray(iterations)[mask]
    return RateFinding(
        name=fit.name,
        verdict=verdict,
        obstacle=obstacle,
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
