"""Slope along the leaders of the gradient with the mean field held."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.residual import Point
from smfg_verify.exact.equilibrium.solve import implicit_point
from smfg_verify.exact.follower import differentiable_value, soft_bellman
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.objective import objective_at
from smfg_verify.exact.response import setting_of
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.policies import softmax_policy


def held_field_slope(
    game: AbstractGame,
    logits: Float[Array, "O B"],
    mean_field: Float[Array, "..."],
    follower_value: Float[Array, " n"],
    weights: Float[Array, "O B"],
) -> Float[Array, "O B"]:
    r"""$\nabla_\omega \langle p'(\omega), v \rangle$, where the mean field that p' holds is $\mu^*(\phi_\omega)$.

    For use inside jit and vmap.

    Args:
        game: the game, traced.
        logits: omega.
        mean_field: equilibrium at omega, (n,) or (n, A).
        follower_value: V* there, in units of reward.
        weights: v.

    Returns:
        (O, B); what is given is taken for an equilibrium, NaN in it gives NaN.
    """
    known = Point(jnp.ravel(mean_field), follower_value)

    def objective(leader_omega: Array, field_omega: Array) -> Float[Array, ""]:
        field = implicit_point(setting_of(game, softmax_policy(field_omega)), known).mean_field
        field = field.reshape(mean_field_shape(game))
        answered = setting_of(game, softmax_policy(leader_omega))
        model = follower_model(tabulate(game, field), answered.leader_rows)
        value = differentiable_value(model, game.discount, answered.temperature)
        policy = soft_bellman(model, value, game.discount, answered.temperature)[1]
        return objective_at(game, answered.leader_policy, policy, field)

    def weighted(omega: Array) -> Float[Array, ""]:
        result: Float[Array, ""] = jax.jvp(lambda leader_omega: objective(leader_omega, omega), (omega,), (weights,))[1]
        return result

    result: Float[Array, "O B"] = jax.grad(weighted)(logits)
    return result
