"""The games of this folder as this package's users write them: local moves by `successors`, or arrays."""

import jax.numpy as jnp
import numpy as np

from benchmarks.peers import chain, garnet
from smfg_verify.game import AbstractGame, TabularGame, parameter
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


def garnet_game(size: int, crowd: float = 1.0) -> TabularGame:
    """A garnet with its crowd term multiplied by a number; the leader has one action and is paid nothing."""
    numbers = garnet.drawn(size)
    slope = np.broadcast_to(-crowd * numbers.crowd.T[:, :, None, None], (size, size, garnet.ACTIONS, 1))
    return TabularGame.from_arrays(
        kernel=numbers.kernel[:, :, None, :],
        follower_rewards=numbers.rewards[:, :, None],
        follower_rewards_mean_field=slope,
        leader_rewards=np.zeros((size, garnet.ACTIONS, 1)),
        leader_observation=np.zeros(size, dtype=int),
        discount=garnet.DISCOUNT,
        temperature=1.0,
    )
