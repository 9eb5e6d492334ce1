"""Exact residuals of a stochastic run: how far every checkpoint is from what AC-SMFG looks for."""

import dataclasses
import enum
import math
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from smfg_verify.bounds.rates.tracking_residuals import Tracking, tracking_of_points
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, evaluate_leaders
from smfg_verify.exact.precision import require_float64
from smfg_verify.game import (
    AbstractGame,
    game_hash,
    leader_logits_shape,
    mean_field_shape,
    traced,
    validate,
)
from smfg_verify.game.base import AnyArray
from smfg_verify.records.codec import kept
from smfg_verify.records.readable import Readable
from smfg_verify.records.status import NamedStatus
from smfg_verify.stochastic.trace import Trace

if TYPE_CHECKING:
    import xarray

RESIDUAL_NAMES = ("e_omega", "policy_gap", "e_theta", "e_mu", "e_Vf", "e_Vl")


class PointStatus(NamedStatus, enum.IntEnum):
    """What became of one checkpoint of one seed.

    Examples:
        >>> from smfg_verify import ac_smfg, exact_residuals, games
        >>> from smfg_verify.bounds import PointStatus
        >>> game = games.load("laffer-tax")
        >>> residuals = exact_residuals(game, ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10]))
        >>> PointStatus(residuals.status[0, 0]).name
        'EVALUATED'
    """

    EVALUATED = 0
    DIVERGED = 1
    NOT_CONVERGED = 2
    NOT_DIFFERENTIABLE = 3


