"""Exact residuals of a stochastic run: how far every checkpoint is from what AC-SMFG looks for."""

import dataclasses
import enum
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.exact.compiling import tangent_entries
from smfg_verify.exact.follower import BestResponse, best_response, policy_value
from smfg_verify.exact.gradient.stackelberg import StackelbergGradient, gradient_of_logits
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.exact.objective import leader_value
from smfg_verify.exact.population import chain, discounted_occupancy
from smfg_verify.exact.precision import require_float64
from smfg_verify.game import (
    AbstractGame,
    compiled_for_game,
    game_hash,
    leader_logits_shape,
    mean_field_shape,
    traced,
    validate,
)
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.records.codec import kept
from smfg_verify.records.portable import reduce_portable
from smfg_verify.records.status import NamedStatus
from smfg_verify.stochastic.trace import Trace

RESIDUAL_NAMES = ("e_omega", "policy_gap", "e_theta", "e_mu", "e_Vf", "e_Vl")

# Entries of the largest table of tangents that one batch of points builds (128 MiB of float64).
_MAX_BATCH_ENTRIES = 2**24
_LARGEST_BATCH = 128
_RESCUE_BATCH = 8
_BATCHES_A_BLOCK = 16
# Rounding errors of a handful of operations, in units of the machine precision.
_ROUNDINGS = 16.0
_SERIES_RADIUS = 2.0**-5


class PointStatus(NamedStatus, enum.IntEnum):
    """What became of one checkpoint of one seed."""

    EVALUATED = 0
    DIVERGED = 1
    NOT_CONVERGED = 2
    NOT_DIFFERENTIABLE = 3


@kept
@dataclasses.dataclass(frozen=True)
class Residuals:
    r"""Residuals of every seed at every checkpoint, (seed, C) each unless said otherwise.

    NaN where the iterate is not finite (all of them) or the equilibrium of the leader's policy was not found
    (those that need it: e_omega, policy_gap, e_mu and the three quantities along the run).

    Attributes:
        iterations: completed iterations at each checkpoint, (C,).
        seeds: (seed,).
        e_omega: $\|\nabla\Phi(\omega)\|^2$ in logits, in squared units of the objective.
        policy_gap: policy-space stationarity gap, in units of the objective; it tells a stationary policy from a
            saturated softmax, where e_omega vanishes too.
        e_theta: $J_f(\pi^*(\phi, \hat\mu), \phi, \hat\mu) - J_f(\pi, \phi, \hat\mu) \ge 0$, from rho, in units of the
            objective.
        e_mu: $\|\hat\mu - \mu^*(\phi)\|_2^2$, dimensionless.
        e_Vf: $\|V_f - V_f^{\pi,\phi,\hat\mu}\|_2^2$, in squared units of value.
        e_Vl: $\|V_l - V_l^{\pi,\phi,\hat\mu}\|_2^2$, the leader's entropy included, in squared units of value.
        rounding: name of a residual, or "objective", to the size below which it is only rounding error.
        objective: $\Phi(\omega)$.
        direct_norm_squared: $\|p\|^2$, p the direct part of the gradient, which AC-SMFG follows.
        alignment: cos(grad Phi, p); NaN also where either is within the error bound of the gradient.
        status: a `PointStatus`.
    """

    iterations: Int[np.ndarray, " C"]
    seeds: Int[np.ndarray, " S"]
    e_omega: Float[np.ndarray, "S C"]
    policy_gap: Float[np.ndarray, "S C"]
    e_theta: Float[np.ndarray, "S C"]
    e_mu: Float[np.ndarray, "S C"]
    e_Vf: Float[np.ndarray, "S C"]
    e_Vl: Float[np.ndarray, "S C"]
    rounding: dict[str, Float[np.ndarray, "S C"]]
    objective: Float[np.ndarray, "S C"]
    direct_norm_squared: Float[np.ndarray, "S C"]
    alignment: Float[np.ndarray, "S C"]
    status: Int[np.ndarray, "S C"]

    @property
    def num_diverged(self) -> int:
        """Number of points whose iterate is not finite."""
        return int(np.sum(self.status == PointStatus.DIVERGED))

    @property
    def num_not_converged(self) -> int:
        """Number of points where the equilibrium of the leader's policy was not found."""
        return int(np.sum(self.status == PointStatus.NOT_CONVERGED))

    @property
    def num_not_differentiable(self) -> int:
        """Number of points at a kink of the game's functions: no total gradient there, so no e_omega and no gap."""
        return int(np.sum(self.status == PointStatus.NOT_DIFFERENTIABLE))

    @property
    def num_points(self) -> int:
        """Number of seeds times number of checkpoints."""
        return self.status.size


