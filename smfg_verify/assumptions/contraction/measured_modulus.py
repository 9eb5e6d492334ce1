r"""The worst tangent norm of $D\Gamma$ over leaders and mean fields, by sampling and ascent."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from smfg_verify.assumptions.search import into_box, minimise, mixed_starts, out_of_box, simplex_of, slopes_of
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.precision import TINY
from smfg_verify.exact.response import response_jacobian, setting_of
from smfg_verify.exact.response_jacobian import (
    at_mean_fields,
    field_size,
    steepest_pair,
    tangent_basis,
    tangent_norms,
)
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import softmax_policy

# Of Dirichlet laws: spread out, concentrated.
_CONCENTRATIONS = (1.0, 0.2)
_MOST_SAMPLES = 256
_MOST_STARTS = 8
_MOST_STEPS = 60
# Half-length of the secant that confirms a tangent norm, in mass.
_SECANT = 1e-4
_INWARD = 1e-4
# l1 error of the difference of two images, by the tolerance of the best response and the roundings of a law.
IMAGE_ERROR = 1e-12


class Sought(NamedTuple):
    r"""What a search climbs, one entry a start: the tangent l1 norm of $D\Gamma$, or its growth in a weighted norm.

    Attributes:
        temperature: tau, (K,), in units of reward.
        growth: whether it is the growth, (K,): one program serves both.
        left: the weighted norm's frame, see `one_sided.growth`; (K, k, M).
        right: (K, M, k).
    """

    temperature: Float[AnyArray, "*K"]
    growth: Bool[AnyArray, "*K"]
    left: Float[AnyArray, "*K k M"]
    right: Float[AnyArray, "*K M k"]


class WorstModulus(NamedTuple):
    """Where the largest tangent norm, or growth, was found.

    Attributes:
        value: the number; NaN where no point gave one.
        logits: (O, B). mean_field: flattened, (M,).
        searched: what was looked at.
        curve: best value so far of the ascent after 0, 1, ... steps.
        points: ends of the ascents, (K, D), in the search's coordinates.
    """

    value: float
    logits: Float[np.ndarray, "O B"]
    mean_field: Float[np.ndarray, " M"]
    searched: dict[str, int]
    curve: Float[np.ndarray, " T"]
    points: Float[np.ndarray, "K D"]


def negative_size(game: AbstractGame, point: Float[Array, " D"], sought: Sought) -> Float[Array, ""]:
    """Minus the tangent l1 norm or the growth of D Gamma, at unbounded coordinates of (leader's logits, mean field)."""
    logits, field = _coordinates(game, point)
    setting = setting_of(game, softmax_policy(logits), jnp.asarray(sought.temperature))
    response = response_jacobian(setting, jnp.asarray(field))
    columns = response.T
    modulus = 0.5 * jnp.max(jnp.sum(jnp.abs(columns[:, None, :] - columns[None, :, :]), axis=-1))
    framed = sought.left @ response @ sought.right
    growth = jnp.linalg.eigvalsh(0.5 * (framed + framed.T), symmetrize_input=False)[-1]
    return -jnp.where(sought.growth, growth, modulus)


def moduli(game: AbstractGame, temperatures: Float[np.ndarray, " K"]) -> Sought:
    """The tangent norm at so many temperatures."""
    basis = tangent_basis(field_size(game))
    return sought_at(temperatures, False, basis.T, basis)


def sought_at(
    temperatures: Float[np.ndarray, " K"], growth: bool, left: Float[np.ndarray, "k M"], right: Float[np.ndarray, "M k"]
) -> Sought:
    """The same thing sought from every start."""
    number = len(temperatures)
    frames = (np.broadcast_to(part, (number, *part.shape)) for part in (left, right))
    return Sought(*map(jax.device_put, (temperatures, np.full(number, growth), *frames)))


def _coordinates(
    game: AbstractGame, points: Float[AnyArray, "*N D"]
) -> tuple[Float[AnyArray, "*N O B"], Float[AnyArray, "*N M"]]:
    size = field_size(game)
    logits = into_box(points[..., :-size]).reshape(*points.shape[:-1], -1, game.num_leader_actions)
    return logits, simplex_of(points[..., -size:])


def as_points(logits: Float[np.ndarray, "N O B"], fields: Float[np.ndarray, "N M"]) -> Float[np.ndarray, "N D"]:
    """Unbounded coordinates of leaders and mean fields; what lies at the edge is moved inside the search's box."""
    logarithms = np.log(np.maximum(fields, TINY))
    centred = logarithms - 0.5 * (logarithms.max(axis=1, keepdims=True) + logarithms.min(axis=1, keepdims=True))
    return np.concatenate([out_of_box(logits.reshape(len(logits), -1)), out_of_box(centred)], axis=1)


def from_points(game: AbstractGame, points: Float[np.ndarray, "N D"]) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, O, B) and mean fields (N, M) of unbounded coordinates."""
    logits, fields = _coordinates(game, points)
    return np.asarray(logits), np.asarray(fields)


def random_points(game: AbstractGame, number: int, settings: SearchSettings) -> tuple[np.ndarray, np.ndarray]:
    """Random leaders, and mean fields of three kinds in turn: spread out, concentrated, at a vertex."""
    generator = np.random.default_rng(settings.seed)
    logits = settings.leader_scale * generator.standard_normal((number, *leader_logits_shape(game)))
    size = field_size(game)
    fields = np.concatenate([generator.dirichlet(np.full(size, shape), number) for shape in _CONCENTRATIONS])
    vertices = np.eye(size)[generator.integers(size, size=number)]
    kind = np.arange(number) % 3
    chosen = np.where((kind == 0)[:, None], fields[:number], fields[number:])
    return logits, np.where((kind == 2)[:, None], vertices, chosen)


def search_size(settings: SearchSettings) -> int:
    """Starts of one ascent, which is also the batch that is compiled."""
    return min(settings.num_starts, _MOST_STARTS)


def find_modulus(game: AbstractGame, settings: SearchSettings) -> WorstModulus:
    """The largest tangent norm of D Gamma found, at the game's temperature.

    Args:
        game: the game, traced.
        settings: how hard to search; a share of its leaders, starts and steps is used, see `searched`.

    Returns:
        The worst point, a lower bound of the supremum.
    """
    return find_worst(game, settings, tangent_norms, lambda taus: moduli(game, taus))


def find_worst(
    game: AbstractGame,
    settings: SearchSettings,
    measure: Callable[[Float[np.ndarray, "N M M"]], Float[np.ndarray, " N"]],
    seek: Callable[[Float[np.ndarray, " K"]], Sought],
) -> WorstModulus:
    """The largest number that a measure gives of D Gamma: random leaders and mean fields, then ascent.

    Args:
        game: the game, traced.
        settings: how hard to search; a share of its leaders, starts and steps is used, see `searched`.
        measure: of Jacobians, one number each.
        seek: the same measure for the ascent, at so many temperatures.

    Returns:
        The worst point, a lower bound of the supremum.
    """
    number = max(1, min(settings.num_leaders, _MOST_SAMPLES, 2 * field_size(game) * settings.num_starts))
    logits, fields = random_points(game, number, settings)
    sampled = measure(at_mean_fields(game, logits, fields).response)
    chosen = mixed_starts(-sampled, search_size(settings))
    searched = {"samples": number, "sample_nan": int(np.sum(~np.isfinite(sampled))), "seed": settings.seed}
    if not len(chosen):
        empty = np.zeros((0,))
        return WorstModulus(float("nan"), logits[0], fields[0], searched, empty, empty.reshape(0, 0))
    starts = as_points(logits[chosen], fields[chosen])
    # Few starts can be left where most points have no value; the batch is their number then.
    sought = seek(np.full(len(starts), float(game.temperature)))
    slopes = slopes_of(negative_size, game, sought, batch=search_size(settings))
    result = minimise(slopes, starts, num_steps=min(settings.num_steps, _MOST_STEPS))
    ends = from_points(game, result.points)
    # Random points may lie outside the search's box and beat its ends.
    logits, fields = np.concatenate([ends[0], logits[chosen]]), np.concatenate([ends[1], fields[chosen]])
    values = measure(at_mean_fields(game, logits, fields).response)
    searched |= {**result.counts, "end_nan": int(np.sum(~np.isfinite(values)))}
    best = int(np.nanargmax(values))
    return WorstModulus(values[best], logits[best], fields[best], searched, -result.best_curve, result.points)


def secant_modulus(game: AbstractGame, logits: Float[np.ndarray, "O B"], field: Float[np.ndarray, " M"]) -> float:
    r"""$\|\Gamma(m') - \Gamma(m'')\|_1 / \|m' - m''\|_1$ for two mean fields close to m along its steepest tangent.

    Needs no derivative, so it tells whether a tangent norm is real where a reward has kinks. What the images' rounding
    may add is taken off.
    """
    found = at_mean_fields(game, logits[None], field[None])
    _, i, j = steepest_pair(found.response[0])
    if i == j:
        return 0.0
    # From inside the simplex both ways are open.
    inside = (1.0 - _INWARD) * found.mean_field[0] + _INWARD / len(field)
    half = 0.5 * min(_SECANT, inside[i], inside[j])
    direction = np.zeros(len(field))
    direction[[i, j]] = half, -half
    images = at_mean_fields(game, np.stack([logits, logits]), np.stack([inside + direction, inside - direction])).image
    result: float = max(0.0, float(np.sum(np.abs(images[0] - images[1])) - IMAGE_ERROR) / (4.0 * half))
    return result
