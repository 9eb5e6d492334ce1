"""Transitions of several chains of one iterate, and restarts: what the sampled baselines draw."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.samples import PolicyRows, next_states, policies
from smfg_verify.stochastic.sampling import sample_index


class Transition(NamedTuple):
    """One transition of every chain of every run; actions are drawn from the iterate's policies.

    Attributes:
        state, follower_action, leader_action, next_state: s, a, b, s', (chains, lanes) each.
        follower, leader: pi(.|s), (A, chains, lanes), and phi(.|s), (B, chains, lanes).
    """

    state: Int[Array, "chains lanes"]
    follower_action: Int[Array, "chains lanes"]
    leader_action: Int[Array, "chains lanes"]
    next_state: Int[Array, "chains lanes"]
    follower: PolicyRows
    leader: PolicyRows


def transition(
    game: AbstractGame, iterate: Iterate, states: Int[Array, "chains lanes"], uniforms: Float[Array, "3 chains lanes"]
) -> Transition:
    """One transition from each state, at the iterate's policies and mean field.

    Args:
        game: the game, with traced leaves.
        iterate: lanes last.
        states: where the chains stand.
        uniforms: for a, b and s'.

    Returns:
        The transitions.
    """
    follower, leader = policies(game, iterate, states)
    follower_action = sample_index(follower.probabilities, uniforms[0])
    leader_action = sample_index(leader.probabilities, uniforms[1])
    moved = next_states(game, uniforms[2], states, follower_action, leader_action, iterate.mean_field)
    return Transition(states, follower_action, leader_action, moved, follower, leader)


def initial_states(game: AbstractGame, uniforms: Float[Array, "*chains lanes"]) -> Int[Array, "*chains lanes"]:
    """States drawn from rho."""
    law = jnp.asarray(game.initial_distribution)
    return sample_index(jnp.broadcast_to(law.reshape(-1, *(1,) * uniforms.ndim), (law.size, *uniforms.shape)), uniforms)


def continued(
    game: AbstractGame, moved: Int[Array, " lanes"], uniforms: Float[Array, "2 lanes"]
) -> Int[Array, " lanes"]:
    """Where the chain with restarts goes: on with probability gamma, else to a fresh draw from rho."""
    goes_on: Bool[Array, " lanes"] = uniforms[0] < game.discount
    return jnp.where(goes_on, moved, initial_states(game, uniforms[1]))
