r"""What gradient domination compares, at one follower policy, leader and mean field; nothing here judges."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from smfg_verify.assumptions.search import into_box, simplex_of
from smfg_verify.exact.batching import in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.follower import differentiable_value, policy_value
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.exact.population import chain, discounted_occupancy
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.array_module import array_module
from smfg_verify.game.base import AnyArray, Scalar
from smfg_verify.policies import observed_rows, softmax_policy

# Seven digits of a gap are left where it is so many times the error of the values that it is a difference of.
_SEVEN_DIGITS = 1e7
PROPERTY = "gradient-domination"
# A ratio is taken only where the two log-policies differ by this many times their rounding error: near the optimum
# gap and squared gradient are both squares of that difference, so eight of their digits hold.
RESOLUTION = 1e8
_BATCH = 64


class FollowerPoints(NamedTuple):
    """Follower policies, leaders and mean fields, by their parameters; the first axis (N) counts them.

    Attributes:
        follower_logits: theta, (N, n, A).
        leader_logits: omega, (N, O, B).
        mean_field: (N, n) or (N, n, A).
    """

    follower_logits: Float[np.ndarray, "N n A"]
    leader_logits: Float[np.ndarray, "N O B"]
    mean_field: Float[np.ndarray, "N ..."]

    def at(self, index: int | slice | np.ndarray) -> "FollowerPoints":
        """The points an index, slice or mask selects."""
        return FollowerPoints(*(leaf[index] for leaf in self))


class DominationMeasures(NamedTuple):
    r"""Gradient and gap of $J_f(\theta) = \rho^T V^{\pi_\theta}$ at fixed leader and mean field.

    Scalars of JAX where one point is traced, arrays (N,) of NumPy where many are evaluated.

    Attributes:
        squared_norm: $\|\nabla_\theta J_f\|^2$.
        gap: $J_f^* - J_f$ in the form $\frac{\tau}{1-\gamma} \sum_s d^\pi(s) KL(\pi \| \pi^*)$, which cancels nothing.
        value_gap: $\rho^T (V^* - V^\pi)$, the same from the values.
        value_gap_error: rounding error to be expected of `value_gap`.
        mei_constant: $C(\theta) = \frac{2\tau}{n} \min\rho\, \min\pi^2 / \max_s (d^*(s) / d(s))$.
        optimal_probability: smallest entry of $\pi^*$.
        resolved: whether the gap is well above its own rounding error.
    """

    squared_norm: Float[AnyArray, "*N"]
    gap: Float[AnyArray, "*N"]
    value_gap: Float[AnyArray, "*N"]
    value_gap_error: Float[AnyArray, "*N"]
    mei_constant: Float[AnyArray, "*N"]
    optimal_probability: Float[AnyArray, "*N"]
    resolved: Bool[AnyArray, "*N"]

    @property
    def ratio(self) -> Float[AnyArray, "*N"]:
        r"""$\|\nabla_\theta J_f\|^2 / (J_f^* - J_f)$; NaN where the gap is within its rounding error."""
        with np.errstate(all="ignore"):
            ratio: AnyArray = array_module(self.gap).where(self.resolved, self.squared_norm / self.gap, np.nan)
            return ratio

    @property
    def mei_ratio(self) -> Float[AnyArray, "*N"]:
        r"""$\|\nabla_\theta J_f\|^2 / (C(\theta) (J_f^* - J_f))$, at least one by the theorem."""
        with np.errstate(all="ignore"):
            return self.ratio / self.mei_constant

    @property
    def identity_error(self) -> Float[AnyArray, "*N"]:
        """Relative difference of the two forms of the gap; NaN where the values may cancel to seven digits."""
        xp = array_module(self.gap)
        with np.errstate(all="ignore"):
            difference = xp.abs(self.gap - self.value_gap) / self.gap
            error: AnyArray = xp.where(self.gap > _SEVEN_DIGITS * self.value_gap_error, difference, np.nan)
            return error


def domination_measures(
    game: AbstractGame, theta: Float[Array, "n A"], omega: Float[Array, "O B"], mean_field: Float[Array, "..."]
) -> DominationMeasures:
    """Gradient, gap and Mei et al.'s constant at one point, differentiable once in all three arguments.

    Args:
        game: the game, traced.
        theta: follower's logits.
        omega: leader's logits.
        mean_field: (n,) or (n, A).

    Returns:
        The measures; NaN where the follower's problem was not solved.
    """
    gamma, tau = game.discount, game.temperature
    rho = jnp.asarray(game.initial_distribution)
    model = follower_model(tabulate(game, mean_field), observed_rows(softmax_policy(omega), game.leader_observation))
    best = differentiable_value(model, gamma, tau)
    log_best = jax.nn.log_softmax(_centred_q(model, best, gamma) / tau)
    log_policy = jax.nn.log_softmax(theta)
    policy = jnp.exp(log_policy)
    value = policy_value(model, policy, gamma, tau)
    soft_q = _centred_q(model, value, gamma) - tau * log_policy
    advantage = soft_q - jnp.sum(policy * soft_q, axis=-1, keepdims=True)
    visits = discounted_occupancy(chain(policy, model.transition), rho, gamma)
    best_visits = discounted_occupancy(chain(jnp.exp(log_best), model.transition), rho, gamma)
    difference = log_policy - log_best
    # Every term is non-negative, since both policies sum to one.
    divergence = jnp.sum(policy * (difference + jnp.expm1(-difference)), axis=-1)
    gap = tau / (1.0 - gamma) * jnp.sum(visits * divergence)
    constant = 2.0 * tau / game.num_states * jnp.min(rho) * jnp.min(policy) ** 2 / jnp.max(best_visits / visits)
    rounding = jnp.finfo(gap.dtype).eps
    log_error = rounding * (1.0 + jnp.max(jnp.abs(best - jnp.mean(best))) / tau - jnp.min(log_policy))
    return DominationMeasures(
        squared_norm=jnp.sum((visits[:, None] * policy * advantage) ** 2) / (1.0 - gamma) ** 2,
        gap=gap,
        value_gap=jnp.dot(rho, best - value),
        value_gap_error=rounding * jnp.maximum(jnp.max(jnp.abs(best)), jnp.max(jnp.abs(value))) / (1.0 - gamma),
        mei_constant=constant,
        optimal_probability=jnp.exp(jnp.min(log_best)),
        resolved=gap > tau / (1.0 - gamma) * 0.5 * (RESOLUTION * log_error) ** 2,
    )


def _centred_q(model: FollowerModel, value: Float[Array, " n"], discount: Scalar) -> Float[Array, "n A"]:
    """Action values up to a constant: rows of the kernel sum to one, so the mean of V shifts every entry alike."""
    return model.reward + discount * (model.transition @ (value - jnp.mean(value)))


def evaluate_points(game: AbstractGame, points: FollowerPoints) -> DominationMeasures:
    """Measures at every point, as NumPy arrays (N,), in batches of one compiled shape.

    Args:
        game: the game, traced.
        points: N of them.

    Returns:
        The measures, NaN where the follower's problem was not solved.
    """
    result: DominationMeasures = in_batches(functools.partial(_evaluate, game), _BATCH, *points)
    return result


@jit_for_game
def _evaluate(game: AbstractGame, thetas: Array, omegas: Array, mean_fields: Array) -> DominationMeasures:
    return jax.vmap(domination_measures, in_axes=(None, 0, 0, 0))(game, thetas, omegas, mean_fields)


def log_ratio(game: AbstractGame, parameter: Float[Array, " D"], mei_weight: Float[Array, ""]) -> Float[Array, ""]:
    r"""Objective of the worst-case search, $\log(\|\nabla J_f\|^2 / gap) - w \log C(\theta)$, w = 0 or 1.

    A logarithm, because the ratio falls by orders of magnitude where a policy saturates.

    Args:
        game: the game, traced.
        parameter: unbounded, see `unpack`.
        mei_weight: w.

    Returns:
        A scalar; NaN where the gap is within its rounding error.
    """
    measures = domination_measures(game, *map(jnp.asarray, unpack(game, parameter)))
    value = jnp.log(measures.squared_norm) - jnp.log(measures.gap) - mei_weight * jnp.log(measures.mei_constant)
    return jnp.where(measures.resolved, value, jnp.nan)


def unpack(game: AbstractGame, parameter: Float[AnyArray, " D"]) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Follower's logits, leader's logits (both in the box) and interior mean field of an unbounded parameter (D,)."""
    shape = mean_field_shape(game)
    theta_size = game.num_states * game.num_follower_actions
    field_size = int(np.prod(shape))
    theta = into_box(parameter[:theta_size]).reshape(game.num_states, game.num_follower_actions)
    omega = into_box(parameter[theta_size:-field_size]).reshape(-1, game.num_leader_actions)
    return theta, omega, simplex_of(parameter[-field_size:]).reshape(shape)
