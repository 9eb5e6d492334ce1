"""The crowded chain as a game of this package: dense tables as they are, or local moves by `successors`."""

import jax.numpy as jnp
import numpy as np

from benchmarks.peers import chain
from smfg_verify.game import AbstractGame, parameter
from smfg_verify.game.base import FieldDefault


class CrowdedChain(AbstractGame):
    """See `benchmarks.peers.chain`; the leader has one action and is paid nothing."""

    size: int = 7
    crowd: FieldDefault = parameter(default=chain.CROWD)
    discount: FieldDefault = parameter(default=chain.DISCOUNT)
    temperature: FieldDefault = parameter(default=1.0)

    num_follower_actions = 3
    num_leader_actions = 1
    transition_dependence = "none"
    follower_reward_dependence = "affine"
    leader_reward_dependence = "none"

    @property
    def num_states(self) -> int:
        return self.size

    @property
    def leader_observation(self) -> np.ndarray:
        return np.zeros(self.size, dtype=int)

    def successors(self, state, follower_action, leader_action):
        return jnp.clip(state + follower_action - 1 + jnp.arange(-1, 2), 0, self.size - 1)

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.asarray(chain.CHANCES)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        away = state - (self.size - 1) / 2.0
        costs = chain.MOVE_COST * jnp.abs(follower_action - 1.0) + chain.PULL * away**2
        return -costs - self.crowd * mean_field[state]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return jnp.zeros(())
