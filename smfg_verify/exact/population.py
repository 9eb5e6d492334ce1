"""The population's laws: the stationary distribution and the discounted occupancy measure."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.batching import one_at_a_time
from smfg_verify.exact.kernel import FollowerModel
from smfg_verify.exact.stationary import stationary_distribution as stationary_distribution
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Scalar


def chain(policy: Float[Array, "n A"], transition: Float[Array, "n A n"]) -> Float[Array, "n n"]:
    r"""Markov chain of a policy, $P_\pi(s' | s) = \sum_a \pi(a|s) P(s' | s, a)$, rows are current states."""
    return jnp.einsum("sa,sat->st", policy, transition)


def solve_linear(matrix: Float[Array, "k k"], right: Float[Array, " k"]) -> Float[Array, " k"]:
    """Solve a square system by LU with one step of iterative refinement; a singular matrix gives non-finite numbers.

    Not `lineax.linear_solve`: the rule that differentiates it raises on non-finite numbers whatever `throw` says,
    and an unconverged equilibrium must come out as NaN.
    """
    result: Float[Array, " k"] = jax.lax.custom_linear_solve(
        lambda x: matrix @ x,
        right,
        solve=lambda _, b: _refined_solve(matrix, b),
        transpose_solve=lambda _, b: _refined_solve(matrix.T, b),
    )
    return result


@one_at_a_time
def _refined_solve(matrix: Float[Array, "k k"], right: Float[Array, " k"]) -> Float[Array, " k"]:
    factor = jax.scipy.linalg.lu_factor(matrix)
    first = jax.scipy.linalg.lu_solve(factor, right)
    result: Float[Array, " k"] = first + jax.scipy.linalg.lu_solve(factor, right - matrix @ first)
    return result


def discounted_occupancy(
    transition: Float[Array, "n n"], initial: Float[Array, " n"], discount: Scalar
) -> Float[Array, " n"]:
    r"""Discounted occupancy measure $d = (1 - \gamma) \rho^T (I - \gamma P)^{-1}$.

    Args:
        transition: P(s' | s), (n, n).
        initial: rho, (n,).
        discount: gamma in [0, 1).

    Returns:
        (n,), sums to one.
    """
    n = transition.shape[0]
    return solve_linear(jnp.eye(n) - discount * transition.T, (1.0 - discount) * initial)


def population_law(game: AbstractGame, model: FollowerModel, policy: Float[Array, "n A"]) -> Float[Array, " M"]:
    """Law of a population that follows a policy for ever: stationary, on states or on state-action pairs (flattened).

    Args:
        game: tells the support of the mean field.
        model: the follower's problem, at a mean field that is held fixed.
        policy: pi(a|s), (n, A).

    Returns:
        (M,); NaN when the chain has more than one recurrent class.
    """
    states = stationary_distribution(chain(policy, model.transition))
    return states if game.mean_field_support == "states" else (states[:, None] * policy).ravel()


def lost_to_underflow(game: AbstractGame, model: FollowerModel, policy: Float[Array, "n A"]) -> Float[Array, " M"]:
    """How far moves that are possible, but whose rate no float holds, may move the law.

    A softmax far below the scale of values gives zero where the rate is e^-800. That matters only where the states left
    at such rates are the ones that set the law, which then comes out of rates that are none.

    Args:
        game: tells the support of the mean field.
        model: the follower's problem.
        policy: pi(a|s), (n, A).

    Returns:
        (M,): the law's change when each such rate is the least float instead.
    """
    rates = chain(policy, model.transition)
    possible = jnp.any(model.transition > 0.0, axis=1)
    least = jnp.where(possible, jnp.maximum(rates, jnp.finfo(rates.dtype).tiny), rates)

    def change_of_law() -> Array:
        laws = jax.vmap(stationary_distribution)(jnp.stack([rates, least]))
        return jnp.abs(laws[1] - laws[0])

    change: Array = jax.lax.cond(jnp.any(least != rates), change_of_law, lambda: jnp.zeros_like(rates[0]))
    return change if game.mean_field_support == "states" else (change[:, None] * policy).ravel()
