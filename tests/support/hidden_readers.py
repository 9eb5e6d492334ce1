"""A game that hides from a look at all its slopes at once that some of its states read the crowds of others."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.game import AbstractGame, parameter


class HiddenReaders(AbstractGame):
    """Two rings and a hub, to which one in ten returns from anywhere and which sends to every state alike.

    On the first ring followers are paid less where they are many. On the second they compare the crowds on both sides,
    which cancels where all crowds rise alike. The hub's reward is steep in its own mass, which no policy changes.
    """

    num_follower_actions, num_leader_actions, ring = 2, 1, 6
    num_states: int = eqx.field(static=True, default=13)
    discount: Float[Array, ""] = parameter(default=0.8)
    temperature: Float[Array, ""] = parameter(default=0.003)
    alone: Float[Array, ""] = parameter(default=0.02)
    beside: Float[Array, ""] = parameter(default=0.1)
    steep: Float[Array, ""] = parameter(default=3e5)

    def successors(self, state, follower_action, leader_action):
        first = 1 + self.ring * (state > self.ring)
        place = jnp.where(state > 0, state - first, 0)
        ahead = first + (place + 1) % self.ring
        fixed = jnp.stack([state, ahead, 0])
        rest = jnp.where(state > 0, 0, jnp.arange(1, self.num_states))
        return jnp.concatenate([fixed, rest])

    def transition(self, state, follower_action, leader_action, mean_field):
        step = 0.2 + 0.5 * follower_action
        moves = jnp.stack([0.9 - step, step, 0.1])
        count = self.num_states - 1
        here = jnp.where(state > 0, moves, 0.0)
        return jnp.concatenate([here, jnp.where(state > 0, 0.0, jnp.full(count, 1.0 / count))])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        place = (state - 1) % self.ring
        crowds = mean_field[1 + self.ring :]
        compared = self.beside * (crowds[(place + 1) % self.ring] - crowds[(place - 1) % self.ring])
        own = -self.alone * mean_field[state] + 0.001 * jnp.sin(place)
        hub = -self.steep * (mean_field[0] - 1.0 / 11.0)
        return 10.0 + jnp.where(state == 0, hub, jnp.where(state > self.ring, compared, own))

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[state]
