"""What a policy is worth, told by one SciPy program in double precision that shares no code with any solver."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve


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
    value = _value(game, chain, np.sum(policy * rewards, axis=1))
    best = _optimal_value(game, rewards)
    return Verdict(float(law @ (best - value)), float(np.sum(np.abs(chain.T @ field - field))))


def _chain(game: Stated, policy: np.ndarray) -> sp.csr_array:
    weights = policy[:, :, None] * game.chances
    rows = np.broadcast_to(np.arange(game.size)[:, None, None], game.successors.shape)
    return sp.csr_array((weights.ravel(), (rows.ravel(), game.successors.ravel())), shape=(game.size, game.size))


def _value(game: Stated, chain: sp.csr_array, rewards: np.ndarray) -> np.ndarray:
    return spsolve(sp.csc_array(sp.eye_array(game.size) - game.discount * chain), rewards)


def _law(chain: sp.csr_array) -> np.ndarray:
    """Stationary law as masses relative to that of the middle, whose own balance is left out."""
    size = chain.shape[0]
    middle = (size - 1) // 2
    others = np.delete(np.arange(size), middle)
    into = sp.csc_array(chain.T)
    law = np.ones(size)
    system = sp.csc_array(sp.eye_array(size - 1) - into[others][:, others])
    law[others] = spsolve(system, into[others][:, [middle]].toarray().ravel())
    law = np.maximum(law, 0.0)
    return law / law.sum()


def _optimal_value(game: Stated, rewards: np.ndarray) -> np.ndarray:
    """Policy iteration without entropy."""
    size, number = rewards.shape
    value, actions, rows = np.zeros(size), np.argmax(rewards, axis=1), np.arange(size)
    for _ in range(10 * size):
        value = _value(game, _chain(game, np.eye(number)[actions]), rewards[rows, actions])
        quality = rewards + game.discount * value[game.successors] @ game.chances
        better = np.max(quality, axis=1) - quality[rows, actions] > 1e-13 * np.max(np.abs(value))
        if not better.any():
            return value
        actions = np.where(better, np.argmax(quality, axis=1), actions)
    raise RuntimeError("policy iteration did not end")
