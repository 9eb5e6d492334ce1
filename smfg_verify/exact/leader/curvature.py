r"""The second-order test at a stationary leader: is any direction left along which the objective curves upwards?

At a stationary policy the directions that matter are the tangents $d$ of the product of simplices that no first-order
loss forbids: rows that sum to zero, supported on the actions whose derivative is the largest of their row (those that
are played, and ties). There
$$ \Phi(\phi + t d) = \Phi(\phi) + \tfrac12 t^2 \langle d, \nabla^2 \Phi\, d \rangle + O(t^3). $$
The Hessian is taken in the policy, where a saturated softmax hides nothing, in the Euclidean metric; with leader
entropy, whose Hessian is unbounded at the faces, in the Fisher metric, $d = \sqrt{\phi}\, u$.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.residual import Point, follower_policy
from smfg_verify.exact.equilibrium.solve import implicit_point
from smfg_verify.exact.leader.ascent_steps import Iterate, never_zero
from smfg_verify.exact.objective import objective_at
from smfg_verify.exact.response import setting_of
from smfg_verify.exact.sparse.choice import takes_sparse
from smfg_verify.game import AbstractGame, compiled_for_game, mean_field_shape

# Relative errors of Lanczos: of the eigenvalue whose sign is judged, and of the size that it is judged against.
_JUDGED, _SIZED = 1e-8, 1e-3
# A probability above it is played; below it, an action counts where its derivative ties with the largest of its row.
_PLAYED = 1e-6
_TIE = 1e-4
# Tangents up to which the whole Hessian is taken; beyond, Lanczos finds its largest eigenvalue.
LARGEST_DENSE = 64
_MOST_FLAT = 4
# Share of the Hessian's size within which a curvature is rounding.
_ROUNDING = 1e-9


class Curvature(NamedTuple):
    """The largest curvature of the objective over the tangents of a stationary policy.

    Attributes:
        largest: of <d, Hessian d> over unit tangents d, in units of the objective; minus infinity where the policy is
            a strict vertex and has no such tangent, NaN where it could not be computed.
        resolution: a curvature up to it is within rounding, or cannot raise the objective by more than the tolerance.
        directions: unit tangents of positive curvature, the largest first; where there is none, those of no curvature
            that can be told from zero, (K, O, B).
    """

    largest: float
    resolution: float
    directions: Float[np.ndarray, "K O B"]

    @property
    def known(self) -> bool:
        """Whether it could be computed."""
        return not np.isnan(self.largest)

    @property
    def positive(self) -> bool:
        """Whether the objective curves upwards along the first direction."""
        return bool(self.largest > self.resolution)


def largest_curvature(game: AbstractGame, iterate: Iterate, tolerance: float, *, near_ties: bool = True) -> Curvature:
    """The second-order test at a stationary policy.

    Args:
        game: the game, traced.
        iterate: stationary to first order.
        tolerance: of the stationarity measures, in units of the objective.
        near_ties: whether actions nearly as good as the best of their row count as ties, not only those within the
            tolerance: good to find a way up, too wide for a verdict.

    Returns:
        The largest curvature with its direction; unknown for large games of local moves, which have no second
        derivatives here.
    """
    tie = _TIE if near_ties else 0.0
    basis = _tangents(iterate, tolerance, tie, natural=float(game.leader_temperature) > 0.0)
    if basis.shape[1] == 0:
        return Curvature(-np.inf, tolerance, np.empty((0, *iterate.policy.shape)))
    values, vectors, size = _spectrum(game, iterate, basis)
    if not np.all(np.isfinite(values)):
        return Curvature(float("nan"), tolerance, np.empty((0, *iterate.policy.shape)))
    resolution = float(max(tolerance, _ROUNDING * size))
    kept = values > resolution if values[0] > resolution else values >= -resolution
    directions = (basis @ vectors[:, kept][:, :_MOST_FLAT]).T.reshape(-1, *iterate.policy.shape)
    return Curvature(float(values[0]), resolution, directions)


def _tangents(iterate: Iterate, tolerance: float, tie: float, natural: bool) -> Float[np.ndarray, "D k"]:
    """Tangents that no first-order loss forbids, orthonormal in the metric; column by column."""
    policy, slope = iterate.policy, iterate.slope
    loss = np.max(slope, axis=1, keepdims=True) - slope
    open_to = (policy > _PLAYED) | (loss <= np.maximum(10.0 * tolerance, tie * np.max(loss, axis=1, keepdims=True)))
    weight = np.sqrt(np.maximum(policy, 0.0)) if natural else np.ones_like(policy)
    columns = []
    for row, (mask, weights) in enumerate(zip(open_to, weight, strict=True)):
        places = np.flatnonzero(mask & (weights > 0.0))
        # An orthonormal basis of what is orthogonal to the weights: its products with them sum to zero.
        complement = np.linalg.qr(weights[places][:, None], mode="complete")[0][:, 1:]
        for column in complement.T:
            tangent = np.zeros_like(policy)
            tangent[row, places] = weights[places] * column
            columns.append(tangent.ravel())
    return np.stack(columns, axis=1) if columns else np.empty((policy.size, 0))


def _spectrum(
    game: AbstractGame, iterate: Iterate, basis: Float[np.ndarray, "D k"]
) -> tuple[Float[np.ndarray, " j"], Float[np.ndarray, "k j"], float]:
    """Largest eigenvalues of the Hessian on the tangents, in falling order, their vectors, and the Hessian's size."""
    equilibrium = iterate.gradient.equilibrium
    known = Point(jnp.ravel(equilibrium.mean_field), equilibrium.follower_value)
    # Not zero: the entropy's second derivative there would be infinite, and NaN times a leader temperature of zero.
    policy = jnp.asarray(never_zero(iterate.policy))

    def product(coordinates: np.ndarray) -> np.ndarray:
        direction = jnp.asarray((basis @ np.ravel(coordinates)).reshape(policy.shape))
        result: np.ndarray = basis.T @ np.ravel(np.asarray(_hessian_product(game, policy, known, direction)))
        return result

    number = basis.shape[1]
    if takes_sparse(game):
        return np.full(1, np.nan), np.zeros((number, 1)), float("nan")
    if number > LARGEST_DENSE:
        return _by_lanczos(product, number)
    matrix = np.stack([product(unit) for unit in np.eye(number)], axis=1)
    if not np.all(np.isfinite(matrix)):
        return np.full(1, np.nan), np.zeros((number, 1)), float("nan")
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return values[::-1], vectors[:, ::-1], float(np.max(np.abs(values)))


