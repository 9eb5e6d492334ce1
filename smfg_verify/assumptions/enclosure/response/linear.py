r"""Solutions of linear equations over cells: a model of them, and a bound of what it misses.

Values are told relative to the last state and laws without it, so that both kinds of equation have one matrix,
$M_{st} = P_{st} - P_{\text{last}, t}$ with s, t before the last: $u = b + \gamma M u$ and $x = b + x M$.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, apply, total
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

# A determinant below is that of a singular matrix, or one whose inverse helps nobody.
_SINGULAR = 1e-200
# A factor this near to 1 may be 1.
_LEAST_ROOM = 1e-9


class Solver(NamedTuple):
    r"""What the equations of one matrix share.

    Attributes:
        matrix: M over the cells, (k, k).
        inverse: Y, near the inverse of I - gamma M at the centres, (k, k, K): of any quality.
        miss: bound of $|I - Y (I - \gamma M)|$ over the cells, for values; of $|I - (I - M) Y|$, for laws.
    """

    matrix: Model
    inverse: Float[np.ndarray, "k k K"]
    miss: Float[np.ndarray, "k k K"]


def near_inverse(matrix: Float[np.ndarray, "k k K"], discount: float) -> Float[np.ndarray, "k k K"]:
    """An approximate inverse of I - gamma M for each cell; zero where there is none."""
    size = matrix.shape[0]
    systems = np.eye(size) - discount * np.moveaxis(matrix, -1, 0)
    good = np.all(np.isfinite(systems), axis=(1, 2))
    found = np.zeros_like(systems)
    try:
        found[good] = _solved(systems[good])
    except np.linalg.LinAlgError:
        good[good] = np.abs(np.linalg.det(systems[good])) > _SINGULAR
        found[good] = _solved(systems[good])
    inverse: Float[np.ndarray, "k k K"] = np.ascontiguousarray(np.moveaxis(found, 0, -1))
    return inverse


def _solved(systems: Float[np.ndarray, "K k k"]) -> Float[np.ndarray, "K k k"]:
    size = systems.shape[1]
    result: Float[np.ndarray, "K k k"] = np.linalg.solve(systems, np.broadcast_to(np.eye(size), systems.shape))
    return result


def value_solver(matrix: Model, inverse: Float[np.ndarray, "k k K"], discount: float) -> Solver:
    """For equations of values, at a discount."""
    return Solver(matrix, inverse, _miss(inverse, matrix, discount))


def law_solver(matrix: Model, inverse: Float[np.ndarray, "k k K"]) -> Solver:
    """For equations of laws."""
    # (I - M) Y, by the transposes, so that one function serves.
    swapped = matrix.moved(_transposed)
    miss = _miss(_transposed(inverse), swapped, 1.0)
    return Solver(matrix, inverse, _transposed(miss))


def _transposed(array: np.ndarray) -> np.ndarray:
    return np.swapaxes(array, -3, -2)


def _miss(inverse: np.ndarray, matrix: Model, discount: float) -> Float[np.ndarray, "k k K"]:
    """|I - Y (I - g M)|: what is left at the centre, with its roundings, and what M does besides."""
    size = matrix.centre.shape[0]
    weights = np.abs(inverse)
    centre = np.eye(size)[..., None] - inverse + discount * np.einsum("stk,tuk->suk", inverse, matrix.centre)
    scale = np.eye(size)[..., None] + weights + discount * np.einsum("stk,tuk->suk", weights, matrix.size)
    moved = discount * np.einsum("stk,tuk->suk", weights, matrix.deviation)
    miss: Float[np.ndarray, "k k K"] = OUTWARD * (np.abs(centre) + moved) + (size + 8) * EPSILON * scale + TINY
    return miss


def better_values(solver: Solver, guess: Model, residual: Model, span: Float[np.ndarray, "*j K"]) -> Model:
    r"""The solution of an equation of values, from a guess and a bound of the span of what it misses.

    $e = u - \hat u$ solves $e = Y \rho + (I - Y (I - \gamma M)) e$, so $\hat u + Y \rho$ misses the second part alone.

    Args:
        solver: of values.
        guess: $\hat u$, last axis before the cells' of the states.
        residual: rho, the guess put into the equation less itself.
        span: of the miss over all states.

    Returns:
        A model of the solution.
    """
    letters = "j" * (residual.centre.ndim - 2)
    step = apply(f"{letters}t,st->{letters}s", residual, solver.inverse)
    rest = np.einsum(f"stk,{letters}k->{letters}sk", solver.miss, span)
    missed = np.minimum(OUTWARD * (step.largest + rest) + TINY, span[..., None, :])
    again = np.einsum(f"stk,{letters}tk->{letters}sk", solver.miss, missed)
    return _better((guess + step).widened(OUTWARD * again + TINY), guess.widened(missed))


def better_laws(solver: Solver, guess: Model, residual: Model, norm: Float[np.ndarray, "*j K"]) -> Model:
    r"""The same of laws, from a bound of the l1 norm of what is missed, or from its own.

    $e = \rho Y + e (I - (I - M) Y)$.
    """
    letters = "j" * (residual.centre.ndim - 2)
    step = apply(f"{letters}s,st->{letters}t", residual, solver.inverse)
    own = over(np.sum(step.largest, axis=-2), _row_sums(solver.miss))
    norm = np.minimum(norm, own)[..., None, :]
    finite = np.isfinite(norm)
    spread = OUTWARD * (step.largest + np.where(finite, norm, 0.0) * np.max(solver.miss, axis=0)) + TINY
    missed = np.minimum(spread, norm)
    again = np.einsum(f"{letters}sk,stk->{letters}tk", np.where(finite, missed, 0.0), solver.miss)
    found = (guess + step).widened(np.where(finite, OUTWARD * again + TINY, np.inf))
    return _better(found, guess.widened(np.where(finite, missed, np.inf)))


def _better(first: Model, second: Model) -> Model:
    """Of two models of the same numbers that with the smaller radius, entry by entry."""
    chosen = first.radius <= second.radius
    if np.all(chosen):
        return first
    centre, linear, quadratic, radius = (
        np.where(chosen, one, other)
        for one, other in (
            (first.centre, second.centre),
            (first.linear, second.linear),
            (first.quadratic, second.quadratic),
            (first.radius, second.radius),
        )
    )
    return Model(centre, linear, quadratic, radius, first.shape)


def mixing_factor(solver: Solver, variation: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
    """How far a law moves in l1, at most, where rows move by 1 in l1: by the chain's contraction, or by the inverse."""
    weights = _row_sums(np.abs(solver.inverse))
    ones = np.ones_like(weights)
    factor: Float[np.ndarray, " K"] = np.minimum(over(ones, variation), over(2.0 * weights, _row_sums(solver.miss)))
    return factor