@kept
@dataclasses.dataclass(frozen=True, repr=False)
class Residuals(Readable):
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

    Examples:
        >>> from smfg_verify import ac_smfg, exact_residuals, games
        >>> game = games.load("laffer-tax")
        >>> residuals = exact_residuals(game, ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10]))
        >>> residuals.num_points, residuals.num_diverged, residuals.num_not_converged
        (4, 0, 0)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("seeds", "iterations", "num_points", "num_diverged", "num_not_converged")

    iterations: Int[np.ndarray, " C"]
    seeds: Integer[np.ndarray, " S"]
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

    def to_xarray(self) -> "xarray.Dataset":
        """The residuals as a dataset over (seed, iteration), rounding levels as `rounding_NAME`.

        Examples:
            >>> from smfg_verify import ac_smfg, exact_residuals, games
            >>> game = games.load("laffer-tax")
            >>> residuals = exact_residuals(game, ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10]))
            >>> dict(residuals.to_xarray()["e_mu"].sizes)
            {'seed': 2, 'iteration': 2}
        """
        import xarray

        values = {
            name: getattr(self, name) for name in (*RESIDUAL_NAMES, "objective", "direct_norm_squared", "alignment")
        }
        values |= {f"rounding_{name}": levels for name, levels in self.rounding.items()}
        values["status"] = np.vectorize(lambda code: PointStatus(code).name, otypes=[object])(self.status)
        axes = {"seed": self.seeds, "iteration": self.iterations}
        return xarray.Dataset({name: (tuple(axes), array) for name, array in values.items()}, coords=axes)


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

    Source: the residuals that the analysis of Zeng et al. (arXiv 2509.15392) follows; their exact evaluation is ours.

    Examples:
        >>> from smfg_verify import ac_smfg, exact_residuals, games
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> residuals = exact_residuals(game, trace)
        >>> residuals.e_omega.shape, bool((residuals.e_theta >= 0.0).all()), residuals.status.tolist()
        ((2, 2), True, [[0, 0], [0, 0]])
    """
    validate(game)
    require_float64(game)
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size: got {batch_size}, expected at least 1, or None.")
    require_same_game(game, trace)
    points, finite = _points(game, trace)
    game = traced(game)
    precision = float(np.finfo(trace.leader_logits.dtype).eps)
    leaders = evaluate_leaders(game, points.leader_logits, most=batch_size)
    tracking = tracking_of_points(game, points, precision, batch_size)
    return _assemble(trace, leaders, measure(leaders, tracking, np.asarray(points.mean_field), precision), finite)


class _Point(NamedTuple):
    """One checkpoint of one seed, or many along a leading axis."""

    leader_logits: AnyArray
    follower_logits: AnyArray
    follower_critic: AnyArray
    leader_critic: AnyArray
    mean_field: AnyArray


class Measured(NamedTuple):
    """Residuals of many points and their rounding levels, each (P,), by name; `objective` is among them."""

    values: dict[str, Float[AnyArray, " P"]]
    rounding: dict[str, Float[AnyArray, " P"]]


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
    safe = [np.where(finite.reshape(-1, *[1] * (c.ndim - 1)), c, 0.0).astype(float) for c in columns]
    return _Point(*safe), finite


def measure(
    leaders: LeaderPoints, tracking: Tracking, mean_fields: Float[np.ndarray, "P ..."], precision: float
) -> Measured:
    """The residuals of many points out of what is known of their leaders and of their followers and critics.

    Args:
        leaders: equilibrium and gradient at each.
        tracking: of each.
        mean_fields: the points' own mean field estimates, (P, n) or (P, n, A).
        precision: relative rounding of the points' numbers.

    Returns:
        The residuals; infinite where a square is too large for a float.
    """
    fields = tuple(range(1, mean_fields.ndim))
    follower_gap, follower_critic, leader_critic = tracking.rounding
    with np.errstate(over="ignore"):
        values = {
            "e_omega": np.sum(leaders.total**2, axis=(1, 2)),
            "policy_gap": leaders.total_gap,
            "e_theta": tracking.e_theta,
            "e_mu": np.sum((mean_fields - leaders.mean_field) ** 2, axis=fields),
            "e_Vf": tracking.e_Vf,
            "e_Vl": tracking.e_Vl,
            "objective": leaders.objective,
        }
        rounding = {
            "e_omega": leaders.error**2,
            "policy_gap": leaders.error,
            "e_theta": follower_gap,
            "e_mu": np.prod(mean_fields.shape[1:]) * (leaders.field_error + precision) ** 2,
            "e_Vf": follower_critic,
            "e_Vl": leader_critic,
            "objective": leaders.objective_error,
        }
    return Measured(values, rounding)


def _alignment(leaders: LeaderPoints) -> Float[np.ndarray, " P"]:
    """Cosine of the total gradient and its direct part; NaN where one of them is within its error."""
    total, direct = leaders.total_norm, leaders.direct_norm
    known = np.minimum(total, direct) > leaders.error
    inner = np.sum(leaders.total * leaders.direct, axis=(1, 2))
    cosines = np.full(len(inner), np.nan)
    np.divide(inner, total * direct, out=cosines, where=known)
    return cosines


def _assemble(trace: Trace, leaders: LeaderPoints, measured: Measured, finite: Bool[np.ndarray, " P"]) -> Residuals:
    grid = (len(trace.seeds), len(trace.iterations))
    status = np.where(leaders.converged, PointStatus.EVALUATED, PointStatus.NOT_CONVERGED)
    status = np.where(leaders.not_differentiable, PointStatus.NOT_DIFFERENTIABLE, status)
    status = np.where(finite, status, PointStatus.DIVERGED)

    def shaped(column: AnyArray) -> np.ndarray:
        return np.where(finite, column, np.nan).reshape(grid)

    with np.errstate(over="ignore", invalid="ignore"):
        columns = measured.values | {
            "direct_norm_squared": np.sum(leaders.direct**2, axis=(1, 2)),
            "alignment": _alignment(leaders),
        }
    return Residuals(
        iterations=np.asarray(trace.iterations),
        seeds=np.asarray(trace.seeds),
        rounding={name: shaped(column) for name, column in measured.rounding.items()},
        status=status.reshape(grid),
        **{name: shaped(column) for name, column in columns.items()},
    )
