"""How far a Stackelberg gradient can be trusted: its errors to first order, and whether its derivatives are real."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from smfg_verify.exact.batching import one_at_a_time
from smfg_verify.exact.equilibrium.residual import Jacobian, Point, Setting, inside
from smfg_verify.exact.equilibrium.solve import Equilibrium
from smfg_verify.exact.gradient.grain import grain_of
from smfg_verify.exact.gradient.one_sided_slopes import SlopeComparison, compare_slopes
from smfg_verify.exact.gradient.perturbation import Adjoint, Perturbed, propagate, root_mean_square
from smfg_verify.game.checks.differences import SlopeStatus
from smfg_verify.records.portable import Portable

# Times the root mean square of four draws of roundings: an error of that law is above it once in 10^6.
_SAFETY = 16.0
# Times the first-order change by the residual that is left, for what is of second order in it.
_NONLINEAR = 2.0
# A response of the mean field below so many times its own rounding errors is none.
_RESOLUTION = 1e3


class Certificate(Portable, eqx.Module):
    r"""How far a gradient can be trusted.

    Attributes:
        forward_residual: residual of the equilibrium it was taken at.
        adjoint_residual: largest entry of $(\partial F/\partial x)^T \lambda - \partial J_l/\partial x$, relative to
            the largest entry of the right-hand side.
        condition: 2-norm condition number of dF/dx, values and their equation in units of the temperature.
        error_bound: first-order bound on the Euclidean errors of the total gradient and of both direct ones, rounding
            included, in units of the objective: what the residual left changes, twice, and 16 times the root mean
            square of what roundings of random sign change, each carried exactly to the gradient, and more where the
            equilibrium's own bounds on its errors are wider. What the functions round within themselves counts as far
            as small moves of the mean field show it. Infinite where the functions are not differentiable, or flat where
            their slope is not.
        objective_error_bound: the same of Phi; finite at a kink.
        slopes: the derivatives used against one-sided differences of the three functions at the equilibrium, along
            random directions in which the mean field responds to the leader.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, stackelberg_gradient
        >>> certificate = stackelberg_gradient(games.load("laffer-tax"), np.zeros((1, 2))).certificate
        >>> bool(certificate.differentiable), bool(certificate.error_bound < 1e-9)
        (True, True)
    """

    forward_residual: Float[Array, ""]
    adjoint_residual: Float[Array, ""]
    condition: Float[Array, ""]
    error_bound: Float[Array, ""]
    objective_error_bound: Float[Array, ""]
    slopes: SlopeComparison

    @property
    def differentiable(self) -> Array:
        """Whether one-sided differences of the functions agree with the derivatives used."""
        return self.slopes.differentiable


def certify(
    setting: Setting, equilibrium: Equilibrium, adjoint: Adjoint, leader_value_size: Float[Array, ""]
) -> Certificate:
    """The certificate of a gradient, from what it was computed by.

    Args:
        setting: the equilibrium problem.
        equilibrium: its solution.
        adjoint: the solved adjoint equation.
        leader_value_size: largest size of what the objective is summed from, |Phi|.

    Returns:
        The certificate; NaN where the equilibrium has not converged.
    """
    setting, equilibrium, adjoint = jax.lax.stop_gradient((setting, equilibrium, adjoint))
    point = Point(inside(jnp.ravel(equilibrium.mean_field)), equilibrium.follower_value)
    grain = grain_of(setting.game, point.mean_field)
    changes = propagate(setting, point, adjoint, grain.size)
    field_error = equilibrium.error_bound
    wider = _wider(equilibrium, changes)
    responds = jnp.max(jnp.abs(changes.response), axis=1, keepdims=True) > _RESOLUTION * field_error
    slopes = compare_slopes(
        setting.game, point.mean_field, jnp.where(responds, changes.response, 0.0 * changes.response), field_error
    )
    gradients = (changes.total, changes.direct, changes.held_field)
    bound = jnp.max(jnp.stack([_error(setting, table, changes, wider) for table in gradients]))
    unknown = slopes.status == SlopeStatus.UNKNOWN
    finite_bound = jnp.where(slopes.differentiable | (unknown & ~equilibrium.converged), bound, jnp.inf)
    unseen = jnp.where(grain.hidden, jnp.inf, 0.0)
    rounding = jnp.finfo(bound.dtype).eps * leader_value_size
    objective = jnp.abs(changes.objective)
    defect = _largest(jax.tree.map(jnp.subtract, adjoint.matrix.apply(adjoint.solution), adjoint.right))
    right = _largest(adjoint.right)
    return Certificate(
        forward_residual=equilibrium.residual,
        adjoint_residual=jnp.where(right > 0.0, defect / right, defect),
        condition=_condition(setting, adjoint.matrix),
        error_bound=finite_bound + unseen,
        objective_error_bound=wider * _bound(objective) + _SAFETY * rounding + unseen,
        slopes=slopes,
    )


def _bound(changes: Float[Array, " C"]) -> Float[Array, ""]:
    return _NONLINEAR * changes[0] + _SAFETY * root_mean_square(changes)


def _wider(equilibrium: Equilibrium, changes: Perturbed) -> Float[Array, ""]:
    """Factor by which the equilibrium's own bounds on its errors exceed those of the columns; at least 1."""
    field = _bound(jnp.sum(jnp.abs(changes.mean_field), axis=1))
    value = _bound(jnp.max(jnp.abs(changes.value), axis=1))
    claimed = ((equilibrium.error_bound, field), (equilibrium.value_error_bound, value))
    ratios = [jnp.where(bound > 0.0, claim / jnp.where(bound > 0.0, bound, 1.0), 1.0) for claim, bound in claimed]
    return jnp.maximum(1.0, jnp.maximum(*ratios))


def _error(
    setting: Setting, tables: Float[Array, "C O B"], changes: Perturbed, wider: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of the Euclidean error in logits, from changes of a table of derivatives in policy entries."""
    logits = jax.vmap(lambda table: to_logits(setting.leader_policy, table))(tables)
    sizes = jnp.linalg.norm(logits, axis=(1, 2))
    weights = jnp.linalg.norm(setting.leader_policy, axis=1)
    assembly = jnp.linalg.norm(2.0 * weights * changes.assembly)
    result: Float[Array, ""] = wider * _bound(sizes) + 2.0 * assembly
    return result


def to_logits(policy: Float[Array, "O B"], table: Float[Array, "O B"]) -> Float[Array, "O B"]:
    """Derivative in logits from the derivative in policy entries, through the softmax."""
    return policy * (table - jnp.sum(policy * table, axis=-1, keepdims=True))


def _condition(setting: Setting, transposed: Jacobian) -> Float[Array, ""]:
    tau = setting.temperature
    scaled = Jacobian(
        transposed.field_field, transposed.field_value / tau, transposed.value_field * tau, transposed.value_value
    )
    singular = _singular_values(scaled.dense)
    return singular[0] / singular[-1]


@one_at_a_time
def _singular_values(matrix: Float[Array, "k k"]) -> Float[Array, " k"]:
    return jnp.linalg.svd(matrix, compute_uv=False)


def _largest(tree: PyTree[Array]) -> Float[Array, ""]:
    return jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(tree)]))
