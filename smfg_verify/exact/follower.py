"""The representative follower: soft best response and policy evaluation at a fixed leader and mean field."""

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact import root
from smfg_verify.exact.kernel import FollowerModel
from smfg_verify.exact.population import chain, solve_linear
from smfg_verify.game.base import AnyArray, Scalar
from smfg_verify.policies import entropy
from smfg_verify.records.portable import Portable

# The iteration goes on until the residual is this much below what is accepted: near the solution one more step brings
# it down to rounding.
_MARGIN = 0.01
# Largest accepted residual of a soft optimum, relative to max(tau, max |V|).
ACCEPTED = root.TOLERANCE / _MARGIN
# Policy iteration takes few steps, but at a temperature near zero the policy changes one state at a time.
MAX_ITERATIONS = 200
# What one action has to be better by than another, relative to the values, to be taken in its place.
TIE = 1e-14
# What makes rows probabilities, as a game's checks have it.
_ROW_SUM, _LOWEST = 1e-9, -1e-12
# Roundings of a chain of elementary operations; a sum adds one for each term.
ROUNDINGS = 8.0


class BestResponse(Portable, eqx.Module):
    """A follower's soft optimum.

    Attributes:
        policy: pi*(a|s), (n, A).
        value: V*(s), (n,), in units of reward.
        residual: largest |V - T V|, relative to max(tau, max |V|).
        converged: whether the residual is below the tolerance asked for.
        iterations: Newton steps taken.
    """

    policy: Float[Array, "n A"]
    value: Float[Array, " n"]
    residual: Float[Array, ""]
    converged: Bool[Array, ""]
    iterations: Int[Array, ""]


def soft_bellman(
    model: FollowerModel, value: Float[Array, " n"], discount: Scalar, temperature: Scalar
) -> tuple[Float[Array, " n"], Float[Array, "n A"]]:
    r"""Soft Bellman operator and its greedy policy.

    $(T V)(s) = \tau \log \sum_a e^{Q(s,a)/\tau}$, $Q = r + \gamma P V$, $\pi = \mathrm{softmax}(Q / \tau)$.

    The value is centred before it meets the kernel: rows sum to one, so only the span of V, not its size of
    order 1/(1-gamma), is divided by the temperature, and no digits are lost to it.

    Args:
        model: the follower's problem.
        value: V, (n,), in units of reward.
        discount: gamma.
        temperature: tau, in units of reward.

    Returns:
        T V, (n,), and the policy, (n, A).
    """
    centre = jnp.mean(value)
    return soft_answer(model.reward + discount * (model.transition @ (value - centre)), discount * centre, temperature)


def soft_answer(
    quality: Float[Array, "n A"], offset: Scalar, temperature: Scalar
) -> tuple[Float[Array, " n"], Float[Array, "n A"]]:
    """Soft maximum of action values that are known up to an offset, and the policy that goes with it."""
    log_partition, policy = _log_partition(quality / temperature)
    return offset + temperature * log_partition, policy


@jax.custom_jvp
def _log_partition(logits: Float[Array, "n A"]) -> tuple[Float[Array, " n"], Float[Array, "n A"]]:
    """Logarithm of the sum of exponentials of each row, and its derivative, the softmax: from one set of exponentials.

    Apart, `logsumexp` and `softmax` give the same bits in three times as many operations, and half of the programs of
    the exact side are their derivatives.
    """
    largest = jnp.max(logits, axis=-1, keepdims=True)
    weights = jnp.exp(logits - largest)
    total = jnp.sum(weights, axis=-1, keepdims=True)
    return (jnp.log(total) + largest)[..., 0], weights / total


