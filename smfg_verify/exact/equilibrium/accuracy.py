r"""How far a point found is from an equilibrium: an estimate of the error, not of the residual.

At x with residual f and Jacobian J, the equilibrium is $x - J^{-1} F(x)$ to first order, and F(x) is f up to the
rounding $\rho$ of its evaluation: entry by entry the error is at most $e = |J^{-1} f| + |J^{-1}| \rho$. The estimate
counts for as long as J does, which is tried: at points 2 e away, in the worst directions, what F moves beside J must
not move the solution by more than e. Then $|x - x^*| \le 2 e$; else nothing is known.

What the game's own functions round on their way cannot be known beforehand, and is looked for on a scale of 1e-10 in
mass: departures from the slope that no kink and no curvature explains are added to $\rho$, and where the functions are
flat but their slope is not, nothing is known.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact.batching import one_at_a_time
from smfg_verify.exact.compiling import is_large
from smfg_verify.exact.equilibrium.newton import Landing, Search, moved
from smfg_verify.exact.equilibrium.residual import Jacobian, Point, Setting, residual, residual_norm
from smfg_verify.exact.follower import ROUNDINGS as ROUNDINGS
from smfg_verify.exact.follower import soft_bellman
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import lost_to_underflow
from smfg_verify.game import mean_field_shape

# The two sides of a point on a staircase agree; at a kink they differ, by more than this share of their mean.
_ONE_SIDED = 0.1
# Steps by the Jacobian of the landing, down to the rounding of the residual.
_POLISHES = 2
# Distances, in mass, at which a staircase is looked for (no simple multiples of each other or of its steps, which are
# powers of two), and the share of the slope that it misses.
GRAINS = (1.37e-10, 2.91e-10, 5.33e-10, 9.19e-10)
_MISSED = 0.1


class Accuracy(NamedTuple):
    """A point polished, and how near it is to an equilibrium.

    Attributes:
        search: at the polished point.
        mean_field_error: bound on the l1 error of the mean field; infinite where nothing is known.
        value_error: bound on the largest error of the value, in units of reward; infinite where nothing is known.
        spectral_radius: of the derivative of the best-response map at the point; NaN where it has none.
        steep: an entry of the mean field in which a slope of the game is not finite; -1 if there is none.
    """

    search: Search
    mean_field_error: Float[Array, ""]
    value_error: Float[Array, ""]
    spectral_radius: Float[Array, ""]
    steep: Int[Array, ""]


def accuracy(setting: Setting, landing: Landing) -> Accuracy:
    """Polish a point with its own Jacobian, and estimate how far it is from an equilibrium.

    Args:
        setting: the equilibrium problem.
        landing: where Newton's method ended.

    Returns:
        The polished search and its errors.
    """
    rounding = _flat(_rounding(setting, landing))
    inverse = landing.matrix.inverse

    def polish(search: Search, _: None) -> tuple[Search, None]:
        step = inverse @ _flat(search.remainder)
        size = search.point.mean_field.shape[0]
        point = Point(moved(search, step[:size]), search.point.value - step[size:])
        remainder = residual(setting, point)
        tried = search._replace(point=point, remainder=remainder, norm=residual_norm(setting, remainder, point))
        better = _in_temperatures(setting, remainder) < _in_temperatures(setting, search.remainder)
        return jax.tree.map(lambda new, old: jnp.where(better, new, old), tried, search), None

    search, _ = jax.lax.scan(polish, landing.search, length=_POLISHES)
    error, turned, stepped = _try_around(setting, search, landing.matrix, inverse, rounding)
    size = search.point.mean_field.shape[0]
    field_error, value_error = jnp.sum(error[:size]), jnp.max(error[size:])
    trusted = (jnp.sum(turned[:size]) <= field_error) & (jnp.max(turned[size:]) <= value_error) & ~stepped
    return Accuracy(
        search,
        mean_field_error=jnp.where(trusted, 2.0 * field_error, jnp.inf),
        value_error=jnp.where(trusted, 2.0 * value_error, jnp.inf),
        spectral_radius=_spectral_radius(landing.matrix),
        steep=_steep_entry(landing.matrix),
    )


class _Trial(NamedTuple):
    """Around a point: the estimated error e, how far curvature 2 e away turns the solution, whether it is a step of a
    staircase."""

    error: Float[Array, " k"]
    turned: Float[Array, " k"]
    stepped: Bool[Array, ""]


def _try_around(
    setting: Setting, search: Search, matrix: Jacobian, inverse: Float[Array, "k k"], rounding: Float[Array, " k"]
) -> _Trial:
    """One evaluation of the residual at 12 points: four in the directions worst for m and V, and eight along a tangent
    on a scale that roundings within the game may have."""
    point, size = search.point, search.point.mean_field.shape[0]
    remainder = _flat(search.remainder)
    error = jnp.abs(inverse @ remainder) + jnp.abs(inverse) @ rounding
    rows = jnp.stack([jnp.argmax(error[:size]), size + jnp.argmax(error[size:])])
    worst = 2.0 * (jnp.sign(inverse[rows]) * (rounding + jnp.abs(remainder))) @ inverse.T
    along = jnp.concatenate([tangent(point.mean_field), jnp.zeros_like(point.value)])
    plain = jnp.asarray(GRAINS)[:, None] * along
    away = jnp.concatenate([worst, -worst, plain, -plain])
    fields = jnp.maximum(point.mean_field + away[:, :size], 0.0)
    there = Point(fields, point.value + away[:, size:])
    found = _at_many(setting, there)
    # As far as the floats moved: a value of 1 / (1 - gamma) has steps that a temperature may tell from none.
    steps = Point((fields - point.mean_field).T, (there.value - point.value).T)
    linear = _flat(matrix.apply(steps)).T
    residuals = jnp.concatenate([found.mean_field, found.value], axis=1)
    departures = residuals - remainder - linear
    departure = jnp.maximum(jnp.abs(departures[:4]) - 2.0 * rounding, 0.0)
    stepped = is_stepped(departures[4:], linear[4:], rounding, size)
    error = error + jnp.abs(inverse) @ irregularity(departures[4:], rounding)
    return _Trial(error, jnp.abs(inverse) @ jnp.max(departure, axis=0), stepped)


def _at_many(setting: Setting, points: Point) -> Point:
    """The residual at many points: side by side, or one after another where one fills a processor's cache."""

    def evaluate(point: Point) -> Point:
        return residual(setting, point)

    found: Point = jax.lax.map(evaluate, points) if is_large(setting.game) else jax.vmap(evaluate)(points)
    return found


