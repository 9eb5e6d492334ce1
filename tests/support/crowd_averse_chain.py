"""A chain whose followers avoid the crowd, as in the examples of Lasry and Lions, with local moves."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame, parameter


class CrowdAverseChain(AbstractGame):
    r"""States 0..S-1 in a row; followers stay or move by one, and pay for the crowd; the leader tolls the middle.

    $r_f = -c \log(S m_s + \epsilon) - fuel\,1\{a \text{ moves}\} - pull\,|s - (S-1)/2| / S - t_b$,
    $r_l = t_b - 0.1\, S m_s$. With probability `noise` one of the three moves, drawn uniformly, happens instead; a move
    into a wall stays there.
    """

    num_states: int = eqx.field(static=True)
    crowd_aversion: Float[Array, ""] = parameter(default=1.0)
    tolls: Float[Array, "2"] = parameter(default=(0.0, 0.5))
    fuel: Float[Array, ""] = parameter(default=0.1)
    pull: Float[Array, ""] = parameter(default=1.0)
    noise: Float[Array, ""] = parameter(default=0.3)
    epsilon: Float[Array, ""] = parameter(default=1e-10)
    discount: Float[Array, ""] = parameter(default=0.9)
    temperature: Float[Array, ""] = parameter(default=0.3)

    num_follower_actions = 3
    num_leader_actions = 2
    transition_dependence = "none"

    @property
    def leader_observation(self) -> Int[np.ndarray, " n"]:
        """0 in the middle half, 1 outside of it."""
        return (2 * np.abs(2 * np.arange(self.num_states) - (self.num_states - 1)) > self.num_states).astype(int)

    def successors(self, state, follower_action, leader_action):
        return jnp.clip(state + jnp.arange(-1, 2), 0, self.num_states - 1)

    def transition(self, state, follower_action, leader_action, mean_field):
        return (1.0 - self.noise) * (jnp.arange(3) == follower_action) + self.noise / 3.0

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        crowd = self.crowd_aversion * jnp.log(self.num_states * mean_field[state] + self.epsilon)
        away = self.pull * jnp.abs(state - 0.5 * (self.num_states - 1)) / self.num_states
        return -crowd - self.fuel * (follower_action != 1) - away - self.tolls[leader_action]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return self.tolls[leader_action] - 0.1 * self.num_states * mean_field[state]
