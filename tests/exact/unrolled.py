"""Phi by a fixed number of plain sweeps, differentiated through every one of them: no implicit function theorem."""

import jax
import jax.numpy as jnp

from smfg_verify.exact import tabulate
from smfg_verify.game import AbstractGame, mean_field_shape


def unrolled_objective(game: AbstractGame, leader_logits, num_sweeps: int):
    """Leader's objective after `num_sweeps` of (soft value iteration, population step), converging if contractive."""
    rows = jax.nn.softmax(leader_logits, axis=-1)[jnp.asarray(game.leader_observation)]
    shape = mean_field_shape(game)

    def sweep(carry, _):
        field, value = carry
        kernel = tabulate(game, field)
        transition = jnp.einsum("sb,sabt->sat", rows, kernel.transition)
        reward = jnp.einsum("sb,sab->sa", rows, kernel.follower_reward)
        quality = (reward + game.discount * transition @ value) / game.temperature
        policy = jax.nn.softmax(quality, axis=-1)
        pairs = field if field.ndim == 2 else field[:, None] * policy
        states = jnp.einsum("sa,sat->t", pairs, transition)
        image = states[:, None] * policy if field.ndim == 2 else states
        field = field + 0.3 * (image - field)  # full steps make congested games jump in a 2-cycle
        return (field, game.temperature * jax.nn.logsumexp(quality, axis=-1)), policy

    start = (jnp.full(shape, 1.0 / jnp.prod(jnp.array(shape))), jnp.zeros(game.num_states))
    (field, _), policies = jax.lax.scan(sweep, start, length=num_sweeps)
    kernel = tabulate(game, field)
    joint = policies[-1][:, :, None] * rows[:, None, :]
    transition = jnp.einsum("sab,sabt->st", joint, kernel.transition)
    leader_entropy = -jnp.sum(rows * jnp.log(rows), axis=-1)
    reward = jnp.einsum("sab,sab->s", joint, kernel.leader_reward) + game.leader_temperature * leader_entropy

    def evaluate(value, _):
        return reward + game.discount * transition @ value, None

    value, _ = jax.lax.scan(evaluate, jnp.zeros(game.num_states), length=num_sweeps)
    return game.initial_distribution @ value
