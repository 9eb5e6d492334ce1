"""The crowded chain that peers ship too, and its judge: SciPy in double precision, which shares no code with anyone.

States 0 .. n-1, moves left, stay, right, a disturbance of one cell with probability 1/20, ends that stop both. A
follower pays 2 a move, 3 times the squared distance from the middle, and 40 times the mass of its cell; gamma = 0.9.
These are the numbers that Bench-MFG ships as LasryLionsChain, at n = 7.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

MOVES, DISTURBANCES, CHANCES = (-1, 0, 1), (-1, 0, 1), (0.025, 0.95, 0.025)
MOVE_COST, PULL, CROWD, DISCOUNT = 2.0, 3.0, 40.0, 0.9


class Verdict(NamedTuple):
    """What a policy is worth against its own population.

    Attributes:
        exploitability: what the best deviation gains from that population, without entropy.
        consistency: l1 norm of mu P - mu of the population that was handed in; of an exact one some 1e-16.
    """

    exploitability: float
    consistency: float


def targets(size: int) -> np.ndarray:
    """Next states of (state, move, disturbance), (n, 3, 3)."""
    moved = np.arange(size)[:, None, None] + np.array(MOVES)[:, None] + np.array(DISTURBANCES)
    return np.clip(moved, 0, size - 1)


def reward(size: int, field: np.ndarray) -> np.ndarray:
    """Of (state, move), (n, 3)."""
    away = np.arange(size) - (size - 1) / 2.0
    return -MOVE_COST * np.abs(MOVES)[None, :] - (PULL * away**2 + CROWD * field)[:, None]


def scale(size: int) -> float:
    """What rewards differ by at the uniform mean field: the unit of relative targets."""
    return float(np.ptp(reward(size, np.full(size, 1.0 / size))))


def judge(policy: np.ndarray, field: np.ndarray) -> Verdict:
    """Exploitability against the stationary law of the policy itself, and how consistent the given mean field is.

    Args:
        policy: pi(a | s), (n, 3).
        field: the mean field that a solver returned, (n,).

    Returns:
        Both, in double precision.
    """
    policy = np.asarray(policy, dtype=float)
    policy = policy / policy.sum(axis=1, keepdims=True)
    field = np.asarray(field, dtype=float)
    chain = _chain(policy)
    law = _law(chain)
    rewards = reward(len(field), law)
    value = _value(chain, np.sum(policy * rewards, axis=1))
    best = _optimal_value(rewards)
    return Verdict(float(law @ (best - value)), float(np.sum(np.abs(chain.T @ field - field))))


def _chain(policy: np.ndarray) -> sp.csr_array:
    size = len(policy)
    weights = policy[:, :, None] * np.array(CHANCES)
    rows = np.repeat(np.arange(size), 9)
    return sp.csr_array((weights.ravel(), (rows, targets(size).ravel())), shape=(size, size))


def _value(chain: sp.csr_array, rewards: np.ndarray) -> np.ndarray:
    return spsolve(sp.csc_array(sp.eye_array(len(rewards)) - DISCOUNT * chain), rewards)


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


def _optimal_value(rewards: np.ndarray) -> np.ndarray:
    """Policy iteration without entropy."""
    size = len(rewards)
    ahead, value = targets(size), np.zeros(size)
    actions = np.argmax(rewards, axis=1)
    rows = np.arange(size)
    for _ in range(10 * size):
        value = _value(_chain(np.eye(3)[actions]), rewards[rows, actions])
        quality = rewards + DISCOUNT * value[ahead] @ np.array(CHANCES)
        better = np.max(quality, axis=1) - quality[rows, actions] > 1e-13 * np.max(np.abs(value))
        if not better.any():
            return value
        actions = np.where(better, np.argmax(quality, axis=1), actions)
    raise RuntimeError("policy iteration did not end")
