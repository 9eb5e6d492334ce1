"""The leader's objective at arbitrary policies and mean field: what the Stackelberg gradient is a gradient of."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.follower import policy_value
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.game import AbstractGame
from smfg_verify.policies import entropy, observed_rows


def leader_value(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    follower_rows: Float[Array, "n A"],
    mean_field: Float[Array, "..."],
    bonus: Float[Array, " n"] | float = 0.0,
) -> Float[Array, " n"]:
    """The leader's value V_l of arbitrary policies at an arbitrary mean field, (n,).

    Args:
        game: the game.
        leader_policy: phi(b | o), (O, B).
        follower_rows: pi(a | s), (n, A).
        mean_field: (n,) or (n, A).
        bonus: further reward of the leader in each state.

    Returns:
        V_l, in units of the leader's reward.
    """
    rows = observed_rows(leader_policy, game.leader_observation)
    model = follower_model(tabulate(game, mean_field), rows)
    by_state = game.leader_temperature * entropy(rows) + bonus
    as_rewarded = FollowerModel(model.transition, model.leader_reward + by_state[:, None], model.leader_reward)
    return policy_value(as_rewarded, follower_rows, game.discount, jnp.zeros(()))


def objective_at(game: AbstractGame, leader_policy: Array, follower_rows: Array, mean_field: Array) -> Float[Array, ""]:
    """J_l(phi, pi, mu), the leader's objective at arbitrary policies and mean field, a scalar."""
    return jnp.dot(jnp.asarray(game.initial_distribution), leader_value(game, leader_policy, follower_rows, mean_field))
