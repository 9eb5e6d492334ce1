"""One-sided differences of an equation and an objective along the curve of its solutions."""

from typing import NamedTuple

import numpy as np

from smfg_verify.exact.implicit.linear import Local
from smfg_verify.exact.implicit.problem import Problem
from smfg_verify.game.checks.differences import SlopeStatus, judge

# Lengths of differences, relative to the sizes of what moves, and how far the shortest grows with the error of x.
_LENGTHS, _LONGEST_SHORTEST = 2.0 ** np.array([-30.0, -24.0, -18.0]), 2.0**-22
_BEYOND_ERROR = 4.0
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


def compare_sides(problem: Problem, here: Local, error: float, rng: np.random.Generator) -> Sides:
    """F and f at $(x, p) \\pm h (dx/dp\\, v, v)$ against their derivatives along it, v drawn.

    Args:
        problem: the equation.
        here: what is known around x.
        error: of x, relative: kinks nearer than that are at the point for all that is known.
        rng: of the directions.

    Returns:
        What they say, of the worst direction.
    """
    found = Sides(SlopeStatus.AGREES, 0.0)
    for _ in range(_DIRECTIONS):
        with np.errstate(all="ignore"):
            one = _along(problem, here, error, rng)
        if one.status is SlopeStatus.UNKNOWN:
            return one
        found = max(found, one, key=lambda sides: sides.miss)
    return found


def _along(problem: Problem, here: Local, error: float, rng: np.random.Generator) -> Sides:
    """Of one direction."""
    x, p = here.x, problem.params
    ahead = np.where(problem.params_scale > 0.0, problem.params_scale, 1.0) * rng.uniform(-1.0, 1.0, len(p))
    pushed = np.asarray(problem.along(x, p, np.zeros(len(x)), ahead))[:-1]
    moved = -here.solve(pushed)
    units = np.where(here.scale > 0.0, here.scale, 1.0), np.where(problem.params_scale > 0.0, problem.params_scale, 1.0)
    size = max(np.max(np.abs(moved / units[0])), np.max(np.abs(ahead / units[1])))
    moved, ahead = moved / size, ahead / size
    shortest = np.clip(_BEYOND_ERROR * error, _LENGTHS[0], _LONGEST_SHORTEST)
    lengths = shortest * _LENGTHS / _LENGTHS[0]
    # F is a difference of what cancels: its roundings are those of its terms.
    level = np.append(here.noise / np.finfo(float).eps, 0.0)
    value, slope = problem.both(x, p) + level, np.asarray(problem.along(x, p, moved, ahead))
    forward, backward = (
        np.array([problem.both(x + h * moved, p + h * ahead) + level for h in side * lengths]) for side in (1.0, -1.0)
    )
    told = judge(value, slope, forward, backward, lengths, (len(x), 1), _NEGLIGIBLE)
    if not (bool(told.finite) and np.all(np.isfinite(slope))):
        return Sides(SlopeStatus.UNKNOWN, np.inf)
    worst = int(np.argmax(told.miss))
    miss = float(told.miss[worst])
    if miss == 0.0:
        return Sides(SlopeStatus.AGREES, 0.0)
    return Sides(SlopeStatus.WRONG_RULE if told.wrong_rule[worst] else SlopeStatus.KINK, miss)
