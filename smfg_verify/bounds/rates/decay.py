r"""Rates of decay of residuals along a stochastic run, with bootstrap confidence intervals over seeds.

The claim to hold runs against is an upper bound, $\min_{t \le k} E\|\nabla\Phi(\omega_t)\|^2 = \tilde O(k^{-1/2})$:
a faster decay does not contradict it.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.bounds.rates.bootstrap import IntervalMethod, bootstrap_interval
from smfg_verify.errors import InputError
from smfg_verify.records.codec import kept

WINDOW_DECADES = 2.0
MIN_CHECKPOINTS = 8


@dataclasses.dataclass(frozen=True)
class DecayRate:
    r"""Fit of $\log \bar e_k = \mathrm{intercept} + \mathrm{slope} \log(k + 1)$ over a window.

    Attributes:
        slope: dimensionless; NaN where the mean is not positive and finite over the whole window.
        intercept: log of the residual extrapolated to k = 0 along the line.
        lower, upper: ends of the bootstrap confidence interval of the slope; NaN where a resample has no slope.
        method: how the interval was read off the bootstrap distribution.

    Examples:
        >>> from smfg_verify.bounds import DecayRate, IntervalMethod
        >>> rate = DecayRate(slope=-0.48, intercept=0.1, lower=-0.55, upper=-0.42, method=IntervalMethod.BCA)
        >>> rate.lower < -0.5 < rate.upper
        True
    """

    slope: float
    intercept: float
    lower: float
    upper: float
    method: IntervalMethod


@kept
@dataclasses.dataclass(frozen=True)
class Envelope:
    r"""The envelope constant $\sup_k \bar e_k \sqrt{k+1} / \log(k+2)$, or the same without the logarithm.

    Attributes:
        constant: the supremum over all checkpoints, in units of the residual.
        iteration: the number of completed iterations k at which it is attained.
        growing: see `envelope`; None where the rate has no confidence interval.

    Examples:
        >>> from smfg_verify.bounds import Envelope
        >>> Envelope(constant=3.2, iteration=100, growing=False).constant
        3.2
    """

    constant: float
    iteration: int
    growing: bool | None


def rate_window(iterations: Int[np.ndarray, " C"], window: tuple[int, int] | None = None) -> Bool[np.ndarray, " C"]:
    """Which checkpoints a rate is fitted to.

    Args:
        iterations: completed iterations at each checkpoint, increasing.
        window: first and last iteration, both included; None for the last two decades of k + 1, extended
            backwards to eight checkpoints where the two decades hold fewer.

    Returns:
        True for the checkpoints of the window; all of them where there are at most eight and `window` is None.

    Raises:
        ValueError: iterations do not increase, or the window is empty or reversed.
    """
    iterations = np.asarray(iterations)
    if iterations.ndim != 1 or len(iterations) == 0 or np.any(np.diff(iterations) <= 0) or iterations[0] < 0:
        raise InputError(
            f"iterations: got {iterations!r}, expected a non-empty vector of increasing numbers of completed "
            "iterations; checkpoints may be out of order or repeated."
        )
    if window is None:
        mask = (iterations + 1) * 10.0**WINDOW_DECADES >= iterations[-1] + 1
        mask[-MIN_CHECKPOINTS:] = True
        result: Bool[np.ndarray, " C"] = mask
        return result
    first, last = window
    mask = (iterations >= first) & (iterations <= last)
    if not np.any(mask):
        raise InputError(
            f"window: got ({first}, {last}), which holds no checkpoint; expected (first, last) iterations between "
            f"{iterations[0]} and {iterations[-1]}."
        )
    return mask


def decay_rate(
    values: Float[np.ndarray, "S C"],
    iterations: Int[np.ndarray, " C"],
    mask: Bool[np.ndarray, " C"],
    counts: Int[np.ndarray, "R S"],
    *,
    confidence: float = 0.95,
    running_minimum: bool = False,
) -> DecayRate:
    r"""Log-log slope of the seed mean of a residual against k + 1, with a bootstrap interval over seeds.

    Weighted least squares, each checkpoint weighted by the length of $\log(k+1)$ it stands for (half the distance
    between its neighbours), so that the fit is uniform in log k however the checkpoints lie. Whole seeds are
    resampled, since checkpoints of one run depend on each other and seeds do not. The interval is BCa; where
    that is degenerate, percentile; either way at the expanded nominal levels that make up for the narrowness of
    the bootstrap with few seeds. Measured coverage of nominal 0.95 on lognormal and gamma noise of relative size
    0.5 to 1: 0.90 with 5 seeds, 0.91 to 0.93 with 8, 0.91 to 0.94 with 16 to 64, 0.93 to 0.95 with 256. The order
    of seeds does not matter, to the last bit: they are sorted first.

    Args:
        values: the residual, one row a seed, non-negative.
        iterations: completed iterations at each checkpoint, increasing.
        mask: checkpoints of the window, at least two.
        counts: from `resample_counts`.
        confidence: nominal coverage of the two-sided interval.
        running_minimum: fit the minimum over all checkpoints so far of the seed mean instead, the minimum taken
            after the mean, in every resample anew.

    Returns:
        The fit and its interval.

    Source: the interval is that of `bootstrap_interval`.
    """
    ordered = values[np.lexsort(values.T)]
    intercept_of, slope_of = _least_squares(iterations[mask])

    def fit(means: Float[np.ndarray, "... C"]) -> Float[np.ndarray, "... W"]:
        if running_minimum:
            means = np.minimum.accumulate(means, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Float[np.ndarray, "... W"] = np.log(means[..., mask])
            return result

    num_seeds = len(values)
    mean = ordered.mean(axis=0)
    centre = fit(mean)
    with np.errstate(invalid="ignore"):
        slope = float(centre @ slope_of)
        replicates = fit(counts @ ordered / num_seeds) @ slope_of
        left_out = fit((ordered.sum(axis=0) - ordered) / max(1, num_seeds - 1)) @ slope_of
        intercept = float(centre @ intercept_of)
    if not (np.isfinite(slope) and np.all(np.isfinite(replicates))):
        return DecayRate(slope if np.isfinite(slope) else np.nan, intercept, np.nan, np.nan, IntervalMethod.PERCENTILE)
    return DecayRate(slope, intercept, *bootstrap_interval(slope, replicates, left_out, confidence))


def log_log_slope(
    means: Float[np.ndarray, " C"], iterations: Int[np.ndarray, " C"], mask: Bool[np.ndarray, " C"]
) -> float:
    """The slope that `decay_rate` fits, of one curve; NaN where a number in the window is not positive and finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = float(np.log(means[mask]) @ _least_squares(iterations[mask])[1])
    return slope if np.isfinite(slope) else np.nan


