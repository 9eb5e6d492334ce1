"""Searches for a zero of the equilibrium residual: damped Newton, and damped best-response iteration."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact.equilibrium.residual import Jacobian, Point, Setting, linearised, residual, residual_norm
from smfg_verify.exact.follower import BestResponse, best_response
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.exact.population import population_law
from smfg_verify.game import mean_field_shape

# Newton stops below this residual; what is left to gain is gained where the error is estimated.
_SMALL = 1e-13
_SMALLEST_STEP = 2.0**-12
_SUFFICIENT_DECREASE = 1e-4


class Search(NamedTuple):
    """Where a search stands: best point, its residual, its norm, and the Newton steps taken so far."""

    point: Point
    remainder: Point
    norm: Float[Array, ""]
    steps: Int[Array, ""]


def begin(setting: Setting, point: Point) -> Search:
    """A search that has taken no step."""
    remainder = residual(setting, point)
    return Search(point, remainder, residual_norm(setting, remainder, point), jnp.asarray(0))


def unevaluated(point: Point) -> Search:
    """A search that has taken no step and does not know its residual yet."""
    return Search(point, jax.tree.map(jnp.zeros_like, point), jnp.asarray(jnp.inf), jnp.asarray(0))


def to_simplex(field: Float[Array, " M"]) -> Float[Array, " M"]:
    """Clip negative entries and renormalise: an equilibrium lies in the simplex, so this loses no ground to it."""
    clipped = jnp.maximum(field, 0.0)
    return clipped / jnp.sum(clipped)


def moved(search: Search, step: Float[Array, " M"]) -> Float[Array, " M"]:
    """The search's mean field less a step, in the simplex, and empty where the law of the search's point is."""
    field = search.point.mean_field
    return to_simplex(jnp.where(search.remainder.mean_field == field, 0.0, field - step))


class Landing(NamedTuple):
    """Where Newton's method ended, with the Jacobian there and the law's slope in the logits."""

    search: Search
    matrix: Jacobian
    by_logits: Float[Array, "M p"]


def newton(
    setting: Setting, search: Search, *, max_steps: int | Array, active: Bool[Array, ""] | bool = True
) -> Landing:
    """Damped Newton: halve the step until the residual falls, stop where it is small or no step helps.

    Args:
        setting: the equilibrium problem.
        search: where to go on from.
        max_steps: bound on further Newton steps.
        active: False returns `search` unchanged and a Jacobian of zeros, at no cost.

    Returns:
        The search at its end; its norm never exceeds the one it began with.
    """
    last = search.steps + max_steps

    def unfinished(carry: tuple[Landing, Array]) -> Bool[Array, ""]:
        return active & ~carry[1]

    def advance(search: Search) -> tuple[Landing, Bool[Array, ""]]:
        remainder, matrix, by_logits = linearised(setting, search.point)
        search = search._replace(remainder=remainder, norm=residual_norm(setting, remainder, search.point))
        # The last round takes no step: its Jacobian belongs to the end.
        ended = ~(search.norm > _SMALL) | (search.steps >= last)
        kept, stalled = _line_search(setting, search, _newton_direction(matrix, remainder), active=~ended)
        return Landing(kept, matrix, by_logits), ended | stalled

    shapes = jax.eval_shape(advance, search)[0]
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    start = (nothing._replace(search=search), jnp.asarray(False))
    result: Landing = jax.lax.while_loop(unfinished, lambda carry: advance(carry[0].search), start)[0]
    return result


def _newton_direction(matrix: Jacobian, remainder: Point) -> Point:
    solved = matrix.solve(jax.tree.map(lambda leaf: leaf[:, None], remainder))
    result: Point = jax.tree.map(lambda leaf: leaf[:, 0], solved)
    return result


def _line_search(
    setting: Setting, search: Search, direction: Point, *, active: Bool[Array, ""]
) -> tuple[Search, Bool[Array, ""]]:
    """The longest of the halved Newton steps that makes the residual fall, and whether there was none."""

    def accepted(trial: Search, length: Array) -> Bool[Array, ""]:
        return trial.norm <= (1.0 - _SUFFICIENT_DECREASE * length) * search.norm

    def unfinished(carry: tuple[Array, Search]) -> Bool[Array, ""]:
        length, trial = carry
        return active & ~accepted(trial, length) & (length > _SMALLEST_STEP)

    def halve(carry: tuple[Array, Search]) -> tuple[Array, Search]:
        length = 0.5 * carry[0]
        field = moved(search, length * direction.mean_field)
        trial = begin(setting, Point(field, search.point.value - length * direction.value))
        return length, trial._replace(steps=search.steps + 1)

    nothing = search._replace(norm=jnp.full_like(search.norm, jnp.inf))
    length, trial = jax.lax.while_loop(unfinished, halve, (jnp.asarray(2.0), nothing))
    success = active & accepted(trial, length)
    kept = jax.tree.map(lambda new, old: jnp.where(success, new, old), trial, search)
    return kept, ~success


def respond(setting: Setting, field: Float[Array, " M"]) -> tuple[FollowerModel, BestResponse]:
    """The follower's problem at a mean field, and its solution."""
    game = setting.game
    model = follower_model(tabulate(game, field.reshape(mean_field_shape(game))), setting.leader_rows)
    return model, best_response(model, game.discount, setting.temperature)


def best_response_image(setting: Setting, field: Float[Array, " M"]) -> Point:
    r"""$\Gamma_\phi(m)$, the stationary law under the soft best response to m, with the value of that response."""
    model, response = respond(setting, field)
    return Point(to_simplex(population_law(setting.game, model, response.policy)), response.value)


# Count, mean field, its last move, damping, best so far, and whether a 2-cycle was met.
_Damped = tuple[Array, Array, Array, Array, Search, Array]


def damped_iteration(
    setting: Setting, search: Search, *, max_steps: int, active: Bool[Array, ""] | bool = True
) -> tuple[Search, Bool[Array, ""]]:
    r"""Best-response iteration $m \leftarrow (1 - \eta) m + \eta \Gamma(m)$ that halves $\eta$ when it meets a 2-cycle.

    Congestion makes plain iteration jump back and forth between two mean fields; two successive steps that
    point against each other are the sign of it.

    Args:
        setting: the equilibrium problem.
        search: where to start from.
        max_steps: number of iterations.
        active: False returns `search` unchanged, at no cost.

    Returns:
        A search at the best iterate seen (never worse than `search`), and whether a period-2 cycle was met.
    """

    def unfinished(carry: _Damped) -> Bool[Array, ""]:
        count, *_, best, _ = carry
        return active & (count < max_steps) & (best.norm > 1e-3)

    def step(carry: _Damped) -> _Damped:
        count, field, previous, damping, best, cycled = carry
        image = best_response_image(setting, field)
        move = image.mean_field - field
        alternates = jnp.sum(move * previous) < -0.5 * jnp.linalg.norm(move) * jnp.linalg.norm(previous)
        damping = jnp.where(alternates, 0.5 * damping, jnp.minimum(1.0, 1.05 * damping))
        field = field + damping * move
        trial = begin(setting, Point(field, image.value))._replace(steps=best.steps)
        best = jax.tree.map(lambda new, old: jnp.where(trial.norm < best.norm, new, old), trial, best)
        return count + 1, field, move, damping, best, cycled | alternates

    field = search.point.mean_field
    start = (jnp.asarray(0), field, jnp.zeros_like(field), jnp.asarray(1.0), search, jnp.asarray(False))
    *_, best, cycled = jax.lax.while_loop(unfinished, step, start)
    return best, cycled
