"""Following the equilibrium from a large temperature down to the one asked for, through folds."""

from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact import root
from smfg_verify.exact.equilibrium.newton import Search, begin, newton, newton_direction, to_simplex, unevaluated
from smfg_verify.exact.equilibrium.residual import (
    Jacobian,
    Point,
    Setting,
    linearised,
    model_at,
    residual,
    residual_norm,
    value_scale,
)
from smfg_verify.game import mean_field_shape
from smfg_verify.game.base import Scalar

T = TypeVar("T")

# Lengths of a step along the path, in whose norm a step in log tau counts as it is: the temperature at most halves in
# one, and where steps of 1e-7 fail the path has an end or a kink.
_FIRST_STEP = 0.25
_LARGEST_STEP = 0.7
_SMALLEST_STEP = 1e-7
# A step that was corrected lets the next grow; one that was not is taken again at half its length.
_GROWTH, _SHRINK = 1.5, 0.5
# A corrector that converges does so in a few whole steps, and the path has to be near only.
_CORRECTOR_STEPS = 8
_CORRECTED = 1e-9
# A landing starts between two points of the path; where so many steps do not do, a shorter step of the path will.
_LANDING_STEPS = 30
# From one point of the path to the next, in lengths of the step: further away lies another branch, leapt to past folds.
_LONGEST_CHORD = 1.2
# A corrected mean field may leave the simplex by its own error.
_OUTSIDE = -1e-6


# A point (m, V) and a logarithm of the temperature, or a direction of both.
_Direction = tuple[Point, Array]


class _Path(NamedTuple):
    """A point of the solution path, its unit tangent, the step to try next, folds met, and how the walk stands."""

    point: Point
    log_temperature: Float[Array, ""]
    tangent: tuple[Point, Float[Array, ""]]
    step: Float[Array, ""]
    taken: Int[Array, ""]
    folds: Int[Array, ""]
    landed: Search


class Followed(NamedTuple):
    """Where a walk along the solution path ended.

    Attributes:
        search: at the target temperature; the norm is infinite where the path did not reach it.
        folds: how often the temperature turned back on the way.
        steps: of the walk.
    """

    search: Search
    folds: Int[Array, ""]
    steps: Int[Array, ""]


def follow_temperature(
    setting: Setting, search: Search, *, max_steps: int | Array, active: Bool[Array, ""] | bool = True
) -> Search:
    r"""Pseudo-arclength continuation in $\log \tau$ from a temperature at which the equilibrium is easy.

    The path of solutions $(m, V, \log \tau)$ starts at the equilibrium of a hot game, where it is unique, and
    is walked by tangent predictor and Newton corrector in the hyperplane orthogonal to the tangent; the step
    adapts. Folds, where $\tau$ turns back, are passed. Whenever a step would cross the target temperature, the
    walk tries to land there by damped Newton, and takes a shorter step if that fails.

    Args:
        setting: the equilibrium problem at the target temperature.
        search: best search so far, returned when the path does not reach the target.
        max_steps: bound on the number of path steps.
        active: False returns `search` unchanged, at no cost.

    Returns:
        A search at the target temperature.
    """
    landed = follow_path(setting, search, max_steps=max_steps, active=active).search
    better = landed.norm < search.norm
    result: Search = jax.tree.map(lambda new, old: jnp.where(better, new, old), landed, search)
    return result


def follow_path(
    setting: Setting,
    search: Search,
    *,
    max_steps: int | Array,
    largest_step: float | Array = _LARGEST_STEP,
    active: Bool[Array, ""] | bool = True,
) -> Followed:
    """The walk of `follow_temperature`: where it landed, and how many folds it passed.

    Args:
        setting: the equilibrium problem at the target temperature.
        search: any search, for its shape; its steps are counted on.
        max_steps: bound on the number of path steps.
        largest_step: bound on each, in log tau at most; a long one may leap from one branch to another past folds.
        active: False takes no step.

    Returns:
        The end of the walk.
    """
    start = _hot_start(setting, search, active)
    start = start._replace(step=jnp.minimum(start.step, largest_step))
    target = jnp.log(setting.temperature)

    def unfinished(path: _Path) -> Bool[Array, ""]:
        alive = (path.step > _SMALLEST_STEP) & (path.taken < max_steps)
        return active & alive & ~(path.landed.norm <= _CORRECTED)

    path = jax.lax.while_loop(unfinished, lambda path: _advance(setting, path, target, largest_step), start)
    return Followed(path.landed, path.folds, path.taken)


