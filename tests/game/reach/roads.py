"""A game of two roads whose cost is any function."""

import jax.numpy as jnp

from smfg_verify.game import AbstractGame, parameter


class Road(AbstractGame):
    """Two roads; `cost` of a subclass is what the second one costs."""

    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=0.5)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    weight = 0.0

    def cost(self, state):
        return 0.0 * state

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -mean_field[state] - self.cost(state)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1]


def road(cost, **body):
    """A game whose follower pays `cost(self, state)`."""
    return type("Road", (Road,), {"cost": cost, **body})()
