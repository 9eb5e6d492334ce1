"""Slopes of weighted sums of gradient entries at many leaders: one compiled program for Hessians and for alignment."""

import functools

import jax
import numpy as np
from jaxtyping import Float

from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.gradient.at_leaders import LeaderPoints
from smfg_verify.exact.gradient.curvature import weighted_gradient_slope
from smfg_verify.exact.gradient.held_field_slope import held_field_slope
from smfg_verify.game import AbstractGame


def gradient_slopes(
    game: AbstractGame,
    points: LeaderPoints,
    total_weights: Float[np.ndarray, "N O B"],
    direct_weights: Float[np.ndarray, "N O B"] | None = None,
) -> Float[np.ndarray, "N O B"]:
    r"""$\nabla_\omega (\langle g, u \rangle + \langle p, v \rangle)$ at every point, in batches of one compiled shape.

    Args:
        game: the game, traced.
        points: leaders at their equilibria.
        total_weights: u, of the total gradient g.
        direct_weights: v, of the direct part p; zero if None.

    Returns:
        The slopes; NaN where the equilibrium has not converged.
    """
    direct_weights = np.zeros_like(total_weights) if direct_weights is None else direct_weights
    at = (points.logits, points.mean_field, points.follower_value)
    return in_batches(functools.partial(_slopes, game), batch_size(game), *at, total_weights, direct_weights)


def held_field_slopes(
    game: AbstractGame, points: LeaderPoints, weights: Float[np.ndarray, "N O B"]
) -> Float[np.ndarray, "N O B"]:
    r"""$\nabla_\omega \langle p', v \rangle$ at every point, p' the part with the mean field alone held; as above.

    Args:
        game: the game, traced.
        points: leaders at their equilibria.
        weights: v.

    Returns:
        The slopes; NaN where the equilibrium has not converged.
    """
    at = (points.logits, points.mean_field, points.follower_value)
    return in_batches(functools.partial(_held_field_slopes, game), batch_size(game), *at, weights)


@jit_for_game
def _held_field_slopes(game: AbstractGame, *at: jax.Array) -> jax.Array:
    return jax.vmap(functools.partial(held_field_slope, game))(*at)


@jit_for_game
def _slopes(game: AbstractGame, *at: jax.Array) -> jax.Array:
    return jax.vmap(functools.partial(weighted_gradient_slope, game))(*at)
