"""Garnets: random games whose followers avoid states by a random, monotone crowd term.

A = 5 actions, N = 6 disturbances of random probabilities, the next state of each (state, action, disturbance) drawn
uniformly; rewards are normal, minus (M mu)(s) with M = n (1 + 0.1 G G' / n), G normal: positive definite, so that there
is one equilibrium and mirror descent converges, and as large as the rewards at any n. gamma = 0.9.

Bench-MFG ships a garnet of its own, whose next states are a staircase in the mean field (quantiles of a moving law at
64 points): a game with no equilibrium to compare at, hence this one, in the form that it reads.
"""

from typing import NamedTuple

import numpy as np

from benchmarks.peers.judge import Stated

ACTIONS, DISTURBANCES, DISCOUNT, CROWD = 5, 6, 0.9, 1.0


class Garnet(NamedTuple):
    """The numbers of one garnet.

    Attributes:
        successors: (n, A, N) integers.
        chances: of the disturbances, (N,).
        rewards: without the crowd, (n, A).
        crowd: what a unit of mass at one state costs at another, (n, n).
    """

    successors: np.ndarray
    chances: np.ndarray
    rewards: np.ndarray
    crowd: np.ndarray

    @property
    def kernel(self) -> np.ndarray:
        """Probabilities of (state, action, next state), (n, A, n)."""
        size = len(self.rewards)
        result = np.zeros((size, ACTIONS, size))
        places = (np.arange(size)[:, None, None], np.arange(ACTIONS)[:, None], self.successors)
        np.add.at(result, places, np.broadcast_to(self.chances, self.successors.shape))
        return result


def drawn(size: int, seed: int = 0) -> Garnet:
    """A garnet of a size."""
    random = np.random.default_rng([seed, size])
    factor = random.standard_normal((size, size))
    return Garnet(
        random.integers(0, size, (size, ACTIONS, DISTURBANCES)),
        random.dirichlet(np.ones(DISTURBANCES)),
        random.standard_normal((size, ACTIONS)),
        CROWD * size * (np.eye(size) + 0.1 * factor @ factor.T / size),
    )


def stated(size: int) -> Stated:
    """The garnet of a size as the judge reads it."""
    garnet = drawn(size)

    def reward(field: np.ndarray) -> np.ndarray:
        return garnet.rewards - (garnet.crowd @ field)[:, None]

    return Stated(garnet.successors, garnet.chances, reward, DISCOUNT)
