r"""The gradient of $f(x(p), p)$ where $F(x(p), p) = 0$, with what is known against it.

$\nabla f = f_p - F_p^T \lambda$, $F_x^T \lambda = f_x$. Automatic differentiation through a solver gives a number also
where x is no solution, where F_x is singular and where F has no derivative; here each of these is looked for.
"""

import dataclasses
import enum
from collections.abc import Callable
from typing import ClassVar

import jax
import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from smfg_verify.errors import NumericalError
from smfg_verify.exact.implicit.linear import Local, bend_of, local_at, newton_from
from smfg_verify.exact.implicit.probes import FARTHEST, Sides, compare_sides
from smfg_verify.exact.implicit.problem import Problem, Vector, flat_problem
from smfg_verify.exact.precision import require_float64
from smfg_verify.game.checks.differences import SlopeStatus
from smfg_verify.records.readable import Readable
from smfg_verify.records.status import NamedStatus

# Newton's method has one zero nearby where dF/dx changes by less than this over a step, relative to itself.
_MOST_BENT = 0.25
# Where x is off by more than the tolerance of its own size, or too far for kinks on the way to be seen, what its
# gradient may change by on the way, relatively.
_MOST_MOVED = 0.01
# Least condition numbers, over all units, from which a matrix is singular for all that floats tell.
_SINGULAR = 1e12


