r"""The follower's problem of a game that lists its `successors`: tables of n A B k entries, never n x n.

The chain of both policies is a table of weights beside the table of the states they lead to. Where the successors are
the same for every action the table of states has one entry for all of them, and the weights are summed over it.
"""

from collections.abc import Callable
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.exact.compiling import jit
from smfg_verify.exact.follower import soft_answer
from smfg_verify.game import AbstractGame, compiled_for_game, mean_field_shape, over_indices
from smfg_verify.game.base import AnyArray, Scalar
from smfg_verify.game.compiling import OPTIMISED
from smfg_verify.policies import entropy, observed_rows


class Local(eqx.Module):
    """What an equilibrium depends on beside the game.

    Attributes:
        leader_policy: phi(b | o), (O, B).
        temperature: tau, in units of reward.
        targets: states that the moves lead to, (n, a, b, k); a and b are 1 where they do not depend on that action.
        shift: added to what each action is worth to the follower, (n, A), in units of reward: zero but where roundings
            of it are tried.
    """

    leader_policy: Float[Array, "O B"]
    temperature: Float[Array, ""]
    targets: Int[AnyArray, "n a b k"]
    shift: Float[AnyArray, "n A"]


class Answer(eqx.Module):
    """What follows from a mean field and a value; or its derivative.

    Attributes:
        weights: probability of each listed successor under both policies, (n, a, b, k), as the table of targets.
        policy: soft greedy policy, (n, A).
        updated: T V, (n,), in units of reward.
    """

    weights: Float[AnyArray, "n a b k"]
    policy: Float[AnyArray, "n A"]
    updated: Float[AnyArray, " n"]


def local_problem(game: AbstractGame, leader_policy: AnyArray, temperature: Scalar | None = None) -> Local:
    """A leader's policy with the game's moves, at the game's temperature or another."""
    tau = game.temperature if temperature is None else temperature
    shift = jnp.zeros((game.num_states, game.num_follower_actions))
    return Local(jnp.asarray(leader_policy), jnp.asarray(tau, dtype=float), jnp.asarray(listed_successors(game)), shift)


def listed_successors(game: AbstractGame) -> Int[np.ndarray, "n a b k"]:
    """States that the moves lead to; a and b are 1 where they do not depend on that action."""
    listed = np.asarray(_listed(game))
    for axis in (1, 2):
        first = np.take(listed, [0], axis=axis)
        listed = first if np.all(listed == first) else listed
    return listed


@compiled_for_game
def _listed(game: AbstractGame) -> Int[Array, "n A B k"]:
    return over_indices(game, lambda s, a, b: jnp.asarray(game.successors(s, a, b)))  # type: ignore[attr-defined]


def _answer(game: AbstractGame, local: Local, field: Float[Array, " M"], value: Float[Array, " n"]) -> Answer:
    quality, moves = _quality(game, local, field, value)
    rows = observed_rows(local.leader_policy, game.leader_observation)
    updated, policy = soft_answer(quality, game.discount * jnp.mean(value), local.temperature)
    return Answer(_joint(local, rows, policy, moves), policy, updated)


def _quality(game: AbstractGame, local: Local, field: Array, value: Array) -> tuple[Array, Array]:
    """What each action is worth, less that of the mean value ahead, and the moves."""
    shaped = field.reshape(mean_field_shape(game))
    moves = over_indices(game, lambda s, a, b: jnp.asarray(game.transition(s, a, b, shaped)))
    reward = over_indices(game, lambda s, a, b: jnp.asarray(game.follower_reward(s, a, b, shaped)))
    ahead = jnp.sum(moves * (value - jnp.mean(value))[local.targets], axis=-1)
    rows = observed_rows(local.leader_policy, game.leader_observation)
    return jnp.einsum("sb,sab->sa", rows, reward + game.discount * ahead) + local.shift, moves


def _joint(local: Local, rows: Array, policy: Array, moves: Array) -> Float[Array, "n a b k"]:
    """Probabilities of the listed successors under both policies, summed over actions that share their successors."""
    joint = policy[:, :, None, None] * rows[:, None, :, None] * moves
    shared = tuple(axis for axis in (1, 2) if local.targets.shape[axis] == 1)
    return jnp.sum(joint, axis=shared, keepdims=True)


@jit(OPTIMISED)
def expected_moves(game: AbstractGame, local: Local, field: Float[Array, " M"]) -> Float[Array, "n A b k"]:
    """Probability of each listed successor of every follower action, averaged over the leader's.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        field: mean field, flattened.

    Returns:
        The probabilities, summed over leader actions that share their successors, which leaves b = 1.
    """
    shaped = field.reshape(mean_field_shape(game))
    moves = over_indices(game, lambda s, a, b: jnp.asarray(game.transition(s, a, b, shaped)))
    weighted = observed_rows(local.leader_policy, game.leader_observation)[:, None, :, None] * moves
    return jnp.sum(weighted, axis=2, keepdims=True) if local.targets.shape[2] == 1 else weighted


