r"""Second derivatives of the Stackelberg objective at a known equilibrium, without differentiating its gradient.

A weighted sum of gradient entries is a derivative along a direction, $\langle \nabla \Phi, u \rangle = D \Phi[u]$, so
its slope is the reverse derivative of one forward derivative of the objective.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium import implicit_point
from smfg_verify.exact.gradient import objective_at
from smfg_verify.exact.residual import Point, Setting, follower_policy
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.policies import softmax_policy


def weighted_gradient_slope(
    game: AbstractGame,
    logits: Float[Array, "O B"],
    mean_field: Float[Array, "..."],
    follower_value: Float[Array, " n"],
    total_weights: Float[Array, "O B"],
    direct_weights: Float[Array, "O B"],
) -> Float[Array, "O B"]:
    r"""$\nabla_\omega \big( \langle g(\omega), u \rangle + \langle p(\omega), v \rangle \big)$, g total and p direct.

    With v = 0 it is the product of the Hessian of $\Phi$ with u. For use inside jit and vmap.

    Args:
        game: the game, traced.
        logits: omega.
        mean_field: equilibrium at omega, (n,) or (n, A).
        follower_value: V* there, in units of reward.
        total_weights: u.
        direct_weights: v.

    Returns:
        (O, B); what is given is taken for an equilibrium, NaN in it gives NaN.
    """
    known = Point(jnp.ravel(mean_field), follower_value)

    def objective(omega_of_leader, omega_of_followers):
        setting = Setting(game, softmax_policy(omega_of_followers), jnp.asarray(game.temperature, dtype=float))
        point = implicit_point(setting, known)
        field = point.mean_field.reshape(mean_field_shape(game))
        return objective_at(game, softmax_policy(omega_of_leader), follower_policy(setting, point), field)

    def weighted(omega):
        # The direct part moves the leader alone, the total one the followers with it.
        directions = (total_weights + direct_weights, total_weights)
        return jax.jvp(objective, (omega, omega), directions)[1]

    return jax.grad(weighted)(logits)
