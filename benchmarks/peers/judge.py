"""What a policy is worth, told by one NumPy program in double precision that shares no code with any solver."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Stated(NamedTuple):
    """A mean field game without a leader, as its numbers stand.

    Attributes:
        successors: next states of (state, action, disturbance), (n, A, N) integers.
        chances: of the disturbances, (N,).
        reward: mean field (n,) -> rewards (n, A).
        discount: gamma.
    """

    successors: np.ndarray
    chances: np.ndarray
    reward: Callable[[np.ndarray], np.ndarray]
    discount: float

    @property
    def size(self) -> int:
        return self.successors.shape[0]

    @property
    def scale(self) -> float:
        """What rewards differ by at the uniform mean field: the unit of relative targets."""
        return float(np.ptp(self.reward(np.full(self.size, 1.0 / self.size))))


class Verdict(NamedTuple):
    """What a policy is worth against its own population.

    Attributes:
        exploitability: what the best deviation gains from that population, without entropy.
        consistency: l1 norm of mu P - mu of the population that was handed in; of an exact one some 1e-16.
    """

    exploitability: float
    consistency: float


def judge(game: Stated, policy: np.ndarray, field: np.ndarray) -> Verdict:
    """Exploitability against the stationary law of the policy itself, and how consistent the given mean field is.

    Args:
        game: the game.
        policy: pi(a | s), (n, A).
        field: the mean field that a solver returned, (n,).

    Returns:
        Both, in double precision.
    """
    policy = np.asarray(policy, dtype=float)
    policy = policy / policy.sum(axis=1, keepdims=True)
    field = np.asarray(field, dtype=float)
    chain = _chain(game, policy)
    law = _law(chain)
    rewards = game.reward(law)
    value = np.linalg.solve(np.eye(game.size) - game.discount * chain, np.sum(policy * rewards, axis=1))
    best = _optimal_value(game, rewards)
    return Verdict(float(law @ (best - value)), float(np.sum(np.abs(field @ chain - field))))


def _chain(game: Stated, policy: np.ndarray) -> np.ndarray:
    chain = np.zeros((game.size, game.size))
    np.add.at(chain, (np.arange(game.size)[:, None, None], game.successors), policy[:, :, None] * game.chances)
    return chain


def _law(chain: np.ndarray) -> np.ndarray:
    """Stationary law: the balance with the sum in place of one of its equations, which follows from the others."""
    size = len(chain)
    system = chain.T - np.eye(size)
    system[-1] = 1.0
    law = np.maximum(np.linalg.solve(system, np.eye(size)[-1]), 0.0)
    return law / law.sum()


def _optimal_value(game: Stated, rewards: np.ndarray) -> np.ndarray:
    """Policy iteration without entropy."""
    size, number = rewards.shape
    value, actions, rows = np.zeros(size), np.argmax(rewards, axis=1), np.arange(size)
    for _ in range(10 * size):
        chain = _chain(game, np.eye(number)[actions])
        value = np.linalg.solve(np.eye(size) - game.discount * chain, rewards[rows, actions])
        quality = rewards + game.discount * value[game.successors] @ game.chances
        better = np.max(quality, axis=1) - quality[rows, actions] > 1e-13 * np.max(np.abs(value))
        if not better.any():
            return value
        actions = np.where(better, np.argmax(quality, axis=1), actions)
    raise RuntimeError("policy iteration did not end")