def exact_residuals(game: AbstractGame, trace: Trace, *, batch_size: int | None = None) -> Residuals:
    r"""Evaluate every residual exactly at every checkpoint of every seed.

    Nothing is sampled: equilibria, gradients and values are solved for. Newton from the uniform mean field serves
    all points first; the costly searches run only where it failed. Where the equilibrium is not unique, mu* and Phi
    are those of the equilibrium found from there, as in `stackelberg_gradient`. A float32 trace is accepted; its
    iterates are taken as exact numbers and the rounding levels are those of float32.

    Args:
        game: the game the trace was run on.
        trace: of `ac_smfg` or of any other method.
        batch_size: at most so many points are evaluated at once; None for as many as memory allows. No result
            depends on it.

    Returns:
        The residuals.

    Raises:
        ValueError: the trace belongs to another game, float64 is off, or the game is invalid.
    """
    validate(game)
    require_float64(game)
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size: got {batch_size}, expected at least 1, or None.")
    require_same_game(game, trace)
    points, finite = _points(game, trace)
    game = traced(game)
    precision = float(np.finfo(trace.leader_logits.dtype).eps)
    batch_size = min(largest_batch(game), batch_size or _LARGEST_BATCH)
    measured = _evaluate(game, points, precision, batch_size, rescue=False)
    failed = np.flatnonzero(finite & ~measured.converged)
    if len(failed):
        rescued = _evaluate(game, _take(points, failed), precision, min(batch_size, _RESCUE_BATCH), rescue=True)
        for all_points, some in zip(measured, rescued, strict=True):
            all_points[failed] = some
    return _assemble(trace, measured, finite)


# JAX inside jit, NumPy outside.
_Table = Any


class _Point(NamedTuple):
    """One checkpoint of one seed, or many along a leading axis."""

    leader_logits: _Table
    follower_logits: _Table
    follower_critic: _Table
    leader_critic: _Table
    mean_field: _Table


class _Measured(NamedTuple):
    """What is computed at one point; field names as in `Residuals`."""

    e_omega: _Table
    policy_gap: _Table
    e_theta: _Table
    e_mu: _Table
    e_Vf: _Table
    e_Vl: _Table
    rounding: _Table
    objective: _Table
    direct_norm_squared: _Table
    alignment: _Table
    converged: _Table
    kink: _Table


def require_same_game(game: AbstractGame, trace: Trace) -> None:
    """Refuse a trace that was recorded on another game.

    Raises:
        ValueError: the hashes differ.
    """
    found = _hash_in_precision(game, trace.metadata.dtype)
    if found != trace.metadata.game_hash:
        raise InputError(
            f"trace: recorded on the {trace.metadata.game} of hash {trace.metadata.game_hash}, got a "
            f"{type(game).__name__} of hash {found}; expected the same class, parameters and structure. Build the game "
            "with the parameters of the run."
        )


def _hash_in_precision(game: AbstractGame, dtype: str) -> str:
    """The hash the game has where a run of that floating type is recorded."""
    if dtype == "float64":
        return game_hash(game)
    with jax.enable_x64(False):
        return game_hash(jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), traced(game)))


def _points(game: AbstractGame, trace: Trace) -> tuple[_Point, Bool[np.ndarray, " P"]]:
    """All points along one axis, and which are finite; the others are replaced by zeros, which cost no search."""
    n = game.num_states
    expected: tuple[tuple[int, ...], ...] = (
        leader_logits_shape(game),
        (n, game.num_follower_actions),
        (n,),
        (n,),
        mean_field_shape(game),
    )
    grid = (len(trace.seeds), len(trace.iterations))
    columns = []
    for name, shape in zip(_Point._fields, expected, strict=True):
        array = np.asarray(getattr(trace, name))
        if array.shape != grid + shape:
            raise InputError(
                f"trace.{name}: got shape {array.shape}, expected {grid + shape} (seed, checkpoint, ...); the trace "
                "was recorded on a game of other sizes."
            )
        columns.append(array.reshape(math.prod(grid), *shape))
    finite = np.logical_and.reduce([np.all(np.isfinite(c), axis=tuple(range(1, c.ndim))) for c in columns])
    safe = [np.where(finite.reshape(-1, *[1] * (c.ndim - 1)), c, 0.0) for c in columns]
    return _Point(*safe), finite


