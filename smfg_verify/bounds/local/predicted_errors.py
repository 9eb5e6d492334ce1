r"""Local theory: the mean squared errors that AC-SMFG must show once it is close to a stable limit point.

Near an isolated zero x* of the mean dynamics, with steps $c/\sqrt{k+1}$, $D = diag(c)$ and $J = \partial h/\partial x$,
the error covariance is $S / \sqrt{k+1}$ to leading order, S the solution of a Lyapunov equation.
"""

import dataclasses
import enum
import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.bounds.local.components import Components, step_constants, unflattened
from smfg_verify.bounds.local.expansion import SQUARED, Moments, expansion_at, square_root
from smfg_verify.bounds.local.limit_points import LimitPoint, LimitStatus
from smfg_verify.bounds.local.linearisation import Linearisation
from smfg_verify.bounds.local.mean_dynamics import prepared
from smfg_verify.bounds.local.update_noise import update_noise
from smfg_verify.bounds.rates.run_residuals import RESIDUAL_NAMES
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.records.status import NamedStatus
from smfg_verify.stochastic.iterate import Sampling
from smfg_verify.stochastic.schedules import Schedule
from smfg_verify.stochastic.value_bounds import value_bounds

_LYAPUNOV_TOLERANCE = 1e-8
# From this condition on the covariance keeps fewer than four digits.
_ILL_CONDITIONED = 1e12
_GAP_DRAWS = 2**14


class PredictionStatus(NamedStatus, enum.Enum):
    """Whether the local theory applies, or why not.

    Examples:
        >>> from smfg_verify.bounds import PredictionStatus
        >>> [status.value for status in PredictionStatus]
        ['predicted', 'not-interior', 'unstable', 'ill-conditioned', 'not-converged']
    """

    PREDICTED = "predicted"
    NOT_INTERIOR = "not-interior"
    UNSTABLE = "unstable"
    ILL_CONDITIONED = "ill-conditioned"
    NOT_CONVERGED = "not-converged"


@dataclasses.dataclass(frozen=True)
class LocalPrediction:
    r"""Predicted means of the residuals near one limit point, $E e_k \approx e^* + \epsilon_k e_1 + \epsilon_k^2 e_2$.

    $\epsilon_k = 1/\sqrt{k+1}$; NaN throughout unless the status is PREDICTED.

    Attributes:
        status: PREDICTED, or which condition failed.
        sampling: "markov" or "iid".
        iterations: completed iterations, (K,).
        covariance: S, of the flattened components at unit step scale, (N, N).
        noise: Sigma, asymptotic covariance of the update directions, (N, N).
        bias: b, $E x_k - x^* \approx b \epsilon_k$, (N,).
        limits: residual to its value e* at the limit point.
        slopes: residual to e_1, the coefficient of eps_k; NaN for policy_gap, which is no polynomial in eps_k.
        lags: residual to the coefficient of eps_k^2 that the lag of slow modes gives; compare with `slopes`.
        means: residual to its predicted mean at every iteration, (K,). NaN where a step is clipped.
        lyapunov_residual: $\|AS + SA^T + D\Sigma D\| / \|D\Sigma D\|$, $A = DJ$, in the movable directions.
        condition: estimated 1-norm condition number of the Lyapunov operator.
        spectral_abscissa: largest real part of the eigenvalues of A.
        memory: what is left of a squared deviation at the start along the slowest mode, (K,); where it is not far
            below one, a run has not forgotten its start and the prediction does not apply yet.
        critic_margin: least distance of a critic's mean to its box, in its standard deviations, (K,); below about 3
            the projection, which is left out, acts.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.bounds import Components, limit_point_at, local_prediction
        >>> zero, game = jnp.zeros(2), games.load("laffer-tax", leader_temperature=5.0)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> prediction = local_prediction(game, limit_point_at(game, iterate), Schedule(), [100, 1000])
        >>> prediction.status.value, prediction.lyapunov_residual < 1e-9, prediction.means["e_mu"].shape
        ('predicted', True, (2,))
    """

    status: PredictionStatus
    sampling: Sampling
    iterations: Int[np.ndarray, " K"]
    covariance: Float[np.ndarray, "N N"]
    noise: Float[np.ndarray, "N N"]
    bias: Float[np.ndarray, " N"]
    limits: dict[str, float]
    slopes: dict[str, float]
    lags: dict[str, float]
    means: dict[str, Float[np.ndarray, " K"]]
    lyapunov_residual: float
    condition: float
    spectral_abscissa: float
    memory: Float[np.ndarray, " K"]
    critic_margin: Float[np.ndarray, " K"]


