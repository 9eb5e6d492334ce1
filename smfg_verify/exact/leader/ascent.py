"""Ascent of one leader to a second-order point, as a search that asks for gradients and is told them.

A search yields policies and is sent the gradients there, so that many searches can be evaluated together.
"""

import enum
from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from jaxtyping import Array

from smfg_verify.exact.gradient.stackelberg import StackelbergGradient
from smfg_verify.exact.leader.ascent_steps import (
    LARGEST_MOVE,
    SMALLEST_SIZE,
    Iterate,
    NaturalStep,
    ProjectedStep,
    Step,
    never_zero,
    next_scale,
    project_rows,
)
from smfg_verify.exact.leader.curvature import Curvature, largest_curvature
from smfg_verify.game import AbstractGame
from smfg_verify.records.status import NamedStatus

# How far inside the simplex a search starts that is to end at a vertex, where an entropy's slope is infinite.
_INSIDE = 0.001
# A step may lose this much, relative to the larger of |Phi| and the unit, to rounding and still count as monotone.
_ROUNDING = 1e-13
_SUFFICIENT_INCREASE = 1e-4
_SMALLEST_ESCAPE = 2.0**-20


class AscentStatus(NamedStatus, enum.Enum):
    """Why an ascent ended.

    Examples:
        >>> from smfg_verify.exact import AscentStatus
        >>> AscentStatus.STALLED.value
        'no step increases the objective'
    """

    CONVERGED = "both stationarity measures are within the tolerance, and no direction of positive curvature is left"
    SADDLE = "stationary, with a direction of positive curvature along which no step increases the objective"
    CURVATURE_UNKNOWN = "stationary, and the second derivatives could not be computed"
    NOT_DIFFERENTIABLE = "the objective has no gradient there: a kink, or an equilibrium that is not locally unique"
    STALLED = "no step increases the objective"
    OUT_OF_STEPS = "the bound on the number of steps is reached"
    EQUILIBRIUM_FAILED = "an equilibrium on the way did not converge"


class Aim(NamedTuple):
    """What an ascent is to reach.

    Attributes:
        tolerance: of both stationarity measures and of a curvature, in units of the objective.
        unit: size of the objective below which its differences are measured against this.
        max_steps: bound on the number of steps.
    """

    tolerance: float
    unit: float
    max_steps: int

    def rounding(self, iterate: Iterate) -> float:
        """Difference of two objectives that rounding alone can make."""
        return _ROUNDING * max(self.unit, abs(iterate.objective))


class Ascent(NamedTuple):
    """Where an ascent went.

    Attributes:
        iterates: the accepted policies, in order.
        status: why it ended.
        curvature: at its end; None where that is not stationary.
        escapes: indices of the iterates reached by leaving a stationary point that was no maximum.
    """

    iterates: list[Iterate]
    status: AscentStatus
    curvature: Curvature | None
    escapes: tuple[int, ...]

    @property
    def last(self) -> Iterate:
        """Where it ended."""
        return self.iterates[-1]


Request = tuple[np.ndarray, Array | None]
Asking = Generator[Request, StackelbergGradient, Iterate]
AscentSearch = Generator[Request, StackelbergGradient, Ascent]


def _ask(policy: np.ndarray, near: Iterate | None) -> Asking:
    gradient = yield policy, None if near is None else near.gradient.equilibrium.mean_field
    return Iterate(policy, gradient)


def search(game: AbstractGame, policy: np.ndarray, aim: Aim) -> AscentSearch:
    """Climb from a policy; at a stationary point that is no maximum, leave it upwards and climb on.

    Args:
        game: the game, traced.
        policy: where to start, (O, B).
        aim: tolerance and bound on the steps.

    Returns:
        The search; its value is the ascent.
    """
    start = yield from _ask(policy, None)
    iterates, escapes = [start], list[int]()
    if not start.solved:
        return Ascent(iterates, AscentStatus.EQUILIBRIUM_FAILED, None, ())
    while True:
        status = yield from _climb(game, iterates, aim)
        if status is not AscentStatus.CONVERGED:
            return Ascent(iterates, status, None, tuple(escapes))
        curvature = largest_curvature(game, iterates[-1], aim.tolerance)
        if not curvature.known:
            return Ascent(iterates, AscentStatus.CURVATURE_UNKNOWN, curvature, tuple(escapes))
        higher = yield from _leave(game, iterates[-1], curvature, aim)
        if higher is None:
            if curvature.positive:
                curvature = largest_curvature(game, iterates[-1], aim.tolerance, near_ties=False)
            status = AscentStatus.SADDLE if curvature.positive else AscentStatus.CONVERGED
            return Ascent(iterates, status, curvature, tuple(escapes))
        if len(iterates) > aim.max_steps:
            return Ascent(iterates, AscentStatus.OUT_OF_STEPS, curvature, tuple(escapes))
        escapes.append(len(iterates))
        iterates.append(higher)


