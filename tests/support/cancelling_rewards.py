"""A ring whose rewards are far larger than what followers see of them, and what does not depend on that."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.game import AbstractGame, parameter

# In all nothing.
PAYS = np.array([3.5, -1.25, -0.75, -2.5, 1.0])


class CancellingRewards(AbstractGame):
    """A walk on a ring; five leader actions pay multiples of w that a leader who mixes them evenly averages away.

    Only in the states with `steers` true do the follower's actions move differently. With rewards that are multiples of
    2^-20 and sizes below 2^30 every reward is a float, and nothing in the equilibrium depends on the sizes.
    """

    rewards: Float[Array, "n 2"] = parameter()
    swing: Float[Array, "n 2"] = parameter()
    steers: Float[Array, " n"] = parameter()
    level: Float[Array, ""] = parameter(default=0.0)
    paid: Float[Array, ""] = parameter(default=0.0)
    discount: Float[Array, ""] = parameter(default=0.9)
    temperature: Float[Array, ""] = parameter(default=0.1)
    num_follower_actions = 2
    num_leader_actions: int = eqx.field(static=True, default=5)

    @property
    def num_states(self):
        return self.rewards.shape[0]

    @property
    def leader_observation(self):
        return (0,) * self.num_states

    def successors(self, state, follower_action, leader_action):
        return jnp.stack([state, (state + 1) % self.num_states, (state - 1) % self.num_states])

    def transition(self, state, follower_action, leader_action, mean_field):
        turn = 0.2 * self.steers[state] * (2.0 * follower_action - 1.0)
        return jnp.stack([jnp.asarray(0.5), 0.25 + turn + 0.02 * (state == 0), 0.25 - turn - 0.02 * (state == 0)])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        index = (state, follower_action)
        return self.rewards[index] + self.level + self.swing[index] * jnp.asarray(PAYS)[leader_action]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[state] + self.paid * (1.0 + state + 2.0 * follower_action) * jnp.asarray(PAYS)[leader_action]
