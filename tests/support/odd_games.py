"""Games with nothing to choose, to win or to see somewhere: each leaves some selection empty or some residual zero."""

import jax.numpy as jnp

from smfg_verify.game import AbstractGame, parameter


class _Road(AbstractGame):
    """Two places, two moves, two tolls."""

    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=0.5)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return 0.5 * leader_action * (state == 1) - mean_field[state]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1] - 0.1 * leader_action


class OneState(_Road):
    """The mean field is one number, 1."""

    num_states = 1

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.ones(1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return 0.5 * follower_action * leader_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 0.3 * follower_action - 0.1 * leader_action


class Still(OneState):
    """One state, one action for each, no reward: nothing moves and nothing is random."""

    num_follower_actions = 1
    num_leader_actions = 1

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return 0.0 * mean_field[0]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 0.0 * mean_field[0]


class OneLeaderAction(_Road):
    """A leader with nothing to choose: its gradient is zero."""

    num_leader_actions = 1


class Indifferent(_Road):
    """A leader that is paid the same whatever happens: its gradient is zero but for rounding."""

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 1.0 + 0.0 * mean_field[1]
