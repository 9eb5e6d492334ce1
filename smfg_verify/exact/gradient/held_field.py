r"""The second reading of the direct gradient: the mean field is held, the follower's policy answers the leader.

A leader's objective written in its policy and the mean field alone, $J_l(\phi, m) = J_l(\phi, \pi^*(\phi, m), m)$ with
$\pi^*(\phi, m)$ the soft best response, has the partial gradient $p' = d_\phi J_l(\phi, \pi^*(\phi, m), m)$ at
$m = \mu^*(\phi)$ held. The value $V^*(\phi, m)$ solves $F_V = 0$ with $\partial F_V/\partial V = I - \gamma P_\pi$, so
one adjoint solve of the size of the states gives it:
$$ (I - \gamma P_\pi)^T \lambda = \Big(\frac{\partial \pi}{\partial V}\Big)^T \frac{\partial J_l}{\partial \pi}, \qquad
p' = \frac{\partial J_l}{\partial \phi} + \Big(\frac{\partial \pi}{\partial \phi}\Big)^T
\frac{\partial J_l}{\partial \pi} - \Big(\frac{\partial F_V}{\partial \phi}\Big)^T \lambda . $$
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.residual import Point, Setting, follower_policy, residual
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain, solve_linear
from smfg_verify.game import mean_field_shape


def held_field_table(
    setting: Setting, point: Point, by_leader: Float[Array, "O B"], by_follower: Float[Array, "n A"]
) -> Float[Array, "O B"]:
    r"""Derivative of $J_l(\phi, \pi^*(\phi, m), m)$ in the entries of the leader's policy, m held.

    Args:
        setting: game, leader's policy, temperature.
        point: m, and the value of the best response to (phi, m).
        by_leader: dJ_l/dphi at follower's policy and mean field held.
        by_follower: dJ_l/dpi.

    Returns:
        (O, B), in units of the objective.
    """

    def answer(leader_policy: Array, value: Array) -> tuple[Array, Array]:
        moved = eqx.tree_at(lambda s: s.leader_policy, setting, leader_policy)
        at = Point(point.mean_field, value)
        return follower_policy(moved, at), residual(moved, at).value

    (policy, remainder), pull = jax.vjp(answer, setting.leader_policy, point.value)
    through_policy, right = pull((by_follower, jnp.zeros_like(remainder)))
    field = point.mean_field.reshape(mean_field_shape(setting.game))
    transition = chain(policy, follower_model(tabulate(setting.game, field), setting.leader_rows).transition)
    system = jnp.eye(transition.shape[0]) - setting.game.discount * transition
    multiplier = solve_linear(system.T, right)
    through_value, _ = pull((jnp.zeros_like(policy), multiplier))
    result: Float[Array, "O B"] = by_leader + through_policy - through_value
    return result