@jit(OPTIMISED)
def rewards(game: AbstractGame, policy: Float[Array, "O B"], field: Float[Array, " M"]) -> Float[Array, "n A"]:
    """The follower's reward of each action, averaged over the leader's."""
    shaped = field.reshape(mean_field_shape(game))
    table = over_indices(game, lambda s, a, b: jnp.asarray(game.follower_reward(s, a, b, shaped)))
    return jnp.einsum("sb,sab->sa", observed_rows(policy, game.leader_observation), table)


@jit(OPTIMISED)
def all_rewards(game: AbstractGame, field: Float[Array, "..."]) -> Float[Array, "n A B"]:
    """The follower's reward at every state and pair of actions."""
    return over_indices(game, lambda s, a, b: jnp.asarray(game.follower_reward(s, a, b, field)))


def _under(game: AbstractGame, local: Local, policy: Array, field: Array) -> Float[Array, "n a b k"]:
    shaped = field.reshape(mean_field_shape(game))
    moves = over_indices(game, lambda s, a, b: jnp.asarray(game.transition(s, a, b, shaped)))
    return _joint(local, observed_rows(local.leader_policy, game.leader_observation), policy, moves)


@jit(OPTIMISED)
def weights_under(game: AbstractGame, local: Local, policy: Float[Array, "n A"], field: Float[Array, " M"]) -> Array:
    """The chain's weights of a policy that is held, (n, a, b, k) as the table of targets."""
    return _under(game, local, policy, field)


@jit(OPTIMISED)
def weights_along(game: AbstractGame, local: Local, policy: Array, field: Array, move: Array) -> Array:
    """Change of `weights_under` with a change of the mean field."""
    result: Array = jax.jvp(lambda field: _under(game, local, policy, field), (field,), (move,))[1]
    return result


@jit(OPTIMISED)
def quality_along(game: AbstractGame, local: Local, field: Array, value: Array, move: Array) -> Float[Array, "n A"]:
    """Change of what each action is worth, the value ahead held, with a change of the mean field."""
    result: Array = jax.jvp(lambda field: _quality(game, local, field, value)[0], (field,), (move,))[1]
    return result


@jit(OPTIMISED)
def answer_by_temperature(game: AbstractGame, local: Local, field: Array, value: Array) -> Answer:
    """Derivative of `answer` in the temperature."""

    def at(temperature: Array) -> Answer:
        return _answer(game, replace(local, temperature=temperature), field, value)

    result: Answer = jax.jvp(at, (local.temperature,), (jnp.ones_like(local.temperature),))[1]
    return result


@jit(OPTIMISED)
def answer(game: AbstractGame, local: Local, field: Float[Array, " M"], value: Float[Array, " n"]) -> Answer:
    r"""Soft Bellman step and the chain of its greedy policy: $P_\pi$, $\pi$ and $T V$.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        field: mean field, flattened.
        value: V, in units of reward.

    Returns:
        The chain's weights, the policy and the updated value.
    """
    return _answer(game, local, field, value)


# A linear function as JAX gives it to whoever applies it: a tree of its coefficients.
Linear = Callable[..., Answer]


@jit(OPTIMISED)
def answer_slope(game: AbstractGame, local: Local, field: Array, value: Array) -> Linear:
    """Derivative of `answer` at a point, as a function of changes of the leader's policy, mean field and value."""

    def moved(policy: Array, field: Array, value: Array) -> Answer:
        return _answer(game, replace(local, leader_policy=policy), field, value)

    result: Linear = jax.linearize(moved, local.leader_policy, field, value)[1]
    return result


@jax.jit
def along(slope: Linear, leader: Array, field: Array, value: Array) -> Answer:
    """Change of the answer along changes of the leader's policy, of the mean field and of the value."""
    return slope(leader, field, value)


@jit(OPTIMISED)
def answer_pull(game: AbstractGame, local: Local, field: Array, value: Array) -> Callable[..., tuple[Array, ...]]:
    """Transpose of `answer_slope`: slopes of a weighted sum in the leader's policy, the mean field and the value."""

    def moved(policy: Array, field: Array, value: Array) -> Answer:
        return _answer(game, replace(local, leader_policy=policy), field, value)

    result: Callable[..., tuple[Array, ...]] = jax.vjp(moved, local.leader_policy, field, value)[1]
    return result