def _row_sums(matrix: Float[np.ndarray, "k k K"]) -> Float[np.ndarray, " K"]:
    sums: Float[np.ndarray, " K"] = OUTWARD * np.max(np.sum(matrix, axis=1), axis=0)
    return sums


def span_of(residual: Model, factor: float | Float[np.ndarray, " K"]) -> Float[np.ndarray, "*j K"]:
    """Bound of the span of e = rho + (something that shrinks spans by the factor) e; rho is zero at the last state."""
    above = np.maximum(np.max(residual.upper, axis=-2), 0.0)
    below = np.minimum(np.min(residual.lower, axis=-2), 0.0)
    return over(above - below, factor)


def norm_of(residual: Model, factor: float | Float[np.ndarray, " K"]) -> Float[np.ndarray, "*j K"]:
    """Bound of the l1 norm of e = rho + e P with P shrinking it by the factor; rho sums to zero with its last entry."""
    return over(np.sum(residual.largest, axis=-2) + total(residual).largest, factor)


def over(size: Float[np.ndarray, "*j K"], factor: float | Float[np.ndarray, " K"]) -> Float[np.ndarray, "*j K"]:
    """A size over 1 less a factor, rounded up; infinite where that may be nothing."""
    room = 1.0 - np.asarray(factor)
    bound: Float[np.ndarray, "*j K"] = np.where(room > _LEAST_ROOM, OUTWARD * OUTWARD * size / room, np.inf)
    return bound + TINY
