r"""How far a step of one player moves what the others track, at the iterates of a run: what its constants bound.

A constant v with $\|V' - V\| \le v\,|\Delta|_1$ over all moves of one row is met by $\frac12 span$ of the derivative
along the row, largest over rows and states: the extreme moves of unit length take from one entry and give to another.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.bounds.local.components import Components
from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.follower import differentiable_value, policy_value
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.objective import leader_value
from smfg_verify.exact.response import mean_field_response, setting_of
from smfg_verify.exact.response_jacobian import at_equilibria, on_tangents, tangent_basis
from smfg_verify.game import AbstractGame, traced
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import observed_rows, softmax_policy

# Points looked at together.
_BATCH = 64


class Moves(NamedTuple):
    """What points have in place of the constants of moves, largest over rows and states; NaN where a point has none.

    Attributes:
        follower_value: v: of V_f with follower's policy, leader's policy and mean field, (P,) each.
        leader_value: u: of V_l with the same.
        gap: g: of the root of the follower's gap, with leader's policy and mean field.
        equilibrium: L_mu: of the mean field of the equilibrium, with one row of the leader's policy.
    """

    follower_value: tuple[Float[AnyArray, "*P"], ...]
    leader_value: tuple[Float[AnyArray, "*P"], ...]
    gap: tuple[Float[AnyArray, "*P"], ...]
    equilibrium: Float[AnyArray, "*P"]


def moves_at(game: AbstractGame, points: Components, nothing: float) -> Moves:
    """Derivatives of values, gap and equilibrium at points.

    Args:
        game: one whose mean field is a law of states.
        points: iterates, (P, ...) each.
        nothing: a gap up to which is rounding, and has no root to speak of.

    Returns:
        Their sizes.
    """
    prepared = traced(game)
    size = batch_size(game, _BATCH)
    small = jnp.asarray(nothing)
    values = in_batches(lambda some: _of_values(prepared, some, small), size, points)
    equilibria = at_equilibria(prepared, points.leader_logits, points.mean_field)
    slopes = in_batches(
        lambda logits, fields: _of_response(prepared, logits, fields),
        size,
        np.asarray(points.leader_logits),
        equilibria.mean_field,
    )
    found = np.where(equilibria.converged, _equilibrium_moves(equilibria.response, np.asarray(slopes)), np.nan)
    return Moves(values[:3], values[3:6], values[6:], found)


@jit_for_game
def _of_values(game: AbstractGame, points: Components, nothing: Array) -> tuple[Array, ...]:
    return jax.vmap(lambda point: _of_values_at(game, point, nothing))(points)


def _of_values_at(game: AbstractGame, point: Components, nothing: Array) -> tuple[Array, ...]:
    leader, follower = softmax_policy(point.leader_logits), softmax_policy(point.follower_logits)
    field, gamma, tau = jnp.asarray(point.mean_field), game.discount, game.temperature

    def value(pi: Array, phi: Array, mu: Array) -> Array:
        return policy_value(
            follower_model(tabulate(game, mu), observed_rows(phi, game.leader_observation)), pi, gamma, tau
        )

    def own(pi: Array, phi: Array, mu: Array) -> Array:
        return leader_value(game, phi, pi, mu)

    def gap(phi: Array, mu: Array) -> Array:
        model = follower_model(tabulate(game, mu), observed_rows(phi, game.leader_observation))
        return jnp.dot(
            jnp.asarray(game.initial_distribution), differentiable_value(model, gamma, tau) - value(follower, phi, mu)
        )

    here = (follower, leader, field)
    slopes = [*jax.jacfwd(value, (0, 1, 2))(*here), *jax.jacfwd(own, (0, 1, 2))(*here)]
    size = gap(leader, field)
    root = 2.0 * jnp.sqrt(jnp.where(size > nothing, size, jnp.nan))
    return (*map(_steepest, slopes), *(_steepest(slope) / root for slope in jax.grad(gap, (0, 1))(leader, field)))


def _steepest(slope: Float[Array, "..."]) -> Float[Array, ""]:
    """Half the largest span along the last axis."""
    return 0.5 * jnp.max(jnp.max(slope, axis=-1) - jnp.min(slope, axis=-1))


@jit_for_game
def _of_response(game: AbstractGame, logits: Array, fields: Array) -> Array:
    def slope(omega: Array, field: Array) -> Array:
        result: Array = jax.jacfwd(lambda phi: mean_field_response(setting_of(game, phi), field))(softmax_policy(omega))
        return result

    return jax.vmap(slope)(logits, fields)


def _equilibrium_moves(
    responses: Float[np.ndarray, "P M M"], slopes: Float[np.ndarray, "P M O B"]
) -> Float[np.ndarray, " P"]:
    """Largest Euclidean move of the equilibrium as half a unit goes from one leader action to another in one row."""
    found = np.full(len(responses), np.nan)
    basis = tangent_basis(responses.shape[1])
    for p, (response, slope) in enumerate(zip(responses, slopes, strict=True)):
        if np.isfinite(response).all() and np.isfinite(slope).all():
            moved = slope[..., :, None] - slope[..., None, :]
            flat = basis.T @ moved.reshape(len(slope), -1)
            inner = np.linalg.solve(np.eye(basis.shape[1]) - on_tangents(response), flat)
            found[p] = 0.5 * np.max(np.linalg.norm(inner, axis=0), initial=0.0)
    return found