class ImplicitVerdict(NamedStatus, enum.IntEnum):
    """What is said of a gradient.

    TRUSTED: nothing is known against it, up to what `gradient_error` says.
    NOT_CONVERGED: x is no solution, by more than the tolerance, or by enough to bend dF/dx.
    NOT_LOCALLY_UNIQUE: dF/dx is singular at the solution, or as good as.
    NOT_DIFFERENTIABLE: F or f has a kink or a jump there, or a derivative that is not its own.

    Examples:
        >>> from smfg_verify.exact import ImplicitVerdict, implicit_certificate
        >>> found = implicit_certificate(lambda x, p: x * x - p, 0.0, 0.0, lambda x, p: x, throw=False)
        >>> found.verdict is ImplicitVerdict.NOT_LOCALLY_UNIQUE
        True
    """

    TRUSTED = 0
    NOT_CONVERGED = 1
    NOT_LOCALLY_UNIQUE = 2
    NOT_DIFFERENTIABLE = 3


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ImplicitCertificate(Readable):
    r"""A gradient and what is known of it; estimates, and no proofs.

    Attributes:
        verdict: an `ImplicitVerdict`.
        gradient: of f in the parameters, as they are; NaN unless trusted.
        residual: largest entry of F.
        error: how far Newton's method moves x, relative to the largest entry of each array, or to what parameters of
            their own size would move x by where that is more; infinite where it comes to no solution.
        bend: how much dF/dx changes, relative to itself, over what roundings of F move the solution by; from 1/4 on
            there need be no solution nearby, or more than one.
        condition: $\rho(|F_x^{-1}| |F_x|)$, the least condition number over all units of unknowns and equations.
        adjoint_residual: of the adjoint equation: the largest relative change of its entries that would make it hold.
        gradient_error: Euclidean norm of what the gradient changes by at the solution that Newton's method finds.
        slopes: the derivatives against one-sided differences, a `SlopeStatus`.
        miss: how far the worst difference is from its derivative, relative to the steepest entry.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.exact import implicit_certificate
        >>> found = implicit_certificate(lambda x, p: x - p * jnp.cos(x), 0.73908513321516067, 1.0, lambda x, p: x)
        >>> found.verdict.label, round(float(found.gradient), 6)
        ('trusted', 0.441611)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("verdict", "gradient", "error", "condition", "gradient_error")

    verdict: ImplicitVerdict
    gradient: PyTree
    residual: float
    error: float
    bend: float
    condition: float
    adjoint_residual: float
    gradient_error: float
    slopes: SlopeStatus
    miss: float


def implicit_certificate(
    residual: Callable[[PyTree, PyTree], PyTree],
    x: PyTree[ArrayLike],
    params: PyTree[ArrayLike],
    objective: Callable[[PyTree, PyTree], ArrayLike],
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
    throw: bool = True,
) -> ImplicitCertificate:
    r"""The gradient of an objective through an equation, by the implicit function theorem, with its certificate.

    $\frac{d}{dp} f(x(p), p) = f_p - F_p^T \lambda$ with $F_x^T \lambda = f_x$.

    Args:
        residual: F(x, params), as many equations as x has entries, traceable by JAX and differentiable both ways.
        x: a solution as somebody found it, arrays of any shapes.
        params: parameters, arrays of any shapes.
        objective: f(x, params), a number.
        tolerance: what x may be off by, relative to the largest entry of each of its arrays; where parameters move
            it by more than its own size, more, as long as the gradient stays within a percent.
        seed: of the directions along which differences are taken.
        throw: raise unless the gradient is trusted; if False, it is NaN then.

    Returns:
        The certificate.

    Raises:
        ValueError: float64 is off, equations, unknowns and objective do not fit, something is complex, or JAX has no
            derivative forward or in reverse.
        NumericalError: the verdict is not TRUSTED, and `throw`.

    Source: the theorem, and condition numbers over all units, F. L. Bauer, Numer. Math. 5 (1963).

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.exact import implicit_certificate
        >>> matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
        >>> p = np.array([1.0, 2.0])
        >>> x = np.linalg.solve(matrix, p)
        >>> found = implicit_certificate(lambda x, p: matrix @ x - p, x, p, lambda x, p: x.sum())
        >>> [round(float(slope), 6) for slope in found.gradient]
        [0.4, 0.2]
    """
    require_float64(None)
    problem = flat_problem(residual, x, params, objective)
    found = _certified(problem, tolerance, np.random.default_rng(seed))
    if throw and found.verdict is not ImplicitVerdict.TRUSTED:
        raise NumericalError(
            f"implicit gradient: {found.verdict.label}; residual {found.residual:.3g}, error {found.error:.3g}, bend "
            f"{found.bend:.3g}, condition {found.condition:.3g}, one-sided differences: {found.slopes.label}."
        )
    return found


def _certified(problem: Problem, tolerance: float, rng: np.random.Generator) -> ImplicitCertificate:
    here = local_at(problem, problem.x, rng)
    there = newton_from(problem, here, rng)
    error, own = (_apart(problem, there, scale) for scale in (there.scale, problem.x_scale))
    sides = compare_sides(problem, here, there, error, rng)
    with np.errstate(all="ignore"):  # infinite slopes are told as such
        gradients = [_gradient(problem, local) for local in (here, there)]
        moved = float(np.linalg.norm(gradients[1][0] - gradients[0][0]))
    gradient, adjoint_residual = gradients[0]
    near = own <= min(tolerance, FARTHEST) or moved <= _MOST_MOVED * float(np.linalg.norm(gradient))
    bends, condition = [bend_of(problem, local, rng) for local in (here, there)], there.condition
    unique = not there.solved or (bends[1] < _MOST_BENT and condition < _SINGULAR)
    converged = near and error <= tolerance and bends[0] < _MOST_BENT
    verdict = _verdict(here, unique, converged, gradient, sides)
    told = gradient if verdict is ImplicitVerdict.TRUSTED else np.full_like(gradient, np.nan)
    return ImplicitCertificate(
        verdict=verdict,
        gradient=problem.restore(told),
        residual=float(np.max(np.abs(here.residual))),
        error=error,
        bend=bends[1],
        condition=condition,
        adjoint_residual=adjoint_residual,
        gradient_error=moved,
        slopes=sides.status,
        miss=sides.miss,
    )


def _apart(problem: Problem, there: Local, scale: Vector) -> float:
    """How far x is from the solution, relative to a scale."""
    if not there.solved or not np.all(np.isfinite(there.x)):
        return float("inf")
    apart = np.abs(there.x - problem.x)
    with np.errstate(over="ignore"):
        return float(np.max(np.where(apart > 0.0, apart / np.maximum(scale, np.finfo(float).tiny), 0.0)))


def _verdict(here: Local, unique: bool, converged: bool, gradient: Vector, sides: Sides) -> ImplicitVerdict:
    """What is most against the gradient, in the order in which one thing hides the next."""
    if not unique:
        return ImplicitVerdict.NOT_LOCALLY_UNIQUE
    if not converged:
        return ImplicitVerdict.NOT_CONVERGED
    finite = np.all(np.isfinite(here.slopes)) and np.all(np.isfinite(gradient))
    if here.rough or sides.status is not SlopeStatus.AGREES or not finite:
        return ImplicitVerdict.NOT_DIFFERENTIABLE
    return ImplicitVerdict.TRUSTED


def _gradient(problem: Problem, local: Local) -> tuple[Float[np.ndarray, " P"], float]:
    """The gradient by one adjoint solve, and the backward error of that, entry by entry."""
    right = local.slopes[-1]
    weights = local.solve(right, transposed=True)
    matrix = local.slopes[:-1].T
    defect, size = np.abs(matrix @ weights - right), np.abs(matrix) @ np.abs(weights) + np.abs(right)
    weighted: Vector = np.append(-weights, 1.0)
    gradient = np.asarray(jax.device_get(problem.back(local.x, problem.params, weighted)))
    return gradient, float(np.max(np.where(size > 0.0, defect / np.where(size > 0.0, size, 1.0), defect)))
