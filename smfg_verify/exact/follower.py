"""The representative follower: soft best response and policy evaluation at a fixed leader and mean field."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact.kernel import FollowerModel
from smfg_verify.exact.population import chain, solve_linear
from smfg_verify.game.base import Scalar
from smfg_verify.policies import entropy
from smfg_verify.records.portable import Portable


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
    logits = (model.reward + discount * (model.transition @ (value - centre))) / temperature
    updated = discount * centre + temperature * jax.nn.logsumexp(logits, axis=-1)
    return updated, jax.nn.softmax(logits, axis=-1)


def best_response(
    model: FollowerModel,
    discount: Scalar,
    temperature: Scalar,
    *,
    tolerance: float = 1e-11,
    max_steps: int = 200,
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

    def norm(value: Array, residual: Array) -> Float[Array, ""]:
        return jnp.max(jnp.abs(residual)) / jnp.maximum(temperature, jnp.max(jnp.abs(value)))

    def step(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        value, residual, policy, count = carry
        value = value - solve_linear(jnp.eye(n) - discount * chain(policy, model.transition), residual)
        residual, policy = residual_of(value)
        return value, residual, policy, count + 1

    def unfinished(carry: tuple[Array, Array, Array, Array]) -> Bool[Array, ""]:
        value, residual, _, count = carry
        return (norm(value, residual) > 0.01 * tolerance) & (count < max_steps)

    start = jnp.zeros((n,))
    residual, policy = residual_of(start)
    value, residual, policy, count = jax.lax.while_loop(unfinished, step, (start, residual, policy, jnp.asarray(0)))
    size = norm(value, residual)
    return BestResponse(policy, value, size, size <= tolerance, count)


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
