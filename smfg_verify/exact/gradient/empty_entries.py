r"""Entries of the mean field that are exactly empty, and stay so: the adjoint equation without them.

Where no move leads to a state the law has an exact zero there, whatever the mean field, the value and the leader's
policy are nearby. For such entries E the equations are $F_E(\phi, x) = x_E$: the row of $\partial F/\partial x$ is that
of the identity and $\partial F_E/\partial \phi = 0$. So every equilibrium nearby has $x_E = 0$, the others, R, solve
$F_R(\phi, x_R, 0) = 0$, and with $F_{RR}^T \lambda_R = \partial_R J_l$ the gradient is
$\partial_\phi J_l - F_{R\phi}^T \lambda_R$, its errors those of R alone. Neither $\partial F_R/\partial x_E$, infinite
where a game is steep at nobody (sqrt, x log x), nor $\lambda_E$ occurs: they are left out, not made small.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from smfg_verify.exact.equilibrium.residual import Jacobian, Point, Setting, residual

# Below it an entry of the mean field is one that no flow reaches, see `residual.inside`.
_EMPTY = 1e-100


def is_empty(field: Float[Array, " M"]) -> Bool[Array, " M"]:
    """Entries of a mean field that no flow reaches."""
    return field < _EMPTY


def stays_empty(setting: Setting, point: Point, matrix: Jacobian) -> Bool[Array, " M"]:
    """Entries that are empty and whose equation says $x_e = 0$ to first order, in exact zeros.

    A law that is zero only at the point itself has a slope in the unknowns or in the leader's policy: it counts not as
    empty, and its slopes stay in. Slopes of a law in a policy's entry are not negative where it is zero, so that none
    is lost in their sum.

    Args:
        setting: the equilibrium problem.
        point: near its solution, in `inside`.
        matrix: the Jacobian there.

    Returns:
        (M,).
    """
    empty = is_empty(point.mean_field)
    own = jnp.all(matrix.field_field == jnp.eye(empty.shape[0]), axis=1) & jnp.all(matrix.field_value == 0.0, axis=1)

    def flow(policy: Array) -> Float[Array, ""]:
        moved = eqx.tree_at(lambda s: s.leader_policy, setting, policy)
        return jnp.sum(jnp.where(empty, residual(moved, point).mean_field, 0.0))

    return empty & own & jnp.all(jax.grad(flow)(setting.leader_policy) == 0.0)


def hold(fixed: Bool[Array, " M"], transposed: Jacobian, right: Point) -> tuple[Jacobian, Point]:
    r"""The adjoint equation with $\lambda_e = 0$ in place of the rows of the fixed entries.

    Args:
        fixed: entries whose column, apart from the diagonal, is zero in the transposed Jacobian.
        transposed: the transposed Jacobian.
        right: right-hand sides, as columns.

    Returns:
        Both, for the other entries as they were.
    """
    rows = fixed[:, None]
    matrix = Jacobian(
        jnp.where(rows, jnp.eye(fixed.shape[0]), transposed.field_field),
        jnp.where(rows, 0.0, transposed.field_value),
        transposed.value_field,
        transposed.value_value,
    )
    return matrix, Point(jnp.where(rows, 0.0, right.mean_field), right.value)
