"""Searches for a zero of the equilibrium residual: damped Newton, and damped best-response iteration."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from smfg_verify.exact import root
from smfg_verify.exact.equilibrium.residual import (
    Jacobian,
    Point,
    Setting,
    linearised,
    residual,
    residual_norm,
    residual_sizes,
)
from smfg_verify.exact.follower import BestResponse, best_response
from smfg_verify.exact.kernel import FollowerModel, follower_model_at
from smfg_verify.exact.population import population_law
from smfg_verify.exact.root import unevaluated as unevaluated

# Best-response iteration ends where Newton's method is likely to take over.
_NEAR = 1e-3
# Two successive steps point against each other from this cosine on; each such pair halves the damping factor, and any
# other step lets it grow slowly, so that a cycle that was left is not entered again at once.
_AGAINST = -0.5
_DAMPING, _GROWTH = 0.5, 1.05
# What rounding leaves of the value's part of a residual, relative to the value. More of it is news of a better policy,
# however small beside a value of 1 / (1 - gamma), which Newton's method passes on by one state a step.
_ROUNDED = 1e-11

Search = root.Search[Point, Point]


class Landing(NamedTuple):
    """Where Newton's method ended, with the Jacobian there and the law's slope in the logits."""

    search: Search
    matrix: Jacobian
    by_logits: Float[Array, "M p"]


def begin(setting: Setting, point: Point) -> Search:
    """A search that has taken no step."""
    return equations(setting).begin(point)


def to_simplex(field: Float[Array, " M"]) -> Float[Array, " M"]:
    """Clip negative entries and renormalise: an equilibrium lies in the simplex, so this loses no ground to it."""
    clipped = jnp.maximum(field, 0.0)
    return clipped / jnp.sum(clipped)


def moved(search: Search, step: Float[Array, " M"]) -> Float[Array, " M"]:
    """The search's mean field less a step, in the simplex, and empty where the law of the search's point is."""
    field = search.point.mean_field
    return to_simplex(jnp.where(search.remainder.mean_field == field, 0.0, field - step))


def equations(setting: Setting) -> root.Equations[Point, Point, tuple[Jacobian, Array]]:
    """The equations of the equilibrium for Newton's method: mean fields in the simplex, values relative to their size.

    Args:
        setting: the equilibrium problem.

    Returns:
        The equations; their linearisation is the Jacobian and the law's slope in the logits.
    """

    def linearise(point: Point) -> tuple[Point, tuple[Jacobian, Array]]:
        remainder, matrix, by_logits = linearised(setting, point)
        return remainder, (matrix, by_logits)

    def move(search: Search, step: Point) -> Point:
        return Point(moved(search, step.mean_field), search.point.value - step.value)

    def near(remainder: Point, point: Point) -> Bool[Array, ""]:
        by_field, by_value = residual_sizes(setting, remainder, point)
        return (by_field <= root.NEAR) & (by_value <= _ROUNDED)

    return root.Equations(
        evaluate=lambda point: residual(setting, point),
        linearise=linearise,
        direction=lambda linear, remainder: newton_direction(linear[0], remainder),
        move=move,
        norm=lambda remainder, point: residual_norm(setting, remainder, point),
        near=near,
    )


def newton(
    setting: Setting,
    search: Search,
    *,
    max_steps: int | Array = root.MAX_STEPS,
    active: Bool[Array, ""] | bool = True,
) -> Landing:
    """Damped Newton for an equilibrium.

    Args:
        setting: the equilibrium problem.
        search: where to go on from.
        max_steps: bound on further Newton steps.
        active: False returns `search` unchanged and a Jacobian of zeros, at no cost.

    Returns:
        The search at its end; its norm never exceeds the one it began with.
    """
    landing = root.newton(equations(setting), search, max_steps=max_steps, active=active)
    return Landing(landing.search, *landing.linear)


def newton_direction(matrix: Jacobian, remainder: Point) -> Point:
    """The step that Newton's method subtracts, by elimination of the value."""
    solved = matrix.solve(jax.tree.map(lambda leaf: leaf[:, None], remainder))
    result: Point = jax.tree.map(lambda leaf: leaf[:, 0], solved)
    return result


def respond(setting: Setting, field: Float[Array, " M"]) -> tuple[FollowerModel, BestResponse]:
    """The follower's problem at a mean field, and its solution."""
    game = setting.game
    model = follower_model_at(game, setting.leader_rows, field)
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
        return active & (count < max_steps) & (best.norm > _NEAR)

    def step(carry: _Damped) -> _Damped:
        count, field, previous, damping, best, cycled = carry
        image = best_response_image(setting, field)
        move = image.mean_field - field
        alternates = jnp.sum(move * previous) < _AGAINST * jnp.linalg.norm(move) * jnp.linalg.norm(previous)
        damping = jnp.where(alternates, _DAMPING * damping, jnp.minimum(1.0, _GROWTH * damping))
        field = field + damping * move
        trial = begin(setting, Point(field, image.value))._replace(steps=best.steps)
        best = jax.tree.map(lambda new, old: jnp.where(trial.norm < best.norm, new, old), trial, best)
        return count + 1, field, move, damping, best, cycled | alternates

    field = search.point.mean_field
    start = (jnp.asarray(0), field, jnp.zeros_like(field), jnp.asarray(1.0), search, jnp.asarray(False))
    *_, best, cycled = jax.lax.while_loop(unfinished, step, start)
    return best, cycled