@_log_partition.defjvp
def _log_partition_jvp(
    primals: tuple[Array], tangents: tuple[Array]
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    (logits,), (change,) = primals, tangents
    log_partition, policy = _log_partition(logits)
    moved = jnp.sum(policy * change, axis=-1)
    return (log_partition, policy), (moved, policy * (change - moved[..., None]))


def best_response(
    model: FollowerModel,
    discount: Scalar,
    temperature: Scalar,
    *,
    tolerance: float = ACCEPTED,
    max_steps: int = MAX_ITERATIONS,
) -> BestResponse:
    r"""Soft optimal policy by soft policy iteration, which is Newton's method on $V = T V$.

    By the envelope theorem $\partial (V - T V)/\partial V = I - \gamma P_\pi$, so a Newton step evaluates the
    greedy policy; it converges monotonically from any start.

    Args:
        model: the follower's problem.
        discount: gamma.
        temperature: tau, in units of reward.
        tolerance: largest accepted residual, relative to max(tau, max |V|).
        max_steps: bound on the number of Newton steps.

    Returns:
        The optimum with its true residual.

    Source: soft policy iteration as in theory of entropy-regularised Markov decision processes (Geist et al. 2019).
    """
    n = model.reward.shape[0]

    def residual_of(value: Array) -> tuple[Array, Array]:
        updated, policy = soft_bellman(model, value, discount, temperature)
        return value - updated, policy

    def linearise(value: Array) -> tuple[Array, tuple[Array, Array]]:
        residual, policy = residual_of(value)
        return residual, (jnp.eye(n) - discount * chain(policy, model.transition), policy)

    equations = root.Equations(
        evaluate=lambda value: residual_of(value)[0],
        linearise=linearise,
        direction=lambda linear, residual: solve_linear(linear[0], residual),
        move=lambda search, step: search.point - step,
        norm=lambda residual, value: jnp.max(jnp.abs(residual)) / jnp.maximum(temperature, jnp.max(jnp.abs(value))),
    )
    # Whole steps: T is convex, so that they converge from anywhere, and halves of them would only be slower.
    start = root.unevaluated(jnp.zeros((n,)))
    found, (_, policy) = root.newton(equations, start, max_steps=max_steps, tolerance=_MARGIN * tolerance, damped=False)
    return BestResponse(policy, found.point, found.norm, found.norm <= tolerance, found.steps)


class Optimum(NamedTuple):
    """The best a follower can do without entropy.

    Attributes:
        value: of a deterministic policy, (n,), in units of reward.
        excess: bound on how far the optimal value is above it, in any state: max(T V - V) / (1 - gamma).
    """

    value: Float[AnyArray, " n"]
    excess: Scalar


def optimal_value(model: FollowerModel, discount: Scalar, near: Float[Array, " n"] | None = None) -> Optimum:
    r"""Value of the unregularised problem by policy iteration, $V = \max_a (r + \gamma P V)$.

    Args:
        model: the follower's problem.
        discount: gamma.
        near: value whose best actions are tried first, (n,), in units of reward; zero if None.

    Returns:
        The value, with a bound on what it lacks.

    Source: Howard 1960; the bound is that of a contraction of modulus gamma.
    """
    n = model.reward.shape[0]
    everywhere = jnp.arange(n)

    def evaluated(actions: Array, count: Array) -> tuple[Array, Array, Array, Array]:
        rows, reward = model.transition[everywhere, actions], model.reward[everywhere, actions]
        value = solve_linear(jnp.eye(n) - discount * rows, reward)
        quality = model.reward + discount * (model.transition @ value)
        gain = jnp.max(quality, axis=-1) - value
        # Actions that differ by rounding alone would take turns for ever.
        better = gain > TIE * (jnp.max(jnp.abs(value)) + jnp.max(jnp.abs(model.reward)))
        following = jnp.where(better, jnp.argmax(quality, axis=-1), actions)
        return following, value, jnp.max(gain), jnp.where(jnp.any(better), count + 1, MAX_ITERATIONS)

    first = model.reward if near is None else model.reward + discount * (model.transition @ near)
    start = evaluated(jnp.argmax(first, axis=-1), jnp.asarray(0))
    _, value, gain, _ = jax.lax.while_loop(
        lambda carry: carry[3] < MAX_ITERATIONS, lambda carry: evaluated(carry[0], carry[3]), start
    )
    return Optimum(value, jnp.maximum(gain, 0.0) / (1.0 - discount))


class PolicyRegret(NamedTuple):
    """What a follower without entropy may gain by leaving a policy.

    Attributes:
        value: of the policy, (n,), in units of reward.
        regret: bound on how far the optimal value is above it, rounding included, (n,) and not negative, in units of
            reward; NaN where rows of the transition are no probabilities, which no bound of a contraction covers.
    """

    value: Float[AnyArray, " n"]
    regret: Float[Array, " n"]


def lowered_to_span(
    model: FollowerModel, policy: Float[Array, "n A"], discount: Scalar, temperature: Scalar
) -> tuple[FollowerModel, Float[Array, ""]]:
    r"""The problem with rewards less one number, so that the policy's values have the mean zero.

    All values fall alike, to the size of their span. At their own, of order 1 / (1 - gamma), rounding would be divided
    by 1 - gamma once more where two are compared, and what looks like no gain at all may be one.

    Args:
        model: the follower's problem.
        policy: pi(a|s), (n, A).
        discount: gamma.
        temperature: tau, in units of reward.

    Returns:
        The problem and the mean of $V^\pi$; the rewards are lowered by $1 - \gamma$ times that.
    """
    level = jnp.mean(policy_value(model, policy, discount, temperature))
    return dataclasses.replace(model, reward=model.reward - (1.0 - discount) * level), level


def policy_regret(
    model: FollowerModel,
    policy: Float[Array, "n A"],
    discount: Scalar,
    *,
    averaged: Scalar = 0.0,
    leader_actions: int = 1,
) -> PolicyRegret:
    r"""$V^* - V^\pi$ of the unregularised problem, from above: $T V - V$ bounds what $V$ lacks, divided by 1 - gamma.

    Both values are those of `lowered_to_span`.

    Args:
        model: the follower's problem.
        policy: pi(a|s), (n, A).
        discount: gamma.
        averaged: largest of the rewards whose averages over the leader are the model's, in modulus: they round them.
        leader_actions: B.

    Returns:
        The policy's value and the bound.

    Source: Puterman 1994, Theorem 6.6.1 (bounds by the span); the granted rounding is ours.
    """
    lowered, level = lowered_to_span(model, policy, discount, 0.0)
    value = policy_value(lowered, policy, discount, 0.0)
    return regret_between(
        value,
        optimal_value(lowered, discount, value),
        updated=jnp.sum(policy * (lowered.reward + discount * (lowered.transition @ value)), axis=-1),
        level=level,
        lost=jnp.max(jnp.abs(jnp.sum(model.transition, axis=-1) - 1.0)),
        least=jnp.min(model.transition),
        largest_reward=jnp.maximum(jnp.max(jnp.abs(lowered.reward)), averaged),
        terms=sum(policy.shape) + 2 * leader_actions,
        discount=discount,
    )


def regret_between(
    value: Float[AnyArray, " n"],
    optimum: Optimum,
    *,
    updated: Float[AnyArray, " n"],
    level: Scalar,
    lost: Scalar,
    least: Scalar,
    largest_reward: Scalar,
    terms: int,
    discount: Scalar,
) -> PolicyRegret:
    r"""The bound of `policy_regret` from two values, by whatever they were found.

    Args:
        value: of the policy in the lowered problem, (n,), in units of reward.
        optimum: the best value there.
        updated: Bellman's equation of the policy at `value`, (n,).
        level: what all values were lowered by.
        lost: what the rows of the transition miss of one, at most.
        least: smallest probability.
        largest_reward: of the lowered problem and of what its rewards average, in modulus.
        terms: summed for one entry of Bellman's equation.
        discount: gamma.

    Returns:
        The policy's value and the bound.
    """
    lacking = jnp.maximum(jnp.max(value - updated), 0.0)
    largest = jnp.maximum(jnp.max(jnp.abs(value)), jnp.max(jnp.abs(optimum.value)))
    roundings = (ROUNDINGS + terms) * jnp.finfo(value.dtype).eps
    rounding = 2.0 * ((roundings + lost) * largest + roundings * largest_reward)
    regret = optimum.value - value + optimum.excess + (lacking + rounding) / (1.0 - discount)
    probable = (lost <= _ROW_SUM) & (least >= _LOWEST)
    # Whatever the two values are, no policy is better than the best.
    return PolicyRegret(level + value, jnp.where(probable, jnp.maximum(regret, 0.0), jnp.nan))


def differentiable_value(model: FollowerModel, discount: Scalar, temperature: Scalar) -> Float[Array, " n"]:
    r"""Value of the soft best response, differentiable three times in the model and the temperature.

    A Newton step taken from a solution has, by its quadratic convergence, one more exact derivative than the point
    it starts from doubled: from a constant one step gives the first derivative, two give the first three.

    Args:
        model: the follower's problem.
        discount: gamma.
        temperature: tau, in units of reward.

    Returns:
        V*, (n,), in units of reward; NaN where the soft policy iteration has not converged.
    """
    found = jax.lax.stop_gradient(best_response(*jax.lax.stop_gradient((model, discount, temperature))))
    value = jnp.where(found.converged, found.value, jnp.nan)
    for _ in range(2):
        updated, policy = soft_bellman(model, value, discount, temperature)
        system = jnp.eye(value.shape[0]) - discount * chain(policy, model.transition)
        value = value - solve_linear(system, value - updated)
    return value


def policy_value(
    model: FollowerModel,
    policy: Float[Array, "n A"],
    discount: Scalar,
    temperature: Scalar,
) -> Float[Array, " n"]:
    r"""Entropy-regularised value of a policy, $V = (I - \gamma P_\pi)^{-1} (r_\pi + \tau H(\pi))$.

    Args:
        model: the follower's problem.
        policy: pi(a|s), (n, A).
        discount: gamma.
        temperature: tau, in units of reward.

    Returns:
        V, (n,), in units of reward.
    """
    reward = jnp.sum(policy * model.reward, axis=-1) + temperature * entropy(policy)
    n = reward.shape[0]
    return solve_linear(jnp.eye(n) - discount * chain(policy, model.transition), reward)
