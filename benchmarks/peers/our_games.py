"""The games of this folder as this package has them: a game of its own, and arrays."""

import numpy as np

from benchmarks.peers import chain, garnet
from smfg_verify.game import TabularGame
from smfg_verify.games import LasryLionsChain


def crowded_chain(size: int, crowd: float = chain.CROWD) -> LasryLionsChain:
    """See `benchmarks.peers.chain`; the leader has one action, which costs nothing."""
    return LasryLionsChain(
        num_states=size,
        crowd_weight=crowd / size,
        pull=chain.PULL * size**2,
        fuel=chain.MOVE_COST,
        noise=chain.CHANCES,
        tolls=(0.0,),
        weight=0.0,
        discount=chain.DISCOUNT,
        temperature=1.0,
    )


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
