"""The crowded chain that peers ship too.

States 0 .. n-1, moves left, stay, right, a disturbance of one cell with probability 1/20, ends that stop both. A
follower pays 2 a move, 3 times the squared distance from the middle, and 40 times the mass of its cell; gamma = 0.9.
These are the numbers that Bench-MFG ships as LasryLionsChain, at n = 7.
"""

import numpy as np

from benchmarks.peers.judge import Stated

MOVES, DISTURBANCES, CHANCES = (-1, 0, 1), (-1, 0, 1), (0.025, 0.95, 0.025)
MOVE_COST, PULL, CROWD, DISCOUNT = 2.0, 3.0, 40.0, 0.9


def stated(size: int) -> Stated:
    """The chain of a size as the judge reads it."""
    moved = np.arange(size)[:, None, None] + np.array(MOVES)[:, None] + np.array(DISTURBANCES)
    away = np.arange(size) - (size - 1) / 2.0

    def reward(field: np.ndarray) -> np.ndarray:
        return -MOVE_COST * np.abs(MOVES)[None, :] - (PULL * away**2 + CROWD * field)[:, None]

    return Stated(np.clip(moved, 0, size - 1), np.array(CHANCES), reward, DISCOUNT)
