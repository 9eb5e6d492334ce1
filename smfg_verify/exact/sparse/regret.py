"""What a follower without entropy gains by leaving a policy in a large game, by sparse factors."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from smfg_verify.exact.follower import MAX_ITERATIONS, TIE, Optimum, PolicyRegret, regret_between
from smfg_verify.exact.sparse.equations.chain import Discounted, discounted_by
from smfg_verify.exact.sparse.equations.coupled import moves_of_actions
from smfg_verify.exact.sparse.equations.local_moves import Local, all_rewards, rewards
from smfg_verify.exact.sparse.equations.places import Field, Vector
from smfg_verify.game import AbstractGame, mean_field_shape

Policy = Float[np.ndarray, "n A"]


class Problem(NamedTuple):
    """The follower's problem at a mean field.

    Attributes:
        moves: P(t | s, a), (n A, n); a state that is listed twice is two entries.
        reward: r(s, a), (n, A), in units of reward.
        discount: gamma.
    """

    moves: sp.csr_array
    reward: Policy
    discount: float

    def ahead(self, value: Vector) -> Policy:
        """$r + \\gamma P V$."""
        result: Policy = self.reward + self.discount * (self.moves @ value).reshape(self.reward.shape)
        return result

    def under(self, policy: Policy) -> Discounted:
        """$I - \\gamma P_\\pi$, factored."""
        pointers = np.arange(0, policy.size + 1, policy.shape[1])
        chosen = sp.csr_array((policy.ravel(), np.arange(policy.size), pointers))
        return discounted_by(sp.csr_array(chosen @ self.moves), self.discount)

    def value_of(self, policy: Policy) -> Vector:
        """$(I - \\gamma P_\\pi)^{-1} r_\\pi$."""
        return self.under(policy).solve(np.sum(policy * self.reward, axis=1))


def problem_at(game: AbstractGame, local: Local, field: Field) -> Problem:
    """The follower's problem at a mean field, flattened."""
    reward = np.asarray(rewards(game, local.leader_policy, jnp.asarray(field)))
    return Problem(moves_of_actions(game, local, field), reward, float(game.discount))


def policy_regret(game: AbstractGame, local: Local, field: Field, policy: Policy) -> PolicyRegret:
    """The bound of `follower.policy_regret`, from rewards less the middle of their range, see `kernel.centred`.

    Args:
        game: the game, prepared.
        local: leader's policy and moves.
        field: mean field, flattened.
        policy: pi(a | s), (n, A).

    Returns:
        The policy's value and what it lacks, (n,) each.
    """
    table = np.asarray(all_rewards(game, jnp.asarray(field.reshape(mean_field_shape(game)))))
    middle = 0.5 * np.max(table) + 0.5 * np.min(table)
    leader = np.asarray(local.leader_policy)[np.asarray(game.leader_observation)]
    reward = np.einsum("sb,sab->sa", leader, table - middle)
    problem = Problem(moves_of_actions(game, local, field), reward, float(game.discount))
    found = _centred_regret(problem, policy, float(np.max(np.abs(table - middle))), game.num_leader_actions)
    return found._replace(value=found.value + middle / (1.0 - problem.discount))


def _centred_regret(problem: Problem, policy: Policy, averaged: float, leader_actions: int) -> PolicyRegret:
    level = float(np.mean(problem.value_of(policy)))
    lowered = problem._replace(reward=problem.reward - (1.0 - problem.discount) * level)
    value = lowered.value_of(policy)
    listed = problem.moves.nnz // problem.moves.shape[0]
    sums = np.sum(problem.moves.data.reshape(-1, listed), axis=1)
    return regret_between(
        value,
        _optimal_value(lowered, value),
        updated=np.sum(policy * lowered.ahead(value), axis=1),
        level=level,
        lost=np.max(np.abs(sums - 1.0)),
        least=np.min(problem.moves.data),
        largest_reward=max(np.max(np.abs(lowered.reward)), averaged),
        terms=listed + policy.shape[1] + 2 * leader_actions,
        discount=problem.discount,
    )


def _optimal_value(problem: Problem, value: Vector) -> Optimum:
    """Policy iteration from the best answer to a value; wherever it ends, the excess bounds what is missing."""
    count = problem.reward.shape[1]
    actions = np.argmax(problem.ahead(value), axis=1)
    for _ in range(MAX_ITERATIONS):
        value = problem.value_of(np.eye(count)[actions])
        quality = problem.ahead(value)
        gain = np.max(quality, axis=1) - value
        # Actions that differ by rounding alone would take turns for ever.
        better = gain > TIE * (np.max(np.abs(value)) + np.max(np.abs(problem.reward)))
        if not np.any(better):
            break
        actions = np.where(better, np.argmax(quality, axis=1), actions)
    return Optimum(value, max(float(np.max(gain)), 0.0) / (1.0 - problem.discount))
