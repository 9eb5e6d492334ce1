r"""Second derivatives of the Stackelberg objective at a known equilibrium, without differentiating its gradient.

A weighted sum of gradient entries is a derivative along a direction, $\langle \nabla \Phi, u \rangle = D \Phi[u]$, so
its slope is the reverse derivative of one forward derivative of the objective.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.residual import Point, Setting, follower_policy
from smfg_verify.exact.equilibrium.solve import implicit_point
from smfg_verify.exact.objective import objective_at
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.policies import softmax_policy


def objective_through(
    game: AbstractGame, leader_logits: Float[Array, "O B"], followers_logits: Float[Array, "O B"], known: Point
) -> tuple[Float[Array, ""], Float[Array, " M"]]:
    r"""$J_l$ of a leader against followers at equilibrium with it, differentiable in both about a known equilibrium.

    Args:
        game: the game, traced.
        leader_logits: omega that the leader plays.
        followers_logits: omega that follower and mean field respond to; the same numbers, its own variable.
        known: the equilibrium at these numbers.

    Returns:
        The objective, and the equilibrium mean field, flattened.
    """
    setting = Setting(game, softmax_policy(followers_logits), jnp.asarray(game.temperature, dtype=float))
    point = implicit_point(setting, known)
    field = point.mean_field.reshape(mean_field_shape(game))
    value = objective_at(game, softmax_policy(leader_logits), follower_policy(setting, point), field)
    return value, point.mean_field


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

    def objective(leader_omega: Array, followers_omega: Array) -> Float[Array, ""]:
        return objective_through(game, leader_omega, followers_omega, known)[0]

    def weighted(omega: Array) -> Float[Array, ""]:
        # The direct part moves the leader alone, the total one the followers with it.
        directions = (total_weights + direct_weights, total_weights)
        result: Float[Array, ""] = jax.jvp(objective, (omega, omega), directions)[1]
        return result

    result: Float[Array, "O B"] = jax.grad(weighted)(logits)
    return result
