r"""The equation around a point: its linear part, how singular that is, and how much it bends."""

import dataclasses
import math

import numpy as np
import scipy.linalg
from jaxtyping import Float

from smfg_verify.exact.implicit.problem import Problem, Vector

_EPSILON = float(np.finfo(float).eps)
# Draws of roundings, and of displacements.
_DRAWS = 4
# Newton steps from the point; a double zero is halved by each.
_STEPS = 60
# Steps of so many times what roundings of F come to are none.
_SMALL = 16.0
# Roundings of F come to less than this share of its terms.
_ROUGH = 1e-10


@dataclasses.dataclass(frozen=True)
class Local:
    """F around a point.

    Attributes:
        x: the point, (D,).
        residual: F there.
        slopes: dF/dx, with df/dx as its last row, (D + 1, D).
        factors: of dF/dx; None where it is not finite.
        scale: natural size of each entry of x: of its array, or what parameters of their own size move it by.
        step: what Newton's method takes from x.
        noise: what roundings make of F, about.
        rough: whether that is more than roundings of its terms come to: F jumps there, or hides what cancels.
        reach: what roundings move a solution by.
        solved: whether nothing is left to be gained.
    """

    x: Vector
    residual: Vector
    slopes: Float[np.ndarray, "D1 D"]
    factors: tuple[np.ndarray, np.ndarray] | None
    scale: Vector
    step: Vector
    noise: Vector
    rough: bool
    reach: Vector
    solved: bool

    @property
    def condition(self) -> float:
        """Least condition number of dF/dx over all units; infinite where it is singular."""
        if self.factors is None:
            return math.inf
        matrix = self.slopes[:-1]
        with np.errstate(all="ignore"):
            return float(np.max(np.abs(np.linalg.eigvals(np.abs(self.solve(np.eye(len(matrix)))) @ np.abs(matrix)))))

    def solve(self, right: np.ndarray, *, transposed: bool = False) -> np.ndarray:
        """Solutions of the linear part; NaN where there are none."""
        if self.factors is None:
            return np.full(np.shape(right), np.nan)
        found: np.ndarray = scipy.linalg.lu_solve(self.factors, right, trans=int(transposed), check_finite=False)
        return found


def local_at(problem: Problem, x: Vector, rng: np.random.Generator) -> Local:
    """F around a point.

    Args:
        problem: the equation.
        x: the point.
        rng: of draws.

    Returns:
        What is found.
    """
    with np.errstate(all="ignore"):  # what is not finite is told as such
        residual, slopes = problem.both(x, problem.params)[:-1], np.asarray(problem.slopes(x, problem.params))
        matrix, size = slopes[:-1], len(x)
        factors = _factors(matrix)
        if factors is None:
            unknown = np.full(size, np.inf)
            scale = problem.x_scale
            zero = bool(np.all(residual == 0.0))  # of a singular equation nothing tells what roundings are
            return Local(x, residual, slopes, None, scale, unknown, unknown, True, unknown, zero)
        columns = scipy.linalg.lu_solve(factors, np.eye(size), check_finite=False)
        scale, pushed = _sensitivity(problem, x, columns, rng)
        terms = np.abs(matrix) @ np.maximum(np.abs(x), scale) + pushed
        noise = _noise(problem, x, residual, rng)
        rough = not np.all(noise <= _ROUGH * terms)
        noise = np.minimum(noise, _ROUGH * terms) + _EPSILON * terms
        step, reach = columns @ residual, np.abs(columns) @ noise
        solved = bool(np.all(np.abs(step) <= _SMALL * np.maximum(reach, _EPSILON * np.abs(x))))
        return Local(x, residual, slopes, factors, scale, step, noise, rough, reach, solved)


def newton_from(problem: Problem, here: Local, rng: np.random.Generator) -> Local:
    """Where Newton's method comes to from a point: how far that is tells how far a solution is, if it gets there."""
    at = here
    for _ in range(_STEPS):
        if at.solved or at.factors is None or not np.all(np.isfinite(at.step)):
            break
        at = local_at(problem, at.x - at.step, rng)
    return at


def _factors(matrix: Float[np.ndarray, "D D"]) -> tuple[np.ndarray, np.ndarray] | None:
    if not np.all(np.isfinite(matrix)):
        return None
    factors, pivots, _ = scipy.linalg.lapack.dgetrf(matrix)
    regular = bool(np.all(np.diag(factors) != 0.0))
    return (factors, pivots) if regular else None


def _noise(problem: Problem, x: Vector, residual: Vector, rng: np.random.Generator) -> Vector:
    """What roundings make of F, about: how far it is from linear over a few spacings of x and parameters."""
    params, worst = problem.params, np.zeros(len(x))
    for _ in range(_DRAWS):
        moved, turned = (at * (1.0 + 4.0 * _EPSILON * rng.choice([-1.0, 1.0], len(at))) for at in (x, params))
        linear = np.asarray(problem.along(x, params, moved - x, turned - params))[:-1]
        missed = np.abs(problem.both(moved, turned)[:-1] - residual - linear)
        worst = np.fmax(worst, missed)
    return worst


def _sensitivity(problem: Problem, x: Vector, columns: np.ndarray, rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Natural sizes of x and of F: that of x's arrays, and what both move by where parameters do by their own size."""
    sizes, pushed = problem.x_scale, np.zeros(len(x))
    for _ in range(_DRAWS):
        along = problem.params_scale * rng.choice([-1.0, 1.0], len(problem.params))
        moved = np.asarray(problem.along(x, problem.params, np.zeros(len(x)), along))[:-1]
        if np.all(np.isfinite(moved)):
            sizes, pushed = np.maximum(sizes, np.abs(columns @ moved)), np.maximum(pushed, np.abs(moved))
    return sizes, pushed


def bend_of(problem: Problem, local: Local, rng: np.random.Generator) -> float:
    """Largest change of dF/dx, relative to it, over Newton's step and over what roundings move a solution by.

    Args:
        problem: the equation.
        local: what is known around a point.
        rng: of displacements.

    Returns:
        The change, in units of the point's scale; infinite where dF/dx is singular.
    """
    if local.factors is None:
        return math.inf
    matrix, units = local.slopes[:-1], np.where(local.scale > 0.0, local.scale, 1.0)
    width, worst = np.maximum(np.abs(local.step), local.reach), 0.0
    drawn = rng.choice([-1.0, 1.0], (_DRAWS // 2, len(width)))
    drawn[0] = np.where(local.step > 0.0, -1.0, 1.0)  # as Newton's step
    with np.errstate(all="ignore"):
        for signs in (*drawn, *-drawn):  # either way: F may be flat on one side alone
            moved = np.asarray(problem.slopes(local.x + signs * width, problem.params))[:-1]
            change = local.solve(moved - matrix) * units[None, :] / units[:, None]
            worst = max(worst, float(np.nan_to_num(np.max(np.sum(np.abs(change), axis=1)), nan=math.inf)))
    return worst
