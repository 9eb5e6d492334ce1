"""The one bootstrap interval of this package: whole seeds are resampled, levels make up for there being few of them."""

import enum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, ndtri, stdtrit

from smfg_verify.records.codec import kept

# Fewer do not say where the tails of a nominal 0.95 begin: 2.5 of them lie beyond each end.
MIN_RESAMPLES = 100
# A resample that holds every seed once has the estimate of all, up to roundings: this share of the largest.
_TIE = 1e-12
# Fewer seeds give no interval: with four, one resample in 64 is a single seed four times over.
MIN_SEEDS = 5


@kept
class IntervalMethod(enum.StrEnum):
    """How a confidence interval was read off the bootstrap distribution.

    Examples:
        >>> from smfg_verify.bounds import IntervalMethod
        >>> IntervalMethod.BCA.value
        'bias-corrected and accelerated'
    """

    BCA = "bias-corrected and accelerated"
    PERCENTILE = "percentile"


class BootstrapInterval(NamedTuple):
    """Ends of an interval, and how it was read off the bootstrap distribution."""

    lower: float
    upper: float
    method: IntervalMethod


def resample_counts(num_seeds: int, num_resamples: int, seed: int) -> Int[np.ndarray, "R S"]:
    """How often each seed occurs in each bootstrap resample; one table serves every residual.

    Args:
        num_seeds: S, the independent units of the bootstrap.
        num_resamples: R.
        seed: of the resampling; the same seed gives the same table.

    Returns:
        (R, S); rows sum to S.
    """
    return np.random.default_rng(seed).multinomial(num_seeds, np.full(num_seeds, 1.0 / num_seeds), size=num_resamples)


def bootstrap_interval(
    estimate: float, replicates: Float[np.ndarray, " R"], left_out: Float[np.ndarray, " S"], confidence: float
) -> BootstrapInterval:
    """Interval of a statistic of seeds, BCa; where that is degenerate, percentile; at expanded levels in both cases.

    Args:
        estimate: the statistic of all seeds.
        replicates: of each resample of the seeds.
        left_out: of all seeds but one, for the acceleration.
        confidence: nominal coverage of the two-sided interval, in (0, 1).

    Returns:
        The interval.

    Source: BCa interval of Efron (1987), jackknife acceleration; expanded levels of Hesterberg (2015).
    """
    tail = expanded_tail(len(left_out), confidence)
    levels = bca_levels(estimate, replicates, left_out, tail)
    method = IntervalMethod.PERCENTILE if levels is None else IntervalMethod.BCA
    lower, upper = np.quantile(replicates, [tail, 1.0 - tail] if levels is None else levels)
    return BootstrapInterval(float(lower), float(upper), method)


def expanded_tail(num_seeds: int, confidence: float) -> float:
    r"""Level of the lower end, $\Phi(\sqrt{S/(S-1)}\, t_{S-1}((1 - c)/2))$, smaller than (1 - c) / 2.

    The bootstrap's normal quantile becomes Student's, and its variance that with S - 1 in the denominator.

    Args:
        num_seeds: S, at least 2.
        confidence: c.

    Returns:
        The level, in (0, 1/2); zero where it is too small for a float, as of two seeds at 0.98.
    """
    return float(ndtr(np.sqrt(num_seeds / (num_seeds - 1)) * stdtrit(num_seeds - 1, 0.5 - 0.5 * confidence)))


def bca_levels(
    estimate: float, replicates: Float[np.ndarray, " R"], left_out: Float[np.ndarray, " S"], tail: float
) -> Float[np.ndarray, "2"] | None:
    """Levels of the bootstrap distribution at which a BCa interval of a tail ends; None where they are degenerate."""
    deviation = left_out.mean() - left_out
    above = replicates - estimate
    tied = np.abs(above) <= _TIE * np.max(np.abs(replicates), initial=abs(estimate), where=np.isfinite(replicates))
    bias = ndtri(np.mean((above < 0.0) & ~tied) + 0.5 * np.mean(tied))
    with np.errstate(divide="ignore", invalid="ignore"):
        acceleration = np.sum(deviation**3) / (6.0 * np.sum(deviation**2) ** 1.5)
        shifted = bias + ndtri(np.array([tail, 1.0 - tail]))
        levels = ndtr(bias + shifted / (1.0 - acceleration * shifted))
    degenerate = not np.all(np.isfinite(levels)) or levels[0] >= levels[1] or np.any(acceleration * shifted >= 1.0)
    return None if degenerate else levels
