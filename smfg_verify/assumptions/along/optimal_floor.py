r"""Floors of the follower's optimal policies at the leaders and mean fields of a run, proved point by point.

With $U = T V$, T the soft Bellman operator and V about its fixed point, $\|V - V^*\| \le e = \|U - V\| / (1 - \gamma)$
in the largest entry, and $\log\pi^*(a|s) = (Q^*(s,a) - V^*(s)) / \tau \ge (Q(s,a) - U(s) - 2 \gamma e) / \tau$.
"""

import numpy as np
import scipy.special
from jaxtyping import Float

from smfg_verify.assumptions.along.iterates import Iterates
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import AbstractGame

# Steps of soft policy iteration, which squares the error; what has not settled then has a wide bound.
_STEPS = 60
# Spacings by which each of the sums below is rounded at most, beside one for each of its terms.
_SPACING, _SPARE = 2.0**-50, 64.0
_DOWN = 1.0 - 1e-10


def optimal_floors(game: AbstractGame, iterates: Iterates) -> Float[np.ndarray, " N"]:
    r"""A lower bound of every entry of $\pi^*_{\phi_k, m_k}$ at each iterate; zero where none is proved.

    Args:
        game: the game, traced.
        iterates: N of them.

    Returns:
        The bounds, of the game as its tables are computed at these points.
    """
    gamma, tau = float(game.discount), float(game.temperature)
    tables = tables_at(game, iterates.mean_field.reshape(len(iterates.mean_field), -1))
    phi = scipy.special.softmax(iterates.leader_logits, axis=2)[:, np.asarray(game.leader_observation)]
    moves = np.einsum("ksb,ksabt->ksat", phi, tables["transition"])
    reward = np.einsum("ksb,ksab->ksa", phi, tables["follower_reward"])
    with np.errstate(all="ignore"):
        value = _value(reward, moves, gamma, tau)
        scores = reward + gamma * np.einsum("ksat,kt->ksa", moves, value)
        updated = tau * scipy.special.logsumexp(scores / tau, axis=2)
        size = _largest(reward) + 2.0 * _largest(value) + tau * (1.0 + np.log(reward.shape[2]))
        terms = _SPARE + moves.shape[3] + sum(tables["follower_reward"].shape[2:]) + _largest(iterates.leader_logits)
        rounding = _SPACING * terms * size
        contracts = gamma * np.max(np.sum(np.abs(moves), axis=3), axis=(1, 2)) * (1.0 + 1e-12)
        error = (_largest(updated - value) + rounding) / np.where(contracts < 1.0, 1.0 - contracts, 0.0)
        least = np.min(scores - updated[..., None], axis=(1, 2)) - 2.0 * (contracts * error + rounding)
        floors = _DOWN * np.exp(least / tau)
    return np.where(np.isfinite(floors), floors, 0.0)


def _largest(values: np.ndarray) -> Float[np.ndarray, " N"]:
    result: Float[np.ndarray, " N"] = np.max(np.abs(values.reshape(len(values), -1)), axis=1)
    return result


def _value(reward: np.ndarray, moves: np.ndarray, gamma: float, tau: float) -> Float[np.ndarray, "N n"]:
    """About the optimal value: whatever it is, the bound stands on its residual."""
    value = np.zeros(reward.shape[:2])
    identity = np.eye(reward.shape[1])
    for _ in range(_STEPS):
        logs = scipy.special.log_softmax((reward + gamma * np.einsum("ksat,kt->ksa", moves, value)) / tau, axis=2)
        policy = np.exp(logs)
        running = np.sum(policy * (reward - tau * logs), axis=2)
        value = np.linalg.solve(identity - gamma * np.einsum("ksa,ksat->kst", policy, moves), running[..., None])[
            ..., 0
        ]
    return value
