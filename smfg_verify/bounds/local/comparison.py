"""The local prediction held against the residuals of a run."""

import dataclasses
import math

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.bounds.local.predicted_errors import LocalPrediction
from smfg_verify.bounds.rates.run_residuals import RESIDUAL_NAMES, Residuals
from smfg_verify.errors import InputError


@dataclasses.dataclass(frozen=True)
class LocalComparison:
    """Measured over predicted means of one run, residual by residual.

    Attributes:
        window: first and last iteration compared.
        iterations: checkpoints in the window, (K,).
        num_seeds: seeds, the independent units.
        measured: residual to its mean over seeds, (K,).
        ratios: residual to measured / predicted at each checkpoint, (K,); NaN where both are zero, as the residual of
            a learner with nothing to choose, infinite where only the prediction is.
        ratio: residual to the ratio averaged over the window.
        standard_error: residual to the standard error of `ratio` over seeds.
        excess_ratio: the same of what exceeds the limit, (e_k - e*) / (predicted - e*); equal to `ratio` where e*
            is zero, and the sharper test where it is not.
        excess_standard_error: its standard error over seeds.
        num_not_finite: points in the window that are not finite; one is enough for a NaN.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import LocalComparison
        >>> found = LocalComparison(
        ...     window=(100, 1000),
        ...     iterations=np.array([100, 1000]),
        ...     num_seeds=16,
        ...     measured={"e_mu": np.array([0.2, 0.06])},
        ...     ratios={"e_mu": np.array([1.1, 0.9])},
        ...     ratio={"e_mu": 1.0},
        ...     standard_error={"e_mu": 0.1},
        ...     excess_ratio={"e_mu": 1.0},
        ...     excess_standard_error={"e_mu": 0.1},
        ...     num_not_finite=0,
        ... )
        >>> abs(found.ratio["e_mu"] - 1.0) <= 2.0 * found.standard_error["e_mu"]
        True
    """

    window: tuple[int, int]
    iterations: Int[np.ndarray, " K"]
    num_seeds: int
    measured: dict[str, Float[np.ndarray, " K"]]
    ratios: dict[str, Float[np.ndarray, " K"]]
    ratio: dict[str, float]
    standard_error: dict[str, float]
    excess_ratio: dict[str, float]
    excess_standard_error: dict[str, float]
    num_not_finite: int


def compare_local(
    prediction: LocalPrediction, residuals: Residuals, *, window: tuple[int, int] | None = None
) -> LocalComparison:
    """Hold the residuals of a run against a local prediction, over seeds.

    Args:
        prediction: at the checkpoints of the run, or at least at those in the window.
        residuals: of `exact_residuals` on the run's trace.
        window: first and last iteration, both included; the last decade if None.

    Returns:
        Ratios of measured to predicted means with standard errors over seeds.

    Raises:
        ValueError: no checkpoint in the window, fewer than two seeds, or iterations that were not predicted.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import Schedule, ac_smfg, exact_residuals, games
        >>> from smfg_verify.bounds import Components, compare_local, limit_point_at, local_prediction
        >>> zero, game = jnp.zeros(2), games.load("laffer-tax", leader_temperature=5.0)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> prediction = local_prediction(game, limit_point_at(game, iterate), Schedule(), trace.iterations)
        >>> found = compare_local(prediction, exact_residuals(game, trace))
        >>> found.window, found.num_seeds, sorted(found.ratio)
        ((10, 20), 2, ['e_Vf', 'e_Vl', 'e_mu', 'e_omega', 'e_theta', 'policy_gap'])
    """
    iterations = np.asarray(residuals.iterations)
    first, last = (iterations[-1] / 10.0, iterations[-1]) if window is None else window
    inside = np.flatnonzero((iterations >= first) & (iterations <= last))
    missing = np.setdiff1d(iterations[inside], prediction.iterations)
    if not inside.size or missing.size or len(residuals.seeds) < 2:
        raise InputError(
            f"compare_local: got {inside.size} checkpoints in [{first:g}, {last:g}], {missing.size} of them not "
            f"predicted, and {len(residuals.seeds)} seeds; expected a prediction at every checkpoint and two seeds. "
            "Pass iterations=trace.iterations to local_prediction."
        )
    at = np.searchsorted(prediction.iterations, iterations[inside])
    measured: dict[str, np.ndarray] = {}
    ratios: dict[str, np.ndarray] = {}
    pooled: dict[str, tuple[float, float]] = {}
    excess: dict[str, tuple[float, float]] = {}
    for name in RESIDUAL_NAMES:
        values, expected = getattr(residuals, name)[:, inside], prediction.means[name][at]
        measured[name] = values.mean(axis=0)
        ratios[name] = _divided(measured[name], expected)
        pooled[name] = _pooled(values, expected)
        limit = prediction.limits[name]
        excess[name] = _pooled(values - limit, expected - limit)
    return LocalComparison(
        window=(int(iterations[inside[0]]), int(iterations[inside[-1]])),
        iterations=iterations[inside],
        num_seeds=len(residuals.seeds),
        measured=measured,
        ratios=ratios,
        ratio={name: pair[0] for name, pair in pooled.items()},
        standard_error={name: pair[1] for name, pair in pooled.items()},
        excess_ratio={name: pair[0] for name, pair in excess.items()},
        excess_standard_error={name: pair[1] for name, pair in excess.items()},
        num_not_finite=int(sum(np.sum(~np.isfinite(getattr(residuals, name)[:, inside])) for name in RESIDUAL_NAMES)),
    )


def _pooled(values: Float[np.ndarray, "S K"], expected: Float[np.ndarray, " K"]) -> tuple[float, float]:
    """Ratio averaged over the window, and its standard error: one seed's ratios are dependent, the seeds are not."""
    by_seed = np.mean(_divided(values, expected), axis=1)
    # The spread of infinite ratios is no number.
    error = by_seed.std(ddof=1) / math.sqrt(len(by_seed)) if np.all(np.isfinite(by_seed)) else math.nan
    return float(by_seed.mean()), float(error)


def _divided(values: Float[np.ndarray, "*S K"], expected: Float[np.ndarray, " K"]) -> Float[np.ndarray, "*S K"]:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Float[np.ndarray, "*S K"] = values / expected
        return result
