r"""The average version of the rate: $\frac{1}{k+1} \sum_{t \le k} E\|\nabla\Phi(\omega_t)\|^2$, from checkpoints."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.bounds.rates import rate_window, resample_counts
from smfg_verify.bounds.report import RateFinding
from smfg_verify.bounds.residuals import Residuals
from smfg_verify.bounds.validate import Fit, rate_finding

RUNNING_AVERAGE = "running-average"


@dataclasses.dataclass(frozen=True)
class AverageFinding:
    """The rate of the running average of a residual, and how far its interpolation can be trusted.

    Attributes:
        finding: slope, interval, verdict and envelope of the running average; its `means` are the averages.
        interpolation_change: largest relative change of the averages, over the window, when every other checkpoint is
            left out; an estimate of the interpolation's error, no bound. NaN where the averages are.
    """

    finding: RateFinding
    interpolation_change: float


def running_average(values: Float[np.ndarray, "*S C"], iterations: Int[np.ndarray, " C"]) -> Float[np.ndarray, "*S C"]:
    r"""Average over all iterations since the first checkpoint, with a residual interpolated linearly in k between them.

    $$ A_c = \frac{1}{k_c - k_0 + 1} \Big( e_0 + \sum_{j \le c} \Big[ (k_j - k_{j-1}) \frac{e_{j-1} + e_j}{2}
       + \frac{e_j - e_{j-1}}{2} \Big] \Big) $$

    That is the trapezoid rule in k, with the half step that makes it the sum over the integers rather than the
    integral. It is exact where checkpoints are consecutive. Between them the residual is not known: the average is one
    of interpolated values, above the true one where the residual is convex in k, as a power law is.

    Args:
        values: the residual, last axis the checkpoints; the average is linear, so that of the seed mean is the seed
            mean of it.
        iterations: completed iterations at each checkpoint, increasing.

    Returns:
        The average up to each checkpoint, in units of the residual; NaN from the first NaN on.
    """
    iterations = np.asarray(iterations)
    steps, before, after = np.diff(iterations), values[..., :-1], values[..., 1:]
    pieces = 0.5 * steps * (before + after) + 0.5 * (after - before)
    sums = np.cumsum(np.concatenate([values[..., :1], pieces], axis=-1), axis=-1)
    return sums / (iterations - iterations[0] + 1)


def average_rate(
    residuals: Residuals,
    *,
    window: tuple[int, int] | None = None,
    confidence: float = 0.95,
    num_resamples: int = 2000,
    seed: int = 0,
) -> AverageFinding:
    r"""The rate of the running average of $\|\nabla\Phi\|^2$, held against -1/2 as `validate_bounds` does.

    An average never forgets its transient, which leaves it only like 1/k: over a finite run its slope lags behind that
    of the residual. Any bound of the average bounds the running minimum too, not the other way round.

    Args:
        residuals: of a run.
        window, confidence, num_resamples, seed: as in `validate_bounds`.

    Returns:
        The finding, inconclusive with a reason as there, and what the interpolation may have changed.

    Raises:
        ValueError: an empty window.
    """
    mask = rate_window(residuals.iterations, window)
    counts = resample_counts(len(residuals.seeds), num_resamples, seed)
    values, rounding = (
        running_average(table, residuals.iterations) for table in (residuals.e_omega, residuals.rounding["e_omega"])
    )
    fit = Fit(RUNNING_AVERAGE, values, rounding, running_minimum=False)
    finding = rate_finding(fit, residuals.iterations, mask, counts, confidence)
    change = _interpolation_change(residuals.e_omega.mean(axis=0), residuals.iterations)
    return AverageFinding(finding, float(np.max(change[mask[_kept(len(mask))]])))


def _kept(number: int) -> np.ndarray:
    """Every other checkpoint, the last included."""
    return np.arange(number)[(number - 1) % 2 :: 2]


def _interpolation_change(means: Float[np.ndarray, " C"], iterations: Int[np.ndarray, " C"]) -> np.ndarray:
    kept = _kept(len(means))
    # The first checkpoint is where the average starts, whichever are left out after it.
    chosen = np.unique(np.concatenate([[0], kept]))
    coarse = dict(zip(chosen, running_average(means[chosen], iterations[chosen]), strict=True))
    fine = running_average(means, iterations)
    return np.abs(np.array([coarse[index] for index in kept]) / fine[kept] - 1.0)
