r"""Newton's method for $F(x) = 0$, written once: steps that are halved until the residual falls, or whole ones.

Not optimistix: its root finders (Newton, Chord) take whole steps and know bounds of single entries only, its line
searches belong to its minimisers, and none hands back the Jacobian of its last point, which error bounds are read off.
Here what a problem is made of stands apart from how it is searched: the residual and its linearisation by blocks, the
way back into the set where it is defined (the simplex), and the norm.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

# A residual relative to the size of what it is a difference of, some hundred roundings: what is left to gain is gained
# where the error is estimated.
TOLERANCE = 1e-13
# Newton's method doubles its digits a step, so that 6 steps do where it converges at all; the rest is for damped ones.
MAX_STEPS = 60
# A residual falls by its whole at first order; a step counts that brings this share of it. Armijo's customary constant:
# so small that only what rounding may feign is refused.
SUFFICIENT_DECREASE = 1e-4
# At a residual this small, relative to what it is a difference of, steps that do not halve it move roundings about:
# Newton's step leaves a quarter of a residual with a double zero and (1 - 1/k)^k < 0.4 of one with a zero of order k.
# A few are granted, since one may be chance or pass a kink.
NEAR = 1e-6
_IDLE = 0.5
_IDLE_STEPS = 3
# A direction that does not help over a four-thousandth of its length is none of descent: at a kink, or of a matrix that
# is singular to rounding.
SMALLEST_STEP = 2.0**-12

Point = TypeVar("Point")
Residual = TypeVar("Residual")
Linear = TypeVar("Linear")


class Search(NamedTuple, Generic[Point, Residual]):
    """Where a search stands: best point, its residual, its norm, and the steps taken so far."""

    point: Point
    remainder: Residual
    norm: Float[Array, ""]
    steps: Int[Array, ""]


class Landing(NamedTuple, Generic[Point, Residual, Linear]):
    """Where a search ended, and the linearisation there; zeros where none was needed."""

    search: Search[Point, Residual]
    linear: Linear


class Equations(NamedTuple, Generic[Point, Residual, Linear]):
    r"""What Newton's method needs to know of $F(x) = 0$; points and residuals are trees of arrays.

    Attributes:
        evaluate: x to F(x).
        linearise: x to F(x) and what solves linear systems there, such as the Jacobian.
        direction: that and F(x) to the step $J^{-1} F(x)$, which is subtracted; NaN where there is none.
        move: a search and a part of the step to the point less that part, brought back to where F is defined.
        norm: F(x) and x to the size of the residual, which the search makes small.
        near: F(x) and x to whether rounding may be all that is left; None where a norm below 1e-6 tells.
    """

    evaluate: Callable[[Point], Residual]
    linearise: Callable[[Point], tuple[Residual, Linear]]
    direction: Callable[[Linear, Residual], Point]
    move: Callable[[Search[Point, Residual], Point], Point]
    norm: Callable[[Residual, Point], Float[Array, ""]]
    near: Callable[[Residual, Point], Bool[Array, ""]] | None = None

    def begin(self, point: Point) -> Search[Point, Residual]:
        """A search that has taken no step."""
        remainder = self.evaluate(point)
        return Search(point, remainder, self.norm(remainder, point), jnp.asarray(0))


def unevaluated(point: Point) -> Search[Point, Point]:
    """A search that has taken no step and does not know its residual yet, which has the shape of the point."""
    return Search(point, jax.tree.map(jnp.zeros_like, point), jnp.asarray(jnp.inf), jnp.asarray(0))


def newton(
    equations: Equations[Point, Residual, Linear],
    search: Search[Point, Residual],
    *,
    max_steps: int | Array = MAX_STEPS,
    tolerance: float | Array = TOLERANCE,
    damped: bool = True,
    active: Bool[Array, ""] | bool = True,
) -> Landing[Point, Residual, Linear]:
    """Newton's method, for use inside jit and vmap.

    Args:
        equations: the problem.
        search: where to go on from; its residual and norm are not read.
        max_steps: bound on further steps.
        tolerance: norm at which it stops.
        damped: halve a step until the residual falls, and stop where no part of it helps or, near a zero, a few
            did not halve it: what is left then is rounding. False takes whole steps
            whatever they do: for operators on which they are known to converge, and to stay near a predicted point.
        active: False returns `search` unchanged and a linearisation of zeros, at no cost.

    Returns:
        The search at its end, with the linearisation there; damped, its norm never exceeds the one it began with.
    """
    last = search.steps + max_steps

    def unfinished(carry: tuple[Landing[Point, Residual, Linear], Array, Array]) -> Bool[Array, ""]:
        return active & ~carry[1]

    def advance(
        search: Search[Point, Residual], idle: Int[Array, ""]
    ) -> tuple[Landing[Point, Residual, Linear], Bool[Array, ""], Int[Array, ""]]:
        remainder, linear = equations.linearise(search.point)
        search = search._replace(remainder=remainder, norm=equations.norm(remainder, search.point))
        # The last round takes no step: its linearisation belongs to the end.
        ended = ~(search.norm > tolerance) | (search.steps >= last) | (idle >= _IDLE_STEPS)
        step = equations.direction(linear, remainder)
        take = _part_that_helps if damped else _whole
        kept, stalled = take(equations, search, step, active=~ended)
        near = search.norm <= NEAR if equations.near is None else equations.near(remainder, search.point)
        useless = near & (kept.norm > _IDLE * search.norm) & damped
        return Landing(kept, linear), ended | stalled, idle + useless

    # The first round is one of the loop's, so that the linearisation is compiled once.
    none = jnp.asarray(0)
    shapes = jax.eval_shape(advance, search, none)[0]
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    start = (nothing._replace(search=search), jnp.asarray(False), none)
    result: Landing[Point, Residual, Linear] = jax.lax.while_loop(
        unfinished, lambda carry: advance(carry[0].search, carry[2]), start
    )[0]
    return result


def _whole(
    equations: Equations[Point, Residual, Linear],
    search: Search[Point, Residual],
    step: Point,
    *,
    active: Bool[Array, ""],
) -> tuple[Search[Point, Residual], Array]:
    """The search after the whole step; its residual is that of the next round."""
    trial = search._replace(point=equations.move(search, step), steps=search.steps + 1)
    return _where(active, trial, search), ~active


def _part_that_helps(
    equations: Equations[Point, Residual, Linear],
    search: Search[Point, Residual],
    step: Point,
    *,
    active: Bool[Array, ""],
) -> tuple[Search[Point, Residual], Bool[Array, ""]]:
    """The longest of the halved steps that makes the residual fall, and whether there was none."""

    def accepted(trial: Search[Point, Residual], length: Array) -> Bool[Array, ""]:
        return trial.norm <= (1.0 - SUFFICIENT_DECREASE * length) * search.norm

    def unfinished(carry: tuple[Array, Search[Point, Residual]]) -> Bool[Array, ""]:
        length, trial = carry
        return active & ~accepted(trial, length) & (length > SMALLEST_STEP)

    def halve(carry: tuple[Array, Search[Point, Residual]]) -> tuple[Array, Search[Point, Residual]]:
        length = 0.5 * carry[0]
        trial = equations.begin(equations.move(search, jax.tree.map(lambda leaf: length * leaf, step)))
        return length, trial._replace(steps=search.steps + 1)

    # Twice the step, which is halved before it is tried.
    nothing = search._replace(norm=jnp.full_like(search.norm, jnp.inf))
    length, trial = jax.lax.while_loop(unfinished, halve, (jnp.asarray(2.0), nothing))
    success = active & accepted(trial, length)
    return _where(success, trial, search), ~success


def _where(
    condition: Bool[Array, ""], new: Search[Point, Residual], old: Search[Point, Residual]
) -> Search[Point, Residual]:
    result: Search[Point, Residual] = jax.tree.map(lambda first, second: jnp.where(condition, first, second), new, old)
    return result
