"""What belongs to one iterate of a learning method: optimum, values and occupancy at its policies and mean field."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.follower import BestResponse, best_response, policy_value
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.objective import leader_value
from smfg_verify.exact.population import chain, discounted_occupancy
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import observed_rows


class AtIterate(NamedTuple):
    """Solutions at a leader's policy, a follower's and a mean field that need not belong to each other.

    Attributes:
        optimum: the follower's soft optimum there.
        quality: what each action is worth under it up to an offset of the state, (n, A), in units of reward.
        occupancy: discounted, of the follower's own policy from the initial distribution, (n,); sums to one.
        follower_value: of the follower's own policy, entropy included, (n,), in units of reward.
        leader_value: of both policies, (n,), in units of the leader's reward.
    """

    optimum: BestResponse
    quality: Float[AnyArray, "n A"]
    occupancy: Float[AnyArray, " n"]
    follower_value: Float[AnyArray, " n"]
    leader_value: Float[AnyArray, " n"]


def at_iterate(
    game: AbstractGame, leader: Float[Array, "O B"], follower: Float[Array, "n A"], field: Float[Array, "..."]
) -> AtIterate:
    """Solve at an iterate by dense tables, for use inside jit.

    Args:
        game: the game, traced.
        leader: phi(b | o), (O, B).
        follower: pi(a | s), (n, A).
        field: mean field, in its shape.

    Returns:
        The solutions.
    """
    model = follower_model(tabulate(game, field), observed_rows(leader, game.leader_observation))
    optimum = best_response(model, game.discount, game.temperature)
    centred = optimum.value - jnp.mean(optimum.value)
    initial = jnp.asarray(game.initial_distribution)
    return AtIterate(
        optimum,
        quality=model.reward + game.discount * (model.transition @ centred),
        occupancy=discounted_occupancy(chain(follower, model.transition), initial, game.discount),
        follower_value=policy_value(model, follower, game.discount, game.temperature),
        leader_value=leader_value(game, leader, follower, field),
    )
