"""A chain whose crowd keeps apart: drivers pulled to its middle, each with a cost of its own cell's mass."""

import numpy as np

from smfg_verify.game import TabularGame

MOVES = (-1, 0, 1)
NOISE = {-1: 0.025, 0: 0.95, 1: 0.025}


def kernel(size):
    """P(t | s, a), (n, 3, n): a step, then a disturbance, both stopped by the ends."""
    table = np.zeros((size, len(MOVES), size))
    for state in range(size):
        for index, move in enumerate(MOVES):
            for disturbance, probability in NOISE.items():
                table[state, index, np.clip(state + move + disturbance, 0, size - 1)] += probability
    return table


def reward(size, field):
    """r(s, a) at a mean field, (n, 3)."""
    away = np.arange(size) - (size - 1) / 2.0
    return -2.0 * np.abs(MOVES)[None, :] - (3.0 * away**2 + 40.0 * np.asarray(field))[:, None]


def crowded_chain(size, *, temperature=1.0, discount=0.9):
    crowd = -40.0 * np.eye(size)[:, :, None, None] * np.ones((1, 1, len(MOVES), 1))
    return TabularGame.from_arrays(
        kernel=kernel(size)[:, :, None, :],
        follower_rewards=reward(size, np.zeros(size))[:, :, None],
        follower_rewards_mean_field=crowd,
        leader_rewards=np.zeros((size, len(MOVES), 1)),
        discount=discount,
        temperature=temperature,
    )