def tangent(field: Float[Array, " M"]) -> Float[Array, " M"]:
    """A tangent of the simplex with largest entry 1, each entry in proportion to the mean field's."""
    pull = np.random.default_rng(0).uniform(-1.0, 1.0, field.shape)
    tangent = field * (pull - jnp.sum(field * pull))
    largest = jnp.max(jnp.abs(tangent))
    return tangent / jnp.where(largest > 0.0, largest, 1.0)


def irregularity(departures: Float[Array, "8 k"], rounding: Float[Array, " k"]) -> Float[Array, " k"]:
    """Roundings within the game's functions beyond those granted, seen as departures from the slope at four distances.

    Between the two sides of the point curvature cancels, and a kink leaves what is in proportion to the distance.
    """
    lengths = jnp.asarray(GRAINS)
    odd = departures[:4] - departures[4:]
    irregular = odd - jnp.outer(lengths, lengths @ odd) / (lengths @ lengths)
    return jnp.maximum(2.0 * jnp.max(jnp.abs(irregular), axis=0) - 4.0 * rounding, 0.0)


def is_stepped(
    departures: Float[Array, "8 k"], linear: Float[Array, "8 k"], rounding: Array, size: int
) -> Bool[Array, ""]:
    """Whether the residual misses its slope by the same on both sides, as on the step of a staircase.

    Such are functions that add a number so large that the mean field is rounded away: the machine's function is flat
    where its slope is not, and nothing on the step tells how far its solution is off. At a kink the two sides differ.
    """
    ahead, behind = departures[:4], departures[4:]
    odd, even = 0.5 * jnp.abs(ahead - behind), 0.5 * jnp.abs(ahead + behind)
    sizes = jnp.abs(linear[:4])
    largest = [
        jnp.max(part, axis=1, keepdims=True) * jnp.ones_like(part) for part in (sizes[:, :size], sizes[:, size:])
    ]
    flat = (odd > _MISSED * jnp.concatenate(largest, axis=1) + ROUNDINGS * rounding) & (even < _ONE_SIDED * odd)
    return jnp.any(jnp.all(flat, axis=0))