def _at(setting: Setting, log_temperature: Float[Array, ""]) -> Setting:
    result: Setting = eqx.tree_at(lambda s: s.temperature, setting, jnp.exp(log_temperature))
    return result


def _hot_start(setting: Setting, search: Search, active: Array | bool) -> _Path:
    """The equilibrium at a temperature above the rewards-to-go at uniform and extreme fields: policies near uniform."""
    game = setting.game
    size = search.point.mean_field.shape[0]
    uniform = Point(jnp.full((size,), 1.0 / size, dtype=float), jnp.zeros_like(search.point.value))
    corners = jnp.concatenate([uniform.mean_field[None], jnp.eye(size)])
    rewards = jax.lax.map(lambda field: jnp.max(jnp.abs(model_at(setting, field).reward)), corners)
    largest = jnp.max(jnp.where(jnp.isfinite(rewards), rewards, 0.0))
    hot = jnp.log(2.0 * setting.temperature + 4.0 * largest / (1.0 - game.discount))
    found = newton(_at(setting, hot), unevaluated(uniform), active=active).search
    slopes = _linearised(setting, found.point, hot)[1]
    tangent = _tangent(setting, found.point, slopes, (jax.tree.map(jnp.zeros_like, found.point), jnp.asarray(-1.0)))
    landed = search._replace(norm=jnp.asarray(jnp.inf), steps=search.steps + found.steps)
    none = jnp.asarray(0)
    return _Path(found.point, hot, tangent, jnp.asarray(_FIRST_STEP), none, none, landed)


def _inner(first: _Direction, second: _Direction, point: Point, temperature: Scalar) -> Float[Array, ""]:
    """Inner product on (m, V, log tau), the value measured against its own size."""
    (x, s), (y, t) = first, second
    scale = value_scale(temperature, point.value)
    return jnp.sum(x.mean_field * y.mean_field) + jnp.sum(x.value * y.value) / scale**2 + s * t


class _Slopes(NamedTuple):
    """Jacobian of the residual at a point of the path, and the residual's slope in log tau."""

    matrix: Jacobian
    by_log_temperature: Point

    def along_path(self) -> Point:
        """How the solution moves with log tau, -J^-1 dF/dlog(tau)."""
        result: Point = jax.tree.map(jnp.negative, newton_direction(self.matrix, self.by_log_temperature))
        return result


def _linearised(setting: Setting, point: Point, log_temperature: Array) -> tuple[Point, _Slopes]:
    """The residual at a point and a temperature, and its slopes in both."""
    remainder, matrix, _ = linearised(_at(setting, log_temperature), point)
    by_log_temperature = jax.jvp(
        lambda log_tau: residual(_at(setting, log_tau), point), (log_temperature,), (jnp.ones_like(log_temperature),)
    )[1]
    return remainder, _Slopes(matrix, by_log_temperature)


def _tangent(setting: Setting, point: Point, slopes: _Slopes, previous: _Direction) -> _Direction:
    """The unit tangent of the path, on the side of the previous one."""
    raw = (slopes.along_path(), jnp.asarray(1.0))
    length = jnp.sqrt(_inner(raw, raw, point, setting.temperature)) * jnp.sign(
        _inner(raw, previous, point, setting.temperature)
    )
    result: _Direction = jax.tree.map(lambda leaf: leaf / length, raw)
    return result


def _move(point: Point, log_temperature: Array, direction: _Direction, size: Array) -> _Direction:
    moved = jax.tree.map(lambda leaf, d: leaf + size * d, point, direction[0])
    return moved, log_temperature + size * direction[1]


