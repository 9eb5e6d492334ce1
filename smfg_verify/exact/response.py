r"""The best-response map of mean fields, whose fixed points are the equilibria, and its Jacobian."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.residual import Setting
from smfg_verify.exact.follower import differentiable_value, soft_bellman
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import population_law
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.base import Scalar


def mean_field_response(setting: Setting, field: Float[Array, " M"]) -> Float[Array, " M"]:
    r"""$\Gamma_\phi(m)$: the stationary law at m of the soft best response to (phi, m).

    Differentiable up to three times, forward and reverse, in the field and the setting.

    Args:
        setting: game, leader's policy, temperature.
        field: mean field, flattened, (M,).

    Returns:
        (M,); NaN or infinite where the follower's problem did not converge or the chain has several recurrent classes.
    """
    game = setting.game
    model = follower_model(tabulate(game, field.reshape(mean_field_shape(game))), setting.leader_rows)
    value = differentiable_value(model, game.discount, setting.temperature)
    policy = soft_bellman(model, value, game.discount, setting.temperature)[1]
    return population_law(game, model, policy)


def response_jacobian(setting: Setting, field: Float[Array, " M"]) -> Float[Array, "M M"]:
    r"""$D\Gamma_\phi(m)$, row the entry of the image, column the entry of m; differentiable twice more.

    Only its action on tangents of the simplex (columns that sum to zero) says anything about the game: off the simplex
    a game's functions are an extension without meaning.
    """
    result: Float[Array, "M M"] = jax.jacfwd(lambda m: mean_field_response(setting, m))(field)
    return result


def setting_of(game: AbstractGame, leader_policy: Float[Array, "O B"], temperature: Scalar | None = None) -> Setting:
    """The equilibrium problem of a leader's policy, at the game's temperature or another."""
    tau = game.temperature if temperature is None else temperature
    return Setting(game, leader_policy, jnp.asarray(tau, dtype=float))
