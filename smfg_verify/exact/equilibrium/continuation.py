"""Following the equilibrium from a large temperature down to the one asked for, through folds."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact.equilibrium.newton import Search, begin, newton, to_simplex
from smfg_verify.exact.equilibrium.residual import (
    Point,
    Setting,
    jacobian,
    model_at,
    residual,
    residual_norm,
    value_scale,
)
from smfg_verify.game import mean_field_shape
from smfg_verify.game.base import Scalar

# A point (m, V) and a logarithm of the temperature, or a direction of both.
_Direction = tuple[Point, Array]

_FIRST_STEP = 0.25
_LARGEST_STEP = 0.7
_SMALLEST_STEP = 1e-7
_CORRECTOR_STEPS = 8
_CORRECTED = 1e-9


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
    uniform = Point(jnp.full((size,), 1.0 / size), jnp.zeros_like(search.point.value))
    corners = jnp.concatenate([uniform.mean_field[None], jnp.eye(size)])
    rewards = jax.lax.map(lambda field: jnp.max(jnp.abs(model_at(setting, field).reward)), corners)
    largest = jnp.max(jnp.where(jnp.isfinite(rewards), rewards, 0.0))
    hot = jnp.log(2.0 * setting.temperature + 4.0 * largest / (1.0 - game.discount))
    found = newton(_at(setting, hot), begin(_at(setting, hot), uniform), max_steps=50, active=active).search
    tangent = _tangent(setting, found.point, hot, (jax.tree.map(jnp.zeros_like, found.point), jnp.asarray(-1.0)))
    landed = search._replace(norm=jnp.asarray(jnp.inf), steps=search.steps + found.steps)
    none = jnp.asarray(0)
    return _Path(found.point, hot, tangent, jnp.asarray(_FIRST_STEP), none, none, landed)


def _inner(first: _Direction, second: _Direction, point: Point, temperature: Scalar) -> Float[Array, ""]:
    """Inner product on (m, V, log tau), the value measured against its own size."""
    (x, s), (y, t) = first, second
    scale = value_scale(temperature, point.value)
    return jnp.sum(x.mean_field * y.mean_field) + jnp.sum(x.value * y.value) / scale**2 + s * t


def _sensitivity(setting: Setting, point: Point, log_temperature: Array, remainder: Point) -> tuple[Point, Point]:
    """Newton direction -J^-1 F and path direction -J^-1 dF/dlog(tau), by one factorisation."""
    _, slope = jax.jvp(
        lambda log_tau: residual(_at(setting, log_tau), point), (log_temperature,), (jnp.ones_like(log_temperature),)
    )
    right = jax.tree.map(lambda f, g: -jnp.stack([f, g], axis=1), remainder, slope)
    solved = jacobian(_at(setting, log_temperature), point).solve(right)
    return jax.tree.map(lambda leaf: leaf[:, 0], solved), jax.tree.map(lambda leaf: leaf[:, 1], solved)


def _tangent(setting: Setting, point: Point, log_temperature: Array, previous: tuple[Point, Array]) -> _Direction:
    _, direction = _sensitivity(setting, point, log_temperature, jax.tree.map(jnp.zeros_like, point))
    raw = (direction, jnp.asarray(1.0))
    length = jnp.sqrt(_inner(raw, raw, point, setting.temperature)) * jnp.sign(
        _inner(raw, previous, point, setting.temperature)
    )
    result: _Direction = jax.tree.map(lambda leaf: leaf / length, raw)
    return result


def _move(point: Point, log_temperature: Array, direction: _Direction, size: Array) -> _Direction:
    moved = jax.tree.map(lambda leaf, d: leaf + size * d, point, direction[0])
    return moved, log_temperature + size * direction[1]


def _correct(setting: Setting, path: _Path) -> tuple[Point, Float[Array, ""], Bool[Array, ""]]:
    """Newton from the predicted point, staying in the hyperplane orthogonal to the tangent."""

    def inner(first: _Direction, second: _Direction) -> Array:
        return _inner(first, second, path.point, setting.temperature)

    predicted = _move(path.point, path.log_temperature, path.tangent, path.step)

    def unfinished(carry: tuple[Point, Array, Array, Array]) -> Bool[Array, ""]:
        _, _, size, count = carry
        return (size > _CORRECTED) & (count < _CORRECTOR_STEPS)

    def step(carry: tuple[Point, Array, Array, Array]) -> tuple[Point, Array, Array, Array]:
        point, log_tau, _, count = carry
        remainder = residual(_at(setting, log_tau), point)
        gap = (jax.tree.map(jnp.subtract, point, predicted[0]), log_tau - predicted[1])
        newton_part, path_part = _sensitivity(setting, point, log_tau, remainder)
        along = inner(path.tangent, (newton_part, jnp.asarray(0.0)))
        across = inner(path.tangent, (path_part, jnp.asarray(1.0)))
        shift = (-inner(path.tangent, gap) - along) / across
        point = jax.tree.map(lambda x, a, y: x + a + shift * y, point, newton_part, path_part)
        log_tau = log_tau + shift
        size = residual_norm(_at(setting, log_tau), residual(_at(setting, log_tau), point), point)
        return point, log_tau, size, count + 1

    start = (*predicted, jnp.asarray(jnp.inf), jnp.asarray(0))
    point, log_tau, size, _ = jax.lax.while_loop(unfinished, step, start)
    inside = jnp.min(point.mean_field) > -1e-6
    return point, log_tau, (size <= _CORRECTED) & inside


def _advance(setting: Setting, path: _Path, target: Float[Array, ""], largest_step: float | Array) -> _Path:
    point, log_tau, success = _correct(setting, path)
    crossing = success & (log_tau <= target)
    fraction = jnp.where(crossing, (target - path.log_temperature) / (log_tau - path.log_temperature), 0.0)
    between = jax.tree.map(lambda old, new: old + fraction * (new - old), path.point, point)
    guess = begin(setting, Point(to_simplex(between.mean_field), between.value))
    landing = newton(setting, guess, max_steps=30, active=crossing).search
    landed = crossing & (landing.norm <= _CORRECTED)
    walked = success & ~crossing
    tangent = _tangent(setting, point, log_tau, path.tangent)
    select: Callable[..., Any] = lambda flag, new, old: jax.tree.map(lambda a, b: jnp.where(flag, a, b), new, old)  # noqa: E731
    size = jnp.where(walked, jnp.minimum(1.5 * path.step, largest_step), 0.5 * path.step)
    turned = walked & (tangent[1] * path.tangent[1] < 0.0)
    result = landing._replace(steps=path.landed.steps + path.taken + landing.steps)
    return _Path(
        point=select(walked, point, path.point),
        log_temperature=jnp.where(walked, log_tau, path.log_temperature),
        tangent=select(walked, tangent, path.tangent),
        step=size,
        taken=path.taken + 1,
        folds=path.folds + turned,
        landed=select(landed, result, path.landed),
    )


def uniform_start(setting: Setting) -> Point:
    """The uniform mean field and zero value."""
    size = 1
    for length in mean_field_shape(setting.game):
        size *= length
    return Point(jnp.full((size,), 1.0 / size), jnp.zeros((setting.game.num_states,)))