@jax.jit
def pulled(pull: Callable[..., tuple[Array, ...]], weights: Answer) -> tuple[Array, ...]:
    """Slopes of a weighted sum of the answer's entries in the leader's policy, the mean field and the value."""
    return pull(weights)


class Sizes(eqx.Module):
    """Of what is rounded on the way to an answer.

    Attributes:
        reward: largest reward of an action of the follower in each state, (n,).
        lost: what the probabilities of the worst action miss of one in each state, (n,).
        turned: change of the chain's weights along each of D changes of the follower's policy, (D, n, a, b, k).
    """

    reward: Float[Array, " n"]
    lost: Float[Array, " n"]
    turned: Float[Array, "D n a b k"]


@jit(OPTIMISED)
def sizes(game: AbstractGame, local: Local, field: Float[Array, " M"], policies: Float[Array, "D n A"]) -> Sizes:
    """What is rounded at a mean field, and the chain's changes along changes of the follower's policy."""
    shaped = field.reshape(mean_field_shape(game))
    moves = over_indices(game, lambda s, a, b: jnp.asarray(game.transition(s, a, b, shaped)))
    reward = over_indices(game, lambda s, a, b: jnp.asarray(game.follower_reward(s, a, b, shaped)))
    rows = observed_rows(local.leader_policy, game.leader_observation)
    return Sizes(
        reward=jnp.max(jnp.abs(reward), axis=(1, 2)),
        lost=jnp.max(jnp.abs(jnp.sum(moves, axis=-1) - 1.0), axis=(1, 2)),
        turned=jax.vmap(lambda policy: _joint(local, rows, policy, moves))(policies),
    )


class LeaderSlopes(eqx.Module):
    """Slopes of a sum over states in what the leader's reward and the chain are made of.

    Attributes:
        by_leader: in the entries of the leader's policy, (O, B).
        by_follower: in those of the follower's, (n, A).
        by_field: in those of the mean field, flattened, (M,).
    """

    by_leader: Float[AnyArray, "O B"]
    by_follower: Float[AnyArray, "n A"]
    by_field: Float[AnyArray, " M"]


@jit(OPTIMISED)
def leader_reward(
    game: AbstractGame, local: Local, policy: Float[Array, "n A"], field: Float[Array, " M"]
) -> Float[Array, " n"]:
    r"""$r_{l,\pi} + \tau_l H(\phi)$ in each state, averaged over both policies."""
    return _leader_step(game, local, local.leader_policy, policy, field, jnp.zeros(game.num_states))


@jit(OPTIMISED)
def leader_size(
    game: AbstractGame, local: Local, policy: Float[Array, "n A"], field: Float[Array, " M"]
) -> Float[Array, " n"]:
    """The leader's rewards in modulus, averaged over both policies: what may cancel is rounded all the same."""
    shaped = field.reshape(mean_field_shape(game))
    reward = over_indices(game, lambda s, a, b: jnp.asarray(game.leader_reward(s, a, b, shaped)))
    rows = observed_rows(local.leader_policy, game.leader_observation)
    return jnp.einsum("sa,sb,sab->s", policy, rows, jnp.abs(reward))


@jit(OPTIMISED)
def leader_slopes(
    game: AbstractGame, local: Local, policy: Array, field: Array, value: Float[Array, " n"], visits: Float[Array, " n"]
) -> LeaderSlopes:
    r"""Partial derivatives of $\rho^T (I - \gamma P_\pi)^{-1} r_{l,\pi}$, from the leader's value and the visits.

    $d J_l = d^T (\mathrm{d} r_{l,\pi} + \gamma\, \mathrm{d} P_\pi V_l)$, d the expected discounted visits.
    """

    def total(leader: Array, follower: Array, field: Array) -> Float[Array, ""]:
        return visits @ _leader_step(game, local, leader, follower, field, value)

    return LeaderSlopes(*jax.grad(total, argnums=(0, 1, 2))(local.leader_policy, policy, field))


def _leader_step(
    game: AbstractGame, local: Local, leader: Array, policy: Array, field: Array, value: Array
) -> Float[Array, " n"]:
    """Reward of one period and the discounted value after it, in each state."""
    shaped = field.reshape(mean_field_shape(game))
    moves = over_indices(game, lambda s, a, b: jnp.asarray(game.transition(s, a, b, shaped)))
    reward = over_indices(game, lambda s, a, b: jnp.asarray(game.leader_reward(s, a, b, shaped)))
    rows = observed_rows(leader, game.leader_observation)
    ahead = game.discount * jnp.sum(moves * value[local.targets], axis=-1)
    return jnp.einsum("sa,sb,sab->s", policy, rows, reward + ahead) + game.leader_temperature * entropy(rows)