def _correct(setting: Setting, path: _Path) -> tuple[tuple[Point, Array], _Slopes, Bool[Array, ""]]:
    """Newton from the predicted point in whole steps, staying in the hyperplane orthogonal to the tangent."""

    def inner(first: _Direction, second: _Direction) -> Array:
        return _inner(first, second, path.point, setting.temperature)

    predicted = _move(path.point, path.log_temperature, path.tangent, path.step)

    def linearise(at: _Direction) -> tuple[_Direction, _Slopes]:
        remainder, slopes = _linearised(setting, *at)
        off = (jax.tree.map(jnp.subtract, at[0], predicted[0]), at[1] - predicted[1])
        return (remainder, inner(path.tangent, off)), slopes

    def direction(slopes: _Slopes, remainder: _Direction) -> _Direction:
        """By elimination of the point, which leaves one equation in log tau."""
        straight, along = newton_direction(slopes.matrix, remainder[0]), slopes.along_path()
        across = inner(path.tangent, (along, jnp.asarray(1.0)))
        shift = (remainder[1] - inner(path.tangent, (straight, jnp.asarray(0.0)))) / across
        return jax.tree.map(lambda x, y: x + shift * y, straight, along), shift

    equations = root.Equations(
        evaluate=lambda at: linearise(at)[0],
        linearise=linearise,
        direction=direction,
        move=lambda search, step: jax.tree.map(jnp.subtract, search.point, step),
        norm=lambda remainder, at: residual_norm(_at(setting, at[1]), remainder[0], at[0]),
    )
    start = unevaluated(predicted)
    found, slopes = root.newton(equations, start, max_steps=_CORRECTOR_STEPS, tolerance=_CORRECTED, damped=False)
    inside = jnp.min(found.point[0].mean_field) > _OUTSIDE
    chord = jax.tree.map(jnp.subtract, found.point, (path.point, path.log_temperature))
    near = inner(chord, chord) <= (_LONGEST_CHORD * path.step) ** 2
    return found.point, slopes, (found.norm <= _CORRECTED) & inside & near


def _select(flag: Bool[Array, ""], new: T, old: T) -> T:
    result: T = jax.tree.map(lambda a, b: jnp.where(flag, a, b), new, old)
    return result


def _advance(setting: Setting, path: _Path, target: Float[Array, ""], largest_step: float | Array) -> _Path:
    (point, log_tau), slopes, success = _correct(setting, path)
    crossing = success & (log_tau <= target)
    fraction = jnp.where(crossing, (target - path.log_temperature) / (log_tau - path.log_temperature), 0.0)
    between = jax.tree.map(lambda old, new: old + fraction * (new - old), path.point, point)
    guess = begin(setting, Point(to_simplex(between.mean_field), between.value))
    landing = newton(setting, guess, max_steps=_LANDING_STEPS, active=crossing).search
    landed = crossing & (landing.norm <= _CORRECTED)
    walked = success & ~crossing
    tangent = _tangent(setting, point, slopes, path.tangent)
    size = jnp.where(walked, jnp.minimum(_GROWTH * path.step, largest_step), _SHRINK * path.step)
    turned = walked & (tangent[1] * path.tangent[1] < 0.0)
    result = landing._replace(steps=path.landed.steps + path.taken + landing.steps)
    return _Path(
        point=_select(walked, point, path.point),
        log_temperature=jnp.where(walked, log_tau, path.log_temperature),
        tangent=_select(walked, tangent, path.tangent),
        step=size,
        taken=path.taken + 1,
        folds=path.folds + turned,
        landed=_select(landed, result, path.landed),
    )


def uniform_start(setting: Setting) -> Point:
    """The uniform mean field and zero value."""
    size = 1
    for length in mean_field_shape(setting.game):
        size *= length
    return Point(jnp.full((size,), 1.0 / size, dtype=float), jnp.zeros((setting.game.num_states,)))
