"""What the baselines without samples share: they move the leader, then put the followers in its equilibrium."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.objective import leader_value
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic.engine.lanes import over_lanes
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.method import Carry, Memory
from smfg_verify.stochastic.value_bounds import ValueBounds

# Keeps logits finite where a policy underflows.
_TINY = 1e-300


class Answer(NamedTuple):
    """The followers' answer to a leader, and the gradient of the leader's objective there.

    Attributes:
        follower_policy: pi(a|s), (n, A).
        follower_value: V_f, (n,), in units of reward.
        mean_field: (n,) or (n, A).
        gradient: in the leader's logits, (O, B), in units of discounted leader reward.
    """

    follower_policy: Float[Array, "n A"]
    follower_value: Float[Array, " n"]
    mean_field: Float[Array, " n *A"]
    gradient: Float[Array, "O B"]


def no_gradient(game: AbstractGame) -> Memory:
    """The memory before the first iteration, which therefore leaves the leader where it is."""
    return {"gradient": jnp.zeros(leader_logits_shape(game))}


def climb(
    game: AbstractGame,
    bounds: ValueBounds,
    step_size: Float[Array, ""],
    carry: Carry,
    answer: Callable[[Array, Array, Array], Answer],
) -> Carry:
    r"""$\omega \mathrel{+}= (1-\gamma) c\, g$ with the gradient g in memory, then the answer to the new leader.

    In this order every recorded iterate is a leader with its own equilibrium.

    Args:
        game: the game, with traced leaves.
        bounds: boxes that the critics are projected to.
        step_size: c; the factor $1-\gamma$ is that of the mean step of AC-SMFG.
        carry: of before, lanes last.
        answer: of leader's logits, mean field and follower's value of before, for one run.

    Returns:
        The carry of after; the chains stand still.
    """
    iterate = carry.iterate
    logits = iterate.leader_logits + step_size * (1.0 - game.discount) * carry.memory["gradient"]
    found = over_lanes(answer)(logits, iterate.mean_field, iterate.follower_critic)

    def value(logits: Array, follower_policy: Array, mean_field: Array) -> Array:
        return leader_value(game, softmax_policy(logits), follower_policy, mean_field)

    leader_critic = over_lanes(value)(logits, found.follower_policy, found.mean_field)
    moved = Iterate(
        leader_logits=logits,
        follower_logits=jnp.log(jnp.maximum(found.follower_policy, _TINY)),
        leader_critic=jnp.clip(leader_critic, bounds.leader_lower, bounds.leader_upper),
        follower_critic=jnp.clip(found.follower_value, bounds.follower_lower, bounds.follower_upper),
        mean_field=found.mean_field,
        occupancy_state=iterate.occupancy_state,
        population_state=iterate.population_state,
    )
    return Carry(moved, {"gradient": found.gradient})