def _in_temperatures(setting: Setting, remainder: Point) -> Float[Array, ""]:
    """Size of a residual with the value's part in units of tau, as the policy sees it."""
    by_value = jnp.max(jnp.abs(remainder.value)) / setting.temperature
    return jnp.maximum(jnp.max(jnp.abs(remainder.mean_field)), by_value)


def _flat(point: Point) -> Float[Array, " k *c"]:
    return jnp.concatenate([point.mean_field, point.value])


def _rounding(setting: Setting, landing: Landing) -> Point:
    """What the rounding of the residual's evaluation may amount to, entry by entry.

    Follower: the sums over next states, the rewards (which a game sums over the mean field), and rows that do not quite
    sum to one. Population: roundings of the law and of the kernel, those of the logits, which are of the size of
    Q / tau, and rates too small for a float.
    """
    game, point, matrix = setting.game, landing.search.point, landing.matrix
    field = point.mean_field
    kernel = tabulate(game, field.reshape(mean_field_shape(game)))
    model = follower_model(kernel, setting.leader_rows)
    # What is averaged over the leader's actions may cancel, and is rounded all the same.
    paid = follower_model(jax.tree.map(jnp.abs, kernel), setting.leader_rows).reward
    unit = jnp.finfo(field.dtype).eps
    sums = ROUNDINGS + jnp.sqrt(game.num_states + game.num_leader_actions)
    centre = jnp.mean(point.value)
    span = jnp.max(jnp.abs(point.value - centre))
    by_field = jnp.abs(matrix.value_field) @ field
    lost = jnp.max(jnp.abs(jnp.sum(model.transition, axis=-1) - 1.0), axis=-1)
    quality = sums * unit * (jnp.max(paid, axis=-1) + game.discount * span + by_field)
    whole = jnp.abs(point.value) + game.discount * jnp.abs(centre) + setting.temperature
    value = quality + ROUNDINGS * unit * whole + game.discount * lost * jnp.max(jnp.abs(point.value))
    policy = soft_bellman(model, point.value, game.discount, setting.temperature)[1]
    logits = (quality / setting.temperature + ROUNDINGS * unit)[:, None] * jnp.ones_like(policy)
    slopes = jnp.abs(matrix.field_field - jnp.eye(field.shape[0])) @ field
    population = jnp.abs(landing.by_logits) @ logits.ravel() + sums * unit * (field + slopes)
    return Point(population + lost_to_underflow(game, model, policy), value)


def _steep_entry(matrix: Jacobian) -> Int[Array, ""]:
    """One that is infinite before one that is NaN, which a slope of infinity makes of all the other columns."""
    slopes = jnp.max(jnp.abs(jnp.concatenate([matrix.field_field, matrix.value_field])), axis=0)
    infinite = jnp.any(jnp.isinf(jnp.concatenate([matrix.field_field, matrix.value_field])), axis=0)
    rank = jnp.where(infinite, 2, jnp.where(jnp.isfinite(slopes), 0, 1))
    return jnp.where(jnp.max(rank) > 0, jnp.argmax(rank), -1)


@one_at_a_time
def _spectral_radius(matrix: Jacobian) -> Float[Array, ""]:
    """Largest modulus of an eigenvalue of the best-response map's derivative, I - (Schur complement of the value)."""
    answered = jnp.linalg.solve(matrix.value_value, matrix.value_field)
    schur = matrix.field_field - matrix.field_value @ answered
    finite = jnp.all(jnp.isfinite(schur))
    response = jnp.eye(schur.shape[0]) - jnp.where(finite, schur, 0.0)
    return jnp.where(finite, jnp.max(jnp.abs(jnp.linalg.eigvals(response))), jnp.nan)