def _by_lanczos(product: Callable[[np.ndarray], np.ndarray], number: int) -> tuple[np.ndarray, np.ndarray, float]:
    import scipy.sparse.linalg  # a fifth of a second to import, which only this test should pay

    operator = scipy.sparse.linalg.LinearOperator((number, number), matvec=product, dtype=float)
    start = np.random.default_rng(0).standard_normal(number)
    try:
        largest, vector = scipy.sparse.linalg.eigsh(operator, k=1, which="LA", v0=start, tol=_JUDGED)
        size = scipy.sparse.linalg.eigsh(operator, k=1, which="LM", v0=start, tol=_SIZED, return_eigenvectors=False)
    except (scipy.sparse.linalg.ArpackError, ValueError):  # ARPACK refuses NaN so
        return np.full(1, np.nan), np.zeros((number, 1)), float("nan")
    return largest, vector, float(np.abs(size[0]))


@compiled_for_game
def _hessian_product(
    game: AbstractGame, policy: Float[Array, "O B"], known: Point, direction: Float[Array, "O B"]
) -> Float[Array, "O B"]:
    """Hessian of Phi in the entries of the leader's policy, times a direction: reverse over forward."""

    def objective(leader_policy: Array) -> Float[Array, ""]:
        setting = setting_of(game, leader_policy)
        point = implicit_point(setting, known)
        field = point.mean_field.reshape(mean_field_shape(game))
        return objective_at(game, leader_policy, follower_policy(setting, point), field)

    result: Float[Array, "O B"] = jax.grad(lambda at: jax.jvp(objective, (at,), (direction,))[1])(policy)
    return result
