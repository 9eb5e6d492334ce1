"""One-sided differences of an equation and an objective along the curve of its solutions."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.exact.implicit.linear import Local
from smfg_verify.exact.implicit.problem import Problem, Vector
from smfg_verify.game.checks.differences import SlopeStatus, judge

# Lengths of differences, relative to the sizes of what moves, and how far the shortest grows with the error of x.
_LENGTHS, _LONGEST_SHORTEST = 2.0 ** np.array([-30.0, -24.0, -18.0]), 2.0**-22
_BEYOND_ERROR = 4.0
# Towards the solution, in how far it is: a kink on the way is one slope at each, a curvature grows with them.
_ONWARD, _LONGEST_ONWARD = np.array([4.0, 16.0, 64.0]), 2.0**-8
# Farther off than this, a kink on the way is seen by what the gradient changes by, and by nothing else.
FARTHEST = _LONGEST_ONWARD / float(_ONWARD[-1])
# Relative to the steepest entry, what a slope may miss without a word.
_NEGLIGIBLE = 1e-7
_DIRECTIONS = 4


class Sides(NamedTuple):
    """What differences say.

    Attributes:
        status: a `SlopeStatus`.
        miss: how far the worst is from its derivative, relative to the steepest entry.
    """

    status: SlopeStatus
    miss: float


class Way(NamedTuple):
    """A direction of unknowns and parameters, of length one in their units, and the lengths of its differences."""

    moved: Vector
    ahead: Vector
    lengths: Float[np.ndarray, " L"]


def compare_sides(problem: Problem, here: Local, there: Local, error: float, rng: np.random.Generator) -> Sides:
    """F and f at $(x, p) \\pm h (dx/dp\\, v, v)$ against their derivatives along it, v drawn, and towards the solution.

    Args:
        problem: the equation.
        here: what is known around x.
        there: around the solution that Newton's method finds.
        error: of x, relative: kinks nearer than that are at the point for all that is known.
        rng: of the directions.

    Returns:
        What they say, of the worst direction.
    """
    found = Sides(SlopeStatus.AGREES, 0.0)
    with np.errstate(all="ignore"):
        ways = [_drawn(problem, here, error, rng) for _ in range(_DIRECTIONS)] + _onward(problem, here, there)
    for way in ways:
        with np.errstate(all="ignore"):
            one = _along(problem, here, *way)
        if one.status is SlopeStatus.UNKNOWN:
            return one
        found = max(found, one, key=lambda sides: sides.miss)
    return found


def _drawn(problem: Problem, here: Local, error: float, rng: np.random.Generator) -> Way:
    """A direction along the curve of solutions, of x and of parameters, and lengths beyond the error of x."""
    units = _units(problem.params_scale)
    ahead = units * rng.uniform(-1.0, 1.0, len(units))
    pushed = np.asarray(problem.along(here.x, problem.params, np.zeros(len(here.x)), ahead))[:-1]
    moved = -here.solve(pushed)
    shortest = np.clip(_BEYOND_ERROR * error, _LENGTHS[0], _LONGEST_SHORTEST)
    size = max(np.max(np.abs(moved / _units(here.scale))), np.max(np.abs(ahead / units)))
    return Way(moved / size, ahead / size, shortest * _LENGTHS / _LENGTHS[0])


def _onward(problem: Problem, here: Local, there: Local) -> list[Way]:
    """The direction of the solution, and lengths beyond it: beyond a kink, slopes at x are those of no solution."""
    moved = there.x - here.x
    if not there.solved or not np.any(moved):
        return []
    units = np.where(problem.x_scale > 0.0, problem.x_scale, _units(here.scale))
    size = float(np.max(np.abs(moved / units)))
    return [
        Way(moved / size, np.zeros(len(problem.params)), np.clip(size, _LENGTHS[0] / _ONWARD[0], FARTHEST) * _ONWARD)
    ]


def _units(scale: Vector) -> Vector:
    units: Vector = np.where(scale > 0.0, scale, 1.0)
    return units


def _along(problem: Problem, here: Local, moved: Vector, ahead: Vector, lengths: Float[np.ndarray, " L"]) -> Sides:
    """Of one direction."""
    x, p = here.x, problem.params
    # Equations in units of their roundings, which are those of their terms: F is a difference of what cancels.
    roundings = here.noise / np.finfo(float).eps
    level, unit = np.append(roundings, 0.0), np.append(_units(roundings), 1.0)
    value, slope = (problem.both(x, p) + level) / unit, np.asarray(problem.along(x, p, moved, ahead)) / unit
    forward, backward = (
        np.array([(problem.both(x + h * moved, p + h * ahead) + level) / unit for h in side * lengths])
        for side in (1.0, -1.0)
    )
    told = judge(value, slope, forward, backward, lengths, (len(x), 1), _NEGLIGIBLE)
    if not (bool(told.finite) and np.all(np.isfinite(slope))):
        return Sides(SlopeStatus.UNKNOWN, np.inf)
    worst = int(np.argmax(told.miss))
    miss = float(told.miss[worst])
    if miss == 0.0:
        return Sides(SlopeStatus.AGREES, 0.0)
    return Sides(SlopeStatus.WRONG_RULE if told.wrong_rule[worst] else SlopeStatus.KINK, miss)