def _take(points: _Point, indices: Int[np.ndarray, " Q"]) -> _Point:
    return _Point(*(column[indices] for column in points))


def largest_batch(game: AbstractGame) -> int:
    """Points evaluated at once: as many as keep the tables of tangents within 128 MiB, 128 at most."""
    return max(1, min(_LARGEST_BATCH, _MAX_BATCH_ENTRIES // tangent_entries(game)))


def _evaluate(game: AbstractGame, points: _Point, precision: float, batch_size: int, *, rescue: bool) -> _Measured:
    """Evaluate in blocks of one shape, so that one compilation serves any number of points."""
    total = len(points.leader_logits)
    block = batch_size if total <= batch_size else batch_size * _BATCHES_A_BLOCK
    parts = []
    for first in range(0, total, block):
        indices = np.minimum(np.arange(first, first + block), total - 1)
        chunk = jax.tree.map(lambda column: jnp.asarray(column, dtype=float), _take(points, indices))
        parts.append(jax.block_until_ready(_evaluate_block(game, chunk, precision, batch_size, rescue)))
    columns = (np.concatenate([np.asarray(part) for part in column]) for column in zip(*parts, strict=True))
    return _Measured(*(np.array(column[:total]) for column in columns))


@compiled_for_game
def _evaluate_block(game, points: _Point, precision: float, batch_size: int, rescue: bool) -> _Measured:
    return jax.lax.map(lambda point: _measure(game, point, precision, rescue), points, batch_size=batch_size)


class Tracking(NamedTuple):
    """Residuals of follower and critics at one iterate, which need no equilibrium; and their rounding levels."""

    e_theta: Float[Array, ""]
    e_Vf: Float[Array, ""]
    e_Vl: Float[Array, ""]
    rounding: tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_portable(self)


def tracking_residuals(game: AbstractGame, point: Any, precision: float) -> Tracking:
    """The residuals that compare follower and critics with the current mean field estimate, for use inside jit.

    Args:
        game: the game, traced.
        point: record with `leader_logits`, `follower_logits`, `leader_critic`, `follower_critic` and `mean_field`.
        precision: relative rounding of the iterate's numbers.

    Returns:
        The three residuals; e_theta is NaN where the follower's optimum was not found.
    """
    leader, follower = softmax_policy(point.leader_logits), softmax_policy(point.follower_logits)
    model = follower_model(tabulate(game, point.mean_field), observed_rows(leader, game.leader_observation))
    optimum = best_response(model, game.discount, game.temperature)
    follower_values = policy_value(model, follower, game.discount, game.temperature)
    leader_values = leader_value(game, leader, follower, point.mean_field)
    gap, gap_rounding = _optimality_gap(game, model, optimum, point.follower_logits, precision)
    return Tracking(
        e_theta=gap,
        e_Vf=jnp.sum((point.follower_critic - follower_values) ** 2),
        e_Vl=jnp.sum((point.leader_critic - leader_values) ** 2),
        rounding=(
            gap_rounding,
            _value_rounding(game, follower_values, precision),
            _value_rounding(game, leader_values, precision),
        ),
    )


def _measure(game: AbstractGame, point: _Point, precision: float, rescue: bool) -> _Measured:
    gradient = gradient_of_logits(game, point.leader_logits, rescue=rescue)
    tracking = tracking_residuals(game, point, precision)
    certificate = gradient.certificate
    field_error = gradient.equilibrium.error_bound + precision
    gap_rounding, follower_rounding, leader_rounding = tracking.rounding
    rounding = (
        certificate.error_bound**2,
        certificate.error_bound,
        gap_rounding,
        point.mean_field.size * field_error**2,
        follower_rounding,
        leader_rounding,
        certificate.objective_error_bound,
    )
    return _Measured(
        e_omega=jnp.sum(gradient.total**2),
        policy_gap=gradient.policy_gap,
        e_theta=tracking.e_theta,
        e_mu=jnp.sum((point.mean_field - gradient.equilibrium.mean_field) ** 2),
        e_Vf=tracking.e_Vf,
        e_Vl=tracking.e_Vl,
        rounding=jnp.stack(rounding),
        objective=gradient.objective,
        direct_norm_squared=jnp.sum(gradient.direct**2),
        alignment=_alignment(gradient),
        converged=gradient.equilibrium.converged,
        kink=gradient.equilibrium.converged & jnp.isposinf(certificate.error_bound),
    )


def _alignment(gradient: StackelbergGradient) -> Float[Array, ""]:
    total, direct = jnp.linalg.norm(gradient.total), jnp.linalg.norm(gradient.direct)
    known = jnp.minimum(total, direct) > gradient.certificate.error_bound
    return jnp.where(known, jnp.sum(gradient.total * gradient.direct) / (total * direct), jnp.nan)


def _value_rounding(game: AbstractGame, values: Float[Array, " n"], precision: float) -> Float[Array, ""]:
    error = _ROUNDINGS * precision * jnp.max(jnp.abs(values)) / (1.0 - game.discount)
    return values.shape[0] * error**2


def _optimality_gap(
    game: AbstractGame, model: FollowerModel, optimum: BestResponse, logits: Float[Array, "n A"], precision: float
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""The follower's optimality gap and its rounding level; NaN where the soft optimum was not found.

    $J_f(\pi^*) - J_f(\pi) = \frac{1}{1-\gamma} \sum_s d^\pi(s) \, \tau \, KL(\pi(\cdot|s) \| \pi^*(\cdot|s))$, an
    identity: a difference of the two values would lose every digit of a gap below their rounding errors.

    Source: Mei et al. (2020), Lemma 26.
    """
    discount, temperature = game.discount, game.temperature
    centred = optimum.value - jnp.mean(optimum.value)
    optimal_logits = (model.reward + discount * (model.transition @ centred)) / temperature
    log_policy, log_optimal = jax.nn.log_softmax(logits), jax.nn.log_softmax(optimal_logits)
    initial = jnp.asarray(game.initial_distribution)
    occupancy = discounted_occupancy(chain(jnp.exp(log_policy), model.transition), initial, discount)
    gap = temperature / (1.0 - discount) * jnp.dot(occupancy, _divergence(log_policy, log_optimal))
    value_error = optimum.residual * jnp.maximum(temperature, jnp.max(jnp.abs(optimum.value))) / (1.0 - discount)
    log_error = _ROUNDINGS * precision * (jnp.max(jnp.abs(log_policy)) + jnp.max(jnp.abs(optimal_logits)) + 1.0)
    rounding = temperature / (1.0 - discount) * (log_error + discount * value_error / temperature) ** 2
    return jnp.where(optimum.converged, gap, jnp.nan), rounding


def _divergence(log_p: Float[Array, "n A"], log_q: Float[Array, "n A"]) -> Float[Array, " n"]:
    r"""KL(p || q) of each row as $\sum_a p(a) h(x(a))$, $x = \log p - \log q$, $h(x) = x + e^{-x} - 1 \ge 0$.

    Every term is non-negative, so nothing cancels between terms; near zero h is summed by its series.
    """
    x = log_p - log_q
    small = jnp.abs(x) < _SERIES_RADIUS
    y = jnp.where(small, x, 0.0)
    tail = jnp.ones_like(y)
    for order in range(9, 2, -1):
        tail = 1.0 - y / order * tail
    series = 0.5 * y**2 * tail
    p = jnp.exp(log_p)
    return jnp.sum(jnp.where(small, p * series, p * x + jnp.exp(log_q) - p), axis=-1)


def _assemble(trace: Trace, measured: _Measured, finite: Bool[np.ndarray, " P"]) -> Residuals:
    grid = (len(trace.seeds), len(trace.iterations))
    status = np.where(measured.converged, PointStatus.EVALUATED, PointStatus.NOT_CONVERGED)
    status = np.where(measured.kink, PointStatus.NOT_DIFFERENTIABLE, status)
    status = np.where(finite, status, PointStatus.DIVERGED)

    def shaped(column: np.ndarray) -> np.ndarray:
        return np.where(finite, column, np.nan).reshape(grid)

    columns = measured._asdict()
    del columns["converged"], columns["kink"]
    rounding = columns.pop("rounding")
    return Residuals(
        iterations=np.asarray(trace.iterations),
        seeds=np.asarray(trace.seeds),
        rounding={name: shaped(rounding[:, index]) for index, name in enumerate((*RESIDUAL_NAMES, "objective"))},
        status=status.reshape(grid),
        **{name: shaped(column) for name, column in columns.items()},
    )