def local_prediction(
    game: AbstractGame,
    limit_point: LimitPoint,
    schedule: Schedule,
    iterations: Iterable[int],
    sampling: Sampling = "markov",
) -> LocalPrediction:
    r"""Predict the mean of every residual of AC-SMFG near a stable interior limit point.

    The update is $x^+ = x + \epsilon_k D (h(x) + \text{noise})$, $\epsilon_k = 1/\sqrt{k+1}$. With $A = D J$ and the
    noise's asymptotic covariance $\Sigma$, $Cov(x_k) = \epsilon_k S + O(\epsilon_k^2)$,
    $$A S + S A^T + D \Sigma D = 0.$$
    There is no further term of this order: $\epsilon_{k+1} - \epsilon_k = O(\epsilon_k^3)$ for the exponent 1/2, unlike
    1. The mean is off by $b \epsilon_k$, $J b = -(\tfrac12 h''[S] + \text{drift})$, of the order of the covariance. A
    residual $\|r(x)\|^2$ then has mean $\|r\|^2 + \epsilon_k (2 r \cdot (r' b + \tfrac12 r''[S]) + tr(r' S r'^T))$,
    and policy_gap the mean of the largest entries of a Gaussian vector (fixed draws, good to about 0.5%).

    Of the next order only the part that grows with the time scale of the slowest mode is kept: a slow mode still
    carries the larger noise of earlier, larger steps, $S \to S + \epsilon_k S'$ with $A S' + S' A^T + S/2 = 0$, a
    relative $\epsilon_k / (4 |\lambda|)$. It is what a leader with small steps shows first.

    Args:
        game: the game.
        limit_point: of `find_limit_points`; another status than INTERIOR gives NaN.
        schedule: step constants of the run.
        iterations: completed iterations k, as in `Trace.iterations`; non-negative.
        sampling: mode of the run.

    Returns:
        The prediction with its diagnostics.

    Raises:
        ValueError: an invalid game or schedule, no or negative iterations, an unknown sampling, or a limit point of
            another game.

    Source: constant-step and slowly decreasing stochastic approximation; Kushner and Yin (2003), chapter 10.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.bounds import Components, limit_point_at, local_prediction
        >>> zero, game = jnp.zeros(2), games.load("laffer-tax", leader_temperature=5.0)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> prediction = local_prediction(game, limit_point_at(game, iterate), Schedule(), [100, 1000])
        >>> bool(prediction.means["e_mu"][1] < prediction.means["e_mu"][0])  # noise falls with the steps
        True
    """
    points = _checked_iterations(iterations)
    constants = step_constants(game, schedule)
    if sampling not in ("markov", "iid"):
        raise InputError(f"sampling: got {sampling!r}, expected 'markov' or 'iid'.")
    if limit_point.status is not LimitStatus.INTERIOR:
        return _unknown(PredictionStatus.NOT_INTERIOR, sampling, points, constants.size)
    game, iterate = prepared(game, limit_point.iterate)
    local = Linearisation.of(game, iterate, constants)
    if local.abscissa >= 0.0:
        empty = _unknown(PredictionStatus.UNSTABLE, sampling, points, constants.size)
        return dataclasses.replace(empty, spectral_abscissa=local.abscissa)
    return _predict(game, iterate, schedule, local, points, sampling)


def _checked_iterations(iterations: Iterable[int]) -> Int[np.ndarray, " K"]:
    points = np.atleast_1d(np.asarray(list(iterations)))
    if points.size == 0 or not np.issubdtype(points.dtype, np.integer) or points.min() < 0:
        raise InputError(
            f"iterations: got {points.dtype} of shape {points.shape}, expected non-negative integers, at least one; "
            "likely cause: not the `iterations` of a trace."
        )
    return np.unique(points)


def _predict(
    game: AbstractGame,
    iterate: Components,
    schedule: Schedule,
    local: Linearisation,
    points: np.ndarray,
    sampling: Sampling,
) -> LocalPrediction:
    noise = update_noise(game, iterate, local.constants, sampling)
    covariance, lagging, residual = local.stationary(noise.covariance)
    condition = local.condition()
    expansion = expansion_at(game, iterate, local.basis, (covariance, lagging))
    bias = local.mean_shift(0.5 * expansion.curved["mean_dynamics"][0] + noise.drift)
    late_bias = local.mean_shift(0.5 * expansion.curved["mean_dynamics"][1] + 0.5 * bias / local.constants)
    orders = ((covariance, bias), (lagging, late_bias))
    moments = {name: Moments.of(expansion, name, local.basis, orders) for name in expansion.value}
    scale = _step_scale(schedule, points)
    limits = {name: moments[vector].limit for name, vector in SQUARED.items()}
    slopes = {name: moments[vector].slopes for name, vector in SQUARED.items()}
    means = {name: limits[name] + scale * slopes[name][0] + scale**2 * slopes[name][1] for name in SQUARED}
    advantages = moments["advantage"]
    limits["policy_gap"] = float(np.sum(np.max(_rows(advantages.value, game), axis=-1)))
    slopes["policy_gap"] = (math.nan, math.nan)
    means["policy_gap"] = _expected_gaps(game, advantages, scale)
    status = _status(residual, condition, means, scale)
    found = LocalPrediction(
        status=status,
        sampling=sampling,
        iterations=points,
        covariance=local.basis @ covariance @ local.basis.T,
        noise=noise.covariance,
        bias=bias,
        limits={name: limits[name] for name in RESIDUAL_NAMES},
        slopes={name: slopes[name][0] for name in RESIDUAL_NAMES},
        lags={name: slopes[name][1] for name in RESIDUAL_NAMES},
        means={name: means[name] for name in RESIDUAL_NAMES},
        lyapunov_residual=residual,
        condition=condition,
        spectral_abscissa=local.abscissa,
        memory=np.exp(4.0 * local.abscissa * (np.sqrt(points + 1.0) - 1.0)),
        critic_margin=_critic_margin(game, iterate, local.basis @ covariance @ local.basis.T, bias, scale),
    )
    return found if status is PredictionStatus.PREDICTED else _without_numbers(found)


