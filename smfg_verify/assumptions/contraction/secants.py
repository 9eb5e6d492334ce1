r"""Differences of the best-response map itself, beside the Jacobian that a local statement is made of.

A Jacobian at a kink is one of several, and one that a rule made wrong is none: it refutes nothing and supports
nothing until differences of the map, which know no rules, say the same.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.newton import respond, to_simplex
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import population_law
from smfg_verify.exact.precision import TINY
from smfg_verify.exact.response import mean_field_response, setting_of
from smfg_verify.exact.response_jacobian import LocalResponse, tangent_basis
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.base import Scalar
from smfg_verify.game.checks.differences import judge
from smfg_verify.policies import softmax_policy

# Lengths of one-sided differences, in mass; the map is known to about 1e-13.
_LENGTHS = (2.0**-18, 2.0**-14, 2.0**-10)
_DIRECTIONS = 2
# Relative to the steepest entry, what a slope may miss without a word.
_NEGLIGIBLE = 1e-5
# Half-length of the differences that a whole Jacobian is made of, in mass or of what there is of an entry.
_HALF = 2.0**-16
# What a number must keep from 1: the rounding of a Jacobian, of its equilibrium and of the check.
_ROUNDING = 1e-8
_LARGEST_BATCH = 16


class SecantJacobians(NamedTuple):
    r"""Central differences at one point, in an orthonormal basis of the tangents.

    Attributes:
        response: of $\Gamma$, (k, k).
        frozen: of the stationary law while the follower's policy is held, (k, k).
    """

    response: Float[np.ndarray, "k k"]
    frozen: Float[np.ndarray, "k k"]


def differentiable(game: AbstractGame, points: LocalResponse) -> Bool[np.ndarray, " N"]:
    r"""Whether one-sided differences of $\Gamma$ agree with its Jacobian along random tangents, at each point.

    Args:
        game: the game, traced.
        points: with their Jacobians.

    Returns:
        False at a kink, where a rule is wrong, where the map has no value nearby, and where a point has not converged.
    """
    number, size = points.mean_field.shape
    pull = np.random.default_rng(0).uniform(-1.0, 1.0, (_DIRECTIONS, 1, size))
    known = np.where(points.converged[:, None], points.mean_field, 1.0 / size)
    # Each entry moves in proportion to itself, so that all stay in the simplex.
    tangents = known * (pull - np.sum(known * pull, axis=2, keepdims=True))
    largest = np.max(np.abs(tangents), axis=2, keepdims=True)
    tangents = tangents / np.where(largest > 0.0, largest, 1.0)
    steps = np.array([*_LENGTHS, *(-h for h in _LENGTHS)])
    moved = known[None, None] + steps[:, None, None, None] * tangents
    images = _images(game, points, moved)[0]
    slopes = np.einsum("nij,dnj->dni", np.where(np.isfinite(points.response), points.response, 0.0), tangents)
    image = np.where(np.isfinite(points.image), points.image, 0.0)
    agrees = [[_agrees(image[k], slopes[d, k], images[:, d, k]) for d in range(_DIRECTIONS)] for k in range(number)]
    result: Bool[np.ndarray, " N"] = points.converged & np.all(agrees, axis=1)
    return result


def _agrees(here: np.ndarray, slope: np.ndarray, moved: np.ndarray) -> bool:
    half = len(_LENGTHS)
    found = judge(here, slope, moved[:half], moved[half:], np.array(_LENGTHS), (len(here),), _NEGLIGIBLE)
    return bool(found.finite) and not bool(np.any(found.miss > 0.0))


def secant_jacobians(game: AbstractGame, points: LocalResponse, index: int) -> SecantJacobians:
    """Both Jacobians of one point by central differences of the map, which no rule of differentiation reaches.

    Args:
        game: the game, traced.
        points: the points.
        index: which of them.

    Returns:
        The two matrices; NaN where the map has no value nearby.
    """
    field = points.mean_field[index]
    basis = tangent_basis(len(field)).T
    # From inside the simplex both ways are open; the shift is far below the differences' own error.
    inside = (1.0 - _HALF) * field + _HALF / len(field)
    half = 0.5 * np.min(inside / np.maximum(np.abs(basis), TINY), axis=1, keepdims=True)
    half = np.minimum(half, _HALF)
    moved = np.stack([inside + half * basis, inside - half * basis])
    one = LocalResponse(*(np.repeat(leaf[index : index + 1], len(basis), axis=0) for leaf in points))
    images = _images(game, one, moved)
    columns = [((image[0] - image[1]) / (2.0 * half)).T for image in images]
    response, frozen = (basis @ column for column in columns)
    return SecantJacobians(response, frozen)


def confirmed_above(value: float, secant: float) -> bool:
    """Whether a number above 1 and its secant stay above 1 by as much as they differ."""
    return bool(np.isfinite(secant) and min(value, secant) - abs(value - secant) > 1.0 + _ROUNDING)


def confirmed_below(value: float, secant: float) -> bool:
    """Whether a number below 1 and its secant stay below 1 by as much as they differ."""
    return bool(np.isfinite(secant) and max(value, secant) + abs(value - secant) < 1.0 - _ROUNDING)


def spectral_radius(matrix: Float[np.ndarray, "k k"]) -> float:
    """Largest modulus of an eigenvalue; NaN where an entry is not finite."""
    if not np.all(np.isfinite(matrix)):
        return float("nan")
    return float(np.max(np.abs(np.linalg.eigvals(matrix)), initial=0.0))


def _images(game: AbstractGame, points: LocalResponse, moved: Float[np.ndarray, "*k N M"]) -> tuple[np.ndarray, ...]:
    """Images of moved mean fields, with the follower free, and with its policy at the point held."""
    lead = moved.shape[:-2]

    def repeat(leaf: np.ndarray) -> np.ndarray:
        return np.broadcast_to(leaf, (*lead, *leaf.shape)).reshape(-1, *leaf.shape[1:])

    flat = moved.reshape(-1, moved.shape[-1])
    at = (repeat(points.logits), repeat(points.mean_field), flat, repeat(points.temperature))
    safe = tuple(np.where(np.isfinite(leaf), leaf, 0.0) for leaf in at)
    return tuple(image.reshape(moved.shape) for image in images_at(game, *safe))


def images_at(
    game: AbstractGame,
    logits: Float[np.ndarray, "N O B"],
    fields: Float[np.ndarray, "N M"],
    moved: Float[np.ndarray, "N M"],
    temperatures: Float[np.ndarray, " N"],
) -> tuple[np.ndarray, ...]:
    """Images of moved mean fields, with the follower free, and with its policy at the fields held, (N, M) each."""
    size = batch_size(game, _LARGEST_BATCH)
    found: tuple[np.ndarray, ...] = in_batches(
        lambda *batch: _evaluate(game, *batch), size, logits, fields, moved, temperatures
    )
    return found


@jit_for_game
def _evaluate(
    game: AbstractGame, logits: Array, fields: Array, moved: Array, temperatures: Array
) -> tuple[Array, Array]:
    def one(omega: Array, field: Array, away: Array, temperature: Scalar) -> tuple[Array, Array]:
        setting = setting_of(game, softmax_policy(omega), temperature)
        policy = respond(setting, to_simplex(field))[1].policy
        away = jnp.maximum(away, 0.0)
        model = follower_model(tabulate(game, away.reshape(mean_field_shape(game))), setting.leader_rows)
        return mean_field_response(setting, away), population_law(game, model, policy)

    return jax.vmap(one)(logits, fields, moved, temperatures)