def log_lengths(iterations: Int[np.ndarray, " W"]) -> Float[np.ndarray, " W"]:
    """The share of the length of log(k + 1) that each checkpoint stands for; the shares sum to one."""
    gaps = np.diff(np.log1p(iterations))
    weights = np.concatenate([gaps, [0.0]]) + np.concatenate([[0.0], gaps])
    result: Float[np.ndarray, " W"] = weights / weights.sum()
    return result


def _least_squares(iterations: Int[np.ndarray, " W"]) -> tuple[Float[np.ndarray, " W"], Float[np.ndarray, " W"]]:
    """The intercept and the slope of the weighted fit as linear functionals of the ordinates."""
    x, weights = np.log1p(iterations), log_lengths(iterations)
    centre = weights @ x
    slope = weights * (x - centre) / (weights @ (x - centre) ** 2)
    return weights - centre * slope, slope


def seed_mean(values: Float[np.ndarray, "S C"]) -> Float[np.ndarray, " C"]:
    """Mean over seeds, to the same bits whatever their order."""
    result: Float[np.ndarray, " C"] = values[np.lexsort(values.T)].mean(axis=0)
    return result


def running_minimum(means: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
    """Smallest seed mean over the checkpoints so far: an upper bound on the minimum over all iterations so far."""
    return np.minimum.accumulate(means)


def envelope(
    means: Float[np.ndarray, " C"],
    iterations: Int[np.ndarray, " C"],
    mask: Bool[np.ndarray, " C"],
    rate: DecayRate,
    *,
    logarithm: bool = True,
) -> Envelope:
    r"""The smallest C with $\bar e_k \le C \log(k+2) / \sqrt{k+1}$ at every checkpoint, and whether it still grows.

    It still grows when both hold: the supremum is attained in the second half of the window or later, halves taken
    in $\log(k+1)$; and the slope of $\log\big(\bar e_k \sqrt{k+1} / \log(k+2)\big)$ against $\log(k+1)$ over the
    window is positive beyond doubt, that is, its bootstrap interval lies above zero. That slope is the slope of the
    residual plus 1/2 less the slope of $\log\log(k+2)$, which is not random, so the interval of `rate` shifts.

    Args:
        means: seed mean of the residual at every checkpoint.
        iterations: completed iterations at each checkpoint, increasing.
        mask: checkpoints of the window of `rate`.
        rate: of the same means.
        logarithm: False leaves the logarithm out of the envelope.

    Returns:
        The constant, NaN where a mean is NaN, and whether it grows.
    """
    log_factor = np.log(np.log(iterations + 2.0)) if logarithm else np.zeros(len(iterations))
    with np.errstate(invalid="ignore"):
        ratio = means * np.exp(0.5 * np.log1p(iterations) - log_factor)
    position = int(np.argmax(ratio))
    attained = np.log1p(iterations[position])
    inside = np.log1p(iterations[mask])
    late = attained >= 0.5 * (inside[0] + inside[-1])
    growing = None
    if not np.isnan(rate.lower):
        _, slope_of = _least_squares(iterations[mask])
        growing = bool(late and rate.lower + 0.5 - log_factor[mask] @ slope_of > 0.0)
    return Envelope(float(ratio[position]), int(iterations[position]), growing)
