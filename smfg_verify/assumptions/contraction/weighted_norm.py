r"""A weighted 2-norm in which the best-response map contracts, by a semidefinite program that is checked afterwards."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float

from smfg_verify import conic

# A solver's matrix is symmetric up to rounding; what is farther off is no answer of its.
_SYMMETRIC = 1e-9
# Lyapunov's equation is solved at a rate a little above the spectral radius, at which it has no solution.
_ABOVE = 1.05
# Linear matrix inequalities of more rows than this would take minutes.
LARGEST_SIZE = 24
LYAPUNOV = "discrete Lyapunov equation"
_NUM_BISECTIONS = 8
# Finest modulus looked for, and how far above the optimum the bisection stops, as a factor.
_FINEST = 1e-3
_SLACK = 1.02
# The program is asked for a little more than it needs, so that its tolerance does not spoil the check.
_MARGIN = 1e-6


class WeightedNorm(NamedTuple):
    """A norm x -> sqrt(x' X x) and the modulus verified in it.

    Attributes:
        modulus: largest modulus of the Jacobians in this norm, verified by eigenvalues; infinite where none was found.
        weight: X, (k, k), in the tangent basis; None where none was found.
        solved: whether some program ended "optimal" and its X passed the check.
        statuses: of the programs, in order.
        second_status: of the second solver on the last program.
    """

    modulus: float
    weight: Float[np.ndarray, "k k"] | None
    solved: bool
    statuses: tuple[str, ...]
    second_status: str

    @property
    def counts(self) -> dict[str, object]:
        """What was asked of the solvers, for `Finding.searched`."""
        return conic.counts_of(self.statuses, self.second_status)


NO_NORM = WeightedNorm(float("inf"), None, False, (), conic.NOT_ASKED)


def verified_modulus(jacobians: Float[np.ndarray, "N k k"], weight: Float[np.ndarray, "k k"]) -> float:
    r"""$\max_J \sqrt{\lambda_{\max}(L^{-1} J^T X J L^{-T})}$ with $X = L L^T$: the modulus in the norm of X.

    Args:
        jacobians: (N, k, k).
        weight: X, (k, k).

    Returns:
        The modulus; infinite where X is not symmetric positive definite or not finite.
    """
    if not np.all(np.isfinite(weight)) or np.max(np.abs(weight - weight.T), initial=0.0) > _SYMMETRIC * np.max(
        np.abs(weight), initial=0.0
    ):
        return float("inf")
    try:
        factor = np.linalg.cholesky(0.5 * (weight + weight.T))
    except np.linalg.LinAlgError:
        return float("inf")
    # |L' J L^-T| in the spectral norm; the solve is with the triangular factor only.
    largest = 0.0
    for jacobian in jacobians:
        whitened = scipy.linalg.solve_triangular(factor, (factor.T @ jacobian).T, lower=True).T
        largest = max(largest, float(np.linalg.norm(whitened, 2)))
    return largest


def find_weighted_norm(jacobians: Float[np.ndarray, "N k k"], *, second_opinion: bool = True) -> WeightedNorm:
    r"""Smallest rho for which one X > 0 gives $J^T X J \preceq \rho^2 X$ for all Jacobians, by bisection.

    A single Jacobian of more than `LARGEST_SIZE` rows is given the X of a discrete Lyapunov equation instead.

    Args:
        jacobians: on the tangents of the simplex, (N, k, k), finite.
        second_opinion: whether SCS is asked about the last program.

    Returns:
        The best norm that passed `verified_modulus`, whatever the solver claims.
    """
    low = max(_FINEST, max(_radius(jacobian) for jacobian in jacobians))
    if jacobians.shape[-1] > LARGEST_SIZE:
        return _by_lyapunov(jacobians, low)
    # First the Euclidean norm's own modulus, which is always feasible: it shows whether the solver works at all.
    high = max(low, max(float(np.linalg.norm(jacobian, 2)) for jacobian in jacobians))
    best = attempt(jacobians, _SLACK * high, NO_NORM)
    for _ in range(_NUM_BISECTIONS):
        if not best.solved or high <= _SLACK * low:
            break
        radius = 0.5 * (low + high)
        trial = attempt(jacobians, radius, best)
        passed = trial.statuses[-1] == conic.SOLVED and trial.modulus <= _SLACK * radius
        low, high = (low, radius) if passed else (radius, high)
        best = trial
    return attempt(jacobians, _SLACK * high, best, second_opinion=True) if second_opinion and best.solved else best


def _radius(jacobian: Float[np.ndarray, "k k"]) -> float:
    return float(np.max(np.abs(np.linalg.eigvals(jacobian)), initial=0.0))


def _by_lyapunov(jacobians: Float[np.ndarray, "N k k"], radius: float) -> WeightedNorm:
    r"""$X = \sum_j (J/\rho)^{jT} (J/\rho)^j$ has $J^T X J = \rho^2 (X - I)$ at any rho above the spectral radius."""
    if len(jacobians) > 1:
        return NO_NORM._replace(statuses=("failed: too many Jacobians of too many rows",))
    scaled = jacobians[0].T / (_ABOVE * radius)
    weight = scipy.linalg.solve_discrete_lyapunov(scaled, np.eye(len(scaled)), method="bilinear")
    weight = 0.5 * (weight + weight.T)
    modulus = verified_modulus(jacobians, weight)
    solved = bool(np.isfinite(modulus))
    return NO_NORM._replace(modulus=modulus, weight=weight if solved else None, solved=solved, statuses=(LYAPUNOV,))


def attempt(
    jacobians: Float[np.ndarray, "N k k"], radius: float, best: WeightedNorm, *, second_opinion: bool = False
) -> WeightedNorm:
    """The better of a norm and of what one program, for one modulus, finds.

    Args:
        jacobians: on the tangents of the simplex, (N, k, k), finite.
        radius: the modulus asked for.
        best: the norm so far.
        second_opinion: whether SCS is asked too.

    Returns:
        The better norm, with this program's status added.
    """
    import cvxpy as cp

    size = jacobians.shape[-1]
    weight = cp.Variable((size, size), symmetric=True, name="weight")
    constraints = [weight >> np.eye(size)]
    for jacobian in jacobians:
        slack = radius**2 * weight - jacobian.T @ weight @ jacobian
        # Symmetric in exact arithmetic; said again for the modelling layer, which looks at the expression.
        constraints.append(0.5 * (slack + slack.T) >> _MARGIN * radius**2 * np.eye(size))
    problem = cp.Problem(cp.Minimize(cp.trace(weight)), constraints)
    result = conic.solve(problem, second_opinion=second_opinion)
    best = best._replace(
        statuses=(*best.statuses, result.status),
        second_status=result.second_status,
    )
    if not result.solved or "weight" not in result.variables:
        return best
    found = result.variables["weight"]
    modulus = verified_modulus(jacobians, found)
    if modulus < best.modulus:
        return best._replace(modulus=modulus, weight=0.5 * (found + found.T), solved=True)
    return best
