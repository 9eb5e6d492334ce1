"""The vectors whose squared norms are the residuals, expanded to second order about a limit point."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.bounds.local.components import Components
from smfg_verify.bounds.local.mean_dynamics import mean_dynamics_at
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.residual import Point
from smfg_verify.exact.follower import differentiable_value, policy_value, soft_bellman
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.exact.gradient.curvature import objective_through
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.exact.objective import leader_value
from smfg_verify.exact.population import chain, discounted_occupancy
from smfg_verify.game import AbstractGame
from smfg_verify.policies import observed_rows, softmax_policy

# Residual to the name of the vector whose squared norm it is; policy_gap is no square.
SQUARED = {"e_omega": "gradient", "e_theta": "follower", "e_mu": "mean_field", "e_Vf": "V_f", "e_Vl": "V_l"}


@dataclasses.dataclass(frozen=True)
class Moments:
    """Mean and covariance of a vector r(x), to first and second order in the step scale.

    Attributes:
        value: r(x*).
        shifts: coefficients of the mean.
        covariances: coefficients of the covariance.
    """

    value: np.ndarray
    shifts: tuple[np.ndarray, np.ndarray]
    covariances: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(
        cls, expansion: "Expansion", name: str, basis: np.ndarray, orders: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> "Moments":
        """From the moments of the iterate: pairs of (covariance in the movable directions, mean)."""
        slope = expansion.slope[name].T
        nothing = np.zeros(len(slope))
        curved = expansion.curved.get(name, (nothing, nothing))
        shifts = [slope @ (basis.T @ mean) + 0.5 * curve for (_, mean), curve in zip(orders, curved, strict=True)]
        covariances = [slope @ covariance @ slope.T for covariance, _ in orders]
        return cls(expansion.value[name], tuple(shifts), tuple(covariances))

    @property
    def limit(self) -> float:
        return float(np.sum(self.value**2))

    @property
    def slopes(self) -> tuple[float, float]:
        """Coefficients of the mean of the squared norm; at the second order only what follows from `lags`."""
        pairs = zip(self.shifts, self.covariances, strict=True)
        first, second = (float(2.0 * self.value @ shift + np.trace(spread)) for shift, spread in pairs)
        return first, second


class Expansion(NamedTuple):
    """Vectors r(x) at the limit point, by name, and their derivatives.

    Attributes:
        value: r(x*), (K,) each.
        slope: derivatives along the movable directions, (R, K).
        curved: r''[S] and r''[S'], (K,) each, of the vectors that are not zero at the limit point; of the others
            no second derivative enters a squared norm.
    """

    value: dict[str, np.ndarray]
    slope: dict[str, np.ndarray]
    curved: dict[str, tuple[np.ndarray, np.ndarray]]


def expansion_at(
    game: AbstractGame,
    iterate: Components,
    basis: Float[np.ndarray, "N R"],
    covariances: tuple[Float[np.ndarray, "R R"], Float[np.ndarray, "R R"]],
) -> Expansion:
    """Expand about an iterate, unchecked.

    Args:
        game: the game, traced.
        iterate: a zero of the mean dynamics.
        basis: movable directions.
        covariances: S and S' in these directions.

    Returns:
        Values and derivatives; non-finite where the equilibrium was not found or is not locally unique.
    """
    # The equilibrium that the residuals refer to: the one found from the uniform mean field.
    leader = evaluate_leaders(game, np.asarray(iterate.leader_logits)[None])
    equilibrium = Point(jnp.ravel(jnp.asarray(leader.mean_field[0])), jnp.asarray(leader.follower_value[0]))
    columns = np.concatenate([basis @ square_root(covariance) for covariance in covariances], axis=1)
    parts = _derivatives(game, iterate, equilibrium, jnp.asarray(basis.T), jnp.asarray(columns.T))
    value, slope, second = jax.tree.map(np.asarray, parts)
    half = basis.shape[1]
    curved = {name: (rows[:half].sum(axis=0), rows[half:].sum(axis=0)) for name, rows in second.items()}
    return Expansion(value, slope, curved)


@jit_for_game
def _derivatives(
    game: AbstractGame,
    iterate: Components,
    equilibrium: Point,
    basis: Float[Array, "R N"],
    columns: Float[Array, "C N"],
) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Vectors, their derivatives along the basis, and the second derivatives of some along each column."""
    flat, unravel = jax.flatten_util.ravel_pytree(iterate)

    def curved(x: Array) -> dict[str, Array]:
        return _curved_vectors(game, unravel(x), equilibrium)

    def vectors(x: Array) -> dict[str, Array]:
        return {**curved(x), **_exact_vectors(game, unravel(x), iterate)}

    def second(column: Array) -> dict[str, Array]:
        def slope(x: Array) -> dict[str, Array]:
            result: dict[str, Array] = jax.jvp(curved, (x,), (column,))[1]
            return result

        result: dict[str, Array] = jax.jvp(slope, (flat,), (column,))[1]
        return result

    # One direction at a time: a program as small as that of one derivative.
    value, push = jax.linearize(vectors, flat)
    return value, jax.lax.map(push, basis), jax.lax.map(second, columns)


def _curved_vectors(game: AbstractGame, iterate: Components, equilibrium: Point) -> dict[str, Array]:
    """The mean dynamics, and those vectors behind the residuals that need not be zero at a limit point."""
    gradient, field = _gradient_and_field(game, iterate.leader_logits, equilibrium)
    vectors = {
        "mean_dynamics": jax.flatten_util.ravel_pytree(mean_dynamics_at(game, iterate))[0],
        "gradient": gradient,
        # The gradient in logits is the policy times the advantage, and the limit is interior.
        "advantage": gradient / softmax_policy(iterate.leader_logits),
        "mean_field": jnp.ravel(iterate.mean_field) - field,
    }
    return {name: jnp.ravel(vector) for name, vector in vectors.items()}


def _exact_vectors(game: AbstractGame, iterate: Components, limit: Components) -> dict[str, Array]:
    """The vectors that vanish at every limit point: the follower's distance from its optimum, the critics' errors."""
    leader, follower = softmax_policy(iterate.leader_logits), softmax_policy(iterate.follower_logits)
    model = follower_model(tabulate(game, iterate.mean_field), observed_rows(leader, game.leader_observation))
    return {
        "follower": jnp.ravel(_follower_distance(game, model, iterate, limit)),
        "V_f": iterate.follower_critic - policy_value(model, follower, game.discount, game.temperature),
        "V_l": iterate.leader_critic - leader_value(game, leader, follower, iterate.mean_field),
    }


def _gradient_and_field(game: AbstractGame, logits: Float[Array, "O B"], equilibrium: Point) -> tuple[Array, Array]:
    """grad Phi and mu*, differentiable in the logits about those that the known equilibrium belongs to."""
    result: tuple[Array, Array] = jax.grad(
        lambda omega: objective_through(game, omega, omega, equilibrium), has_aux=True
    )(logits)
    return result


def _follower_distance(
    game: AbstractGame, model: FollowerModel, iterate: Components, limit: Components
) -> Float[Array, "n A"]:
    r"""A vector whose squared norm is the optimality gap to second order about the soft optimum.

    The gap is $\frac{\tau}{1-\gamma} \sum_s d(s) KL(\pi \| \pi^*)$, and $KL \approx \tfrac12 \sum_a \pi(a)
    (\log\pi(a) - \log\pi^*(a))^2$; the weights are taken at the limit, where what they multiply is zero.
    """
    optimum = differentiable_value(model, game.discount, game.temperature)
    greedy = soft_bellman(model, optimum, game.discount, game.temperature)[1]
    fixed = jax.lax.stop_gradient((softmax_policy(limit.follower_logits), model))
    initial = jnp.asarray(game.initial_distribution)
    occupancy = discounted_occupancy(chain(fixed[0], fixed[1].transition), initial, game.discount)
    weights = 0.5 * game.temperature / (1.0 - game.discount) * occupancy[:, None] * fixed[0]
    return jnp.sqrt(weights) * (jax.nn.log_softmax(iterate.follower_logits) - jnp.log(greedy))


def square_root(matrix: Float[np.ndarray, "R R"]) -> Float[np.ndarray, "R R"]:
    """Columns whose outer products add up to a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    result: Float[np.ndarray, "R R"] = vectors * np.sqrt(np.maximum(values, 0.0))
    return result
