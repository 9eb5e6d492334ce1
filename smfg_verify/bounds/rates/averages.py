r"""The average version of the rate: $\frac{1}{k+1} \sum_{t \le k} E\|\nabla\Phi(\omega_t)\|^2$, from checkpoints."""

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.bounds.rates.decay import seed_mean
from smfg_verify.bounds.rates.findings import Fit
from smfg_verify.bounds.rates.run_residuals import Residuals

RUNNING_AVERAGE = "running-average"


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

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import running_average
        >>> running_average(np.array([4.0, 2.0, 0.0]), np.array([0, 1, 2])).tolist()
        [4.0, 3.0, 2.0]
        >>> running_average(np.array([4.0, 0.0]), np.array([0, 2])).tolist()  # a straight line between checkpoints
        [4.0, 2.0]
    """
    iterations = np.asarray(iterations)
    steps, before, after = np.diff(iterations), values[..., :-1], values[..., 1:]
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite residual ends in NaN, as a NaN does
        pieces = 0.5 * steps * (before + after) + 0.5 * (after - before)
        sums = np.cumsum(np.concatenate([values[..., :1], pieces], axis=-1), axis=-1)
    result: Float[np.ndarray, "*S C"] = sums / (iterations - iterations[0] + 1)
    return result


def average_fit(residuals: Residuals) -> Fit:
    r"""What the running average's row is about; a bound of it bounds the running minimum of $\|\nabla\Phi\|^2$ too."""
    tables = (residuals.e_omega, residuals.rounding["e_omega"])
    values, rounding = (running_average(table, residuals.iterations) for table in tables)
    return Fit(RUNNING_AVERAGE, values, rounding, running_minimum=False)


def interpolation_change(residuals: Residuals, mask: Bool[np.ndarray, " C"]) -> float:
    """Largest relative change of the averages in a window when every other checkpoint is left out.

    An estimate of the error that interpolating between checkpoints makes, no bound; NaN where the averages are, or
    where none of the checkpoints left lies in the window.
    """
    means, iterations = seed_mean(residuals.e_omega), residuals.iterations
    kept = _kept(len(means))
    # The first checkpoint is where the average starts, whichever are left out after it.
    chosen = np.unique(np.concatenate([[0], kept]))
    coarse = dict(zip(chosen, running_average(means[chosen], iterations[chosen]), strict=True))
    fine = running_average(means, iterations)
    with np.errstate(invalid="ignore"):  # an average of zero has no relative change
        change = np.abs(np.array([coarse[index] for index in kept]) / fine[kept] - 1.0)
    inside = change[mask[kept]]
    return float(np.max(inside)) if inside.size else float("nan")


def _kept(number: int) -> Int[np.ndarray, " K"]:
    """Every other checkpoint, the last included."""
    return np.arange(number)[(number - 1) % 2 :: 2]