def _step_scale(schedule: Schedule, points: np.ndarray) -> Float[np.ndarray, " K"]:
    """1 / sqrt(k + 1); NaN where the step of the critics or of the mean field is clipped at one."""
    scale = 1.0 / np.sqrt(points + 1.0)
    constants = schedule.constants()
    return np.where(max(constants["critic"], constants["mean_field"]) * scale <= 1.0, scale, np.nan)


def _rows(table: np.ndarray, game: AbstractGame) -> Float[np.ndarray, "... O B"]:
    return table.reshape(*table.shape[:-1], -1, game.num_leader_actions)


def _expected_gaps(game: AbstractGame, advantages: Moments, scale: np.ndarray) -> Float[np.ndarray, " K"]:
    r"""$E \sum_o \max_b A(o,b)$ of Gaussian advantages, by fixed antithetic draws."""
    half = np.random.default_rng(0).standard_normal((_GAP_DRAWS // 2, advantages.value.size))
    draws = np.concatenate([half, -half])
    gaps = []
    for eps in scale:
        if not math.isfinite(eps):
            gaps.append(math.nan)
            continue
        mean = advantages.value + eps * advantages.shifts[0] + eps**2 * advantages.shifts[1]
        spread = square_root(eps * advantages.covariances[0] + eps**2 * advantages.covariances[1])
        gaps.append(float(np.mean(np.sum(np.max(_rows(mean + draws @ spread.T, game), axis=-1), axis=-1))))
    return np.asarray(gaps)


def _critic_margin(
    game: AbstractGame, iterate: Components, covariance: np.ndarray, bias: np.ndarray, scale: np.ndarray
) -> Float[np.ndarray, " K"]:
    bounds = value_bounds(game)
    variances, shifts = unflattened(game, np.diag(covariance)), unflattened(game, bias)
    margins = []
    for player in ("leader", "follower"):
        name = f"{player}_critic"
        lower, upper = (float(getattr(bounds, f"{player}_{side}")) for side in ("lower", "upper"))
        mean = np.asarray(getattr(iterate, name)) + np.outer(scale, getattr(shifts, name))
        deviation = np.sqrt(np.outer(scale, np.maximum(getattr(variances, name), np.finfo(float).tiny)))
        margins.append(np.min(np.minimum(mean - lower, upper - mean) / deviation, axis=1))
    result: Float[np.ndarray, " K"] = np.minimum(*margins)
    return result


def _status(residual: float, condition: float, means: dict[str, np.ndarray], scale: np.ndarray) -> PredictionStatus:
    if not (residual <= _LYAPUNOV_TOLERANCE and condition <= _ILL_CONDITIONED):
        return PredictionStatus.ILL_CONDITIONED
    known = np.isfinite(scale)
    finite = all(np.all(np.isfinite(mean[known])) for mean in means.values())
    return PredictionStatus.PREDICTED if finite else PredictionStatus.NOT_CONVERGED


def _without_numbers(found: LocalPrediction) -> LocalPrediction:
    """A failed prediction: the status and the diagnostics stay, the numbers go."""
    empty = _unknown(found.status, found.sampling, found.iterations, found.bias.size)
    kept = ("lyapunov_residual", "condition", "spectral_abscissa", "memory")
    return dataclasses.replace(empty, **{name: getattr(found, name) for name in kept})


def _unknown(status: PredictionStatus, sampling: Sampling, points: np.ndarray, size: int) -> LocalPrediction:
    nothing = {name: math.nan for name in RESIDUAL_NAMES}
    return LocalPrediction(
        status=status,
        sampling=sampling,
        iterations=points,
        covariance=np.full((size, size), np.nan),
        noise=np.full((size, size), np.nan),
        bias=np.full(size, np.nan),
        limits=dict(nothing),
        slopes=dict(nothing),
        lags=dict(nothing),
        means={name: np.full(points.size, np.nan) for name in RESIDUAL_NAMES},
        lyapunov_residual=math.nan,
        condition=math.nan,
        spectral_abscissa=math.nan,
        memory=np.full(points.size, np.nan),
        critic_margin=np.full(points.size, np.nan),
    )
