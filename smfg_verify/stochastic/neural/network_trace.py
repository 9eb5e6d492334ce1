"""The record of a run with function approximation: the learned functions on a grid of positions, at the checkpoints."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int, UInt

from smfg_verify.exact.riccati import GaussianPolicy
from smfg_verify.records.portable import Portable
from smfg_verify.stochastic.neural.network_updates import Players


class NeuralTrace(Portable, eqx.Module):
    """A run at its checkpoints; row k of an array is the iterate after `iterations[k]` updates (0 is the start).

    Attributes:
        seeds: (seeds,).
        iterations: checkpoints, increasing, (C,).
        positions: where the learned functions are recorded, lengths, (m,).
        leader_policy: phi over targets, (seeds, C, B).
        policy_mean, policy_std: of the follower's action at the positions, lengths, (seeds, C, m).
        follower_value, leader_value: the critics at the positions, in units of reward, (seeds, C, m).
        field_mean, field_variance: of the mean field estimate, length and squared length, (seeds, C).
        diverged: whether anything a seed recorded or learned is not finite, (seeds,).
        players: the learned functions after the last iteration, leaves (seeds, ...).
    """

    seeds: UInt[np.ndarray, " seeds"]
    iterations: Int[np.ndarray, " C"]
    positions: Float[np.ndarray, " m"]
    leader_policy: Float[np.ndarray, "seeds C B"]
    policy_mean: Float[np.ndarray, "seeds C m"]
    policy_std: Float[np.ndarray, "seeds C m"]
    follower_value: Float[np.ndarray, "seeds C m"]
    leader_value: Float[np.ndarray, "seeds C m"]
    field_mean: Float[np.ndarray, "seeds C"]
    field_variance: Float[np.ndarray, "seeds C"]
    diverged: Bool[np.ndarray, " seeds"]
    players: Players

    def fitted_policy(self, mean: Float[ArrayLike, ""], variance: Float[ArrayLike, ""]) -> GaussianPolicy:
        """`fit_policy` of every seed and checkpoint, arrays (seeds, C)."""
        return fit_policy(self.positions, self.policy_mean, self.policy_std, mean, variance)


def normal_average(
    positions: Float[np.ndarray, " m"],
    values: Float[np.ndarray, "*k m"],
    mean: Float[ArrayLike, ""],
    variance: Float[ArrayLike, ""],
) -> Float[np.ndarray, "*k"]:
    """Average of functions given at positions, under the normal law of a mean and a variance restricted to them."""
    weights = np.exp(-0.5 * (positions - np.asarray(mean)) ** 2 / np.asarray(variance))
    result: Float[np.ndarray, "*k"] = values @ (weights / weights.sum())
    return result


def fit_policy(
    positions: Float[np.ndarray, " m"],
    policy_mean: Float[np.ndarray, "*k m"],
    policy_std: Float[np.ndarray, "*k m"],
    mean: Float[ArrayLike, ""],
    variance: Float[ArrayLike, ""],
) -> GaussianPolicy:
    """The linear policy nearest to any policy where a normal population stands.

    Args:
        positions: lengths, (m,).
        policy_mean, policy_std: of the action there, lengths, (..., m).
        mean: of the population, length.
        variance: of the population, squared length.

    Returns:
        Least-squares gain and offset of the policy's mean, and the average of its variance, under the population's law
        restricted to the positions, (...) each.
    """

    def average(values: np.ndarray) -> np.ndarray:
        return normal_average(positions, values, mean, variance)

    centre, level = average(positions), average(policy_mean)
    away = positions - centre
    gain = -average(policy_mean * away) / average(away**2)
    return GaussianPolicy(*map(jnp.asarray, (gain, -level - gain * centre, average(policy_std**2))))