def _climb(
    game: AbstractGame, iterates: list[Iterate], aim: Aim
) -> Generator[Request, StackelbergGradient, AscentStatus]:
    """Add steps until both measures are within the tolerance (then CONVERGED, to first order); or why it ended."""
    step: type[Step] = NaturalStep if float(game.leader_temperature) > 0.0 else ProjectedStep
    scale: float | None = None
    while True:
        last = iterates[-1]
        if not last.differentiable:
            return AscentStatus.NOT_DIFFERENTIABLE
        if max(last.measures[1:]) <= aim.tolerance:
            return AscentStatus.CONVERGED
        if len(iterates) > aim.max_steps:
            return AscentStatus.OUT_OF_STEPS
        scale = 1.0 / max(float(np.max(np.abs(last.slope))), SMALLEST_SIZE) if scale is None else scale
        found = yield from _line_search(last, step(last.policy, last.slope, scale), aim)
        if isinstance(found, AscentStatus):
            return found
        if found.differentiable:
            scale = next_scale(step.coordinates(last), step.coordinates(found), scale)
        iterates.append(found)


def _line_search(
    last: Iterate, step: Step, aim: Aim
) -> Generator[Request, StackelbergGradient, Iterate | AscentStatus]:
    """The largest of the sizes 1, 1/2, 1/4, ... that increases the objective enough; or why there is none."""
    floor = last.objective - aim.rounding(last)
    size, failed = 1.0, False
    while size > SMALLEST_SIZE:
        trial = yield from _ask(step.at(size), last)
        failed = not trial.solved
        if not failed and trial.objective >= floor + _SUFFICIENT_INCREASE * size * step.rise:
            return trial
        size *= 0.5
    return AscentStatus.EQUILIBRIUM_FAILED if failed else AscentStatus.STALLED


def _leave(
    game: AbstractGame, last: Iterate, curvature: Curvature, aim: Aim
) -> Generator[Request, StackelbergGradient, Iterate | None]:
    """A higher policy along a direction of positive curvature, or of none; None where there is none.

    Without curvature the objective may still rise at higher order, as along a quartic; then it has to rise by more
    than the tolerance.
    """
    for direction in curvature.directions:
        size = 1.0
        while size > _SMALLEST_ESCAPE:
            wanted = 0.5 * _SUFFICIENT_INCREASE * curvature.largest * size**2 if curvature.positive else aim.tolerance
            for sign in (1.0, -1.0):
                trial = yield from _ask(_moved(game, last.policy, sign * size * direction), last)
                if trial.solved and trial.objective > last.objective + max(wanted, 10.0 * aim.rounding(last)):
                    return trial
            size *= 0.5
    return None


def _moved(game: AbstractGame, policy: np.ndarray, move: np.ndarray) -> np.ndarray:
    """The policy moved by a tangent: straight and back onto the simplex, or with leader entropy in the logits."""
    if float(game.leader_temperature) == 0.0:
        return project_rows(policy + move)
    logits = np.log(never_zero(policy)) + np.clip(move / never_zero(policy), -LARGEST_MOVE, LARGEST_MOVE)
    shifted = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    return never_zero(shifted / np.sum(shifted, axis=1, keepdims=True))


def near_vertex(game: AbstractGame, vertex: np.ndarray) -> np.ndarray:
    """A pure leader as a search can start from it: with leader entropy a little inside the simplex."""
    inside = _INSIDE if float(game.leader_temperature) > 0.0 else 0.0
    result: np.ndarray = (1.0 - inside) * vertex + inside / vertex.shape[1]
    return result
