r"""One weight for several Jacobians by a semidefinite program, or multipliers that show that there is none.

With $B_i = D\Gamma_i - I$ on tangents and a rate c: minimise s over $W \succeq 0$, tr W = 1, subject to
$W B_i + B_i^T W + 2 c W \preceq s I$. Its dual maximises t over $Z_i \succeq 0$, $\sum_i tr Z_i = 1$, subject to
$\sum_i (B_i + c I) Z_i + Z_i (B_i + c I)^T \succeq t I$. Negative s gives a weight of rate above c; positive t forbids
one, since both sides traced with W would have opposite signs.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify import conic
from smfg_verify.assumptions.one_sided.growth import frame_of, growths
from smfg_verify.exact.response_jacobian import tangent_basis

# Linear matrix inequalities of more rows than this would take minutes.
LARGEST_SIZE = 24
_NUM_BISECTIONS = 7
# The bisection stops this near to the rate that no weight exceeds.
_CLOSE = 0.02


class CommonWeight(NamedTuple):
    """What the programs found.

    Attributes:
        weight: W, (k, k), in the tangent basis; None where none was found.
        rate: smallest 1 - growth of the Jacobians in the norm of W, by eigenvalues; minus infinity where there is none.
        multipliers: Z_i of the program at rate 0, (N, k, k); None unless that program found no weight.
        statuses: of the programs, in order.
        second_status: of the second solver on the program at rate 0.
    """

    weight: Float[np.ndarray, "k k"] | None
    rate: float
    multipliers: Float[np.ndarray, "N k k"] | None
    statuses: tuple[str, ...]
    second_status: str

    @property
    def counts(self) -> dict[str, object]:
        """What was asked of the solvers, for `Finding.searched`."""
        return conic.counts_of(self.statuses, self.second_status)


NO_WEIGHT = CommonWeight(None, float("-inf"), None, (), conic.NOT_ASKED)


def find_common_weight(jacobians: Float[np.ndarray, "N M M"], highest: float) -> CommonWeight:
    """A weight in which all Jacobians have a common rate, as large as bisection finds.

    Args:
        jacobians: D Gamma at some points, finite, (N, M, M) with at most `LARGEST_SIZE` + 1 rows.
        highest: a rate that no weight exceeds.

    Returns:
        The weight whose rate, computed again by eigenvalues, is the largest; or multipliers where there is none.
    """
    program = _Program(jacobians)
    best = program.attempt(0.0, NO_WEIGHT, second_opinion=True)
    low, high = best.rate, highest
    for _ in range(_NUM_BISECTIONS):
        if best.weight is None or high - low <= _CLOSE * abs(high):
            break
        middle = 0.5 * (low + high)
        best = program.attempt(middle, best)
        low, high = (best.rate, high) if best.rate >= middle else (low, middle)
    return best


class _Program:
    """The semidefinite program, built once, solved at any rate."""

    def __init__(self, jacobians: Float[np.ndarray, "N M M"]) -> None:
        import cvxpy as cp  # a second to import, which only a search should pay

        basis = tangent_basis(jacobians.shape[-1])
        size = basis.shape[1]
        self.jacobians, self.rate = jacobians, cp.Parameter(name="rate")
        self.weight = cp.Variable((size, size), symmetric=True, name="weight")
        self.level = cp.Variable(name="level")
        constraints = [self.weight >> 0, cp.trace(self.weight) == 1.0]
        for jacobian in jacobians:
            shifted = basis.T @ jacobian @ basis - np.eye(size)
            change = self.weight @ shifted + shifted.T @ self.weight + 2.0 * self.rate * self.weight
            # Symmetric in exact arithmetic; said again for the modelling layer, which looks at the expression.
            constraints.append(self.level * np.eye(size) - 0.5 * (change + change.T) >> 0)
        self.problem = cp.Problem(cp.Minimize(self.level), constraints)

    def attempt(self, rate: float, best: CommonWeight, *, second_opinion: bool = False) -> CommonWeight:
        """The better of a weight and of what the program at a rate finds."""
        self.rate.value = rate
        result = conic.solve(self.problem, second_opinion=second_opinion)
        best = best._replace(statuses=(*best.statuses, result.status))
        if second_opinion:
            best = best._replace(second_status=result.second_status)
        if not result.solved:
            return best
        weight = result.variables["weight"]
        found = self._rate_in(weight)
        if found > best.rate:
            best = best._replace(weight=0.5 * (weight + weight.T), rate=found)
        if rate == 0.0 and result.value >= 0.0:
            multipliers = np.array([np.asarray(dual, dtype=float) for dual in result.duals[2:]])
            best = best._replace(multipliers=multipliers)
        return best

    def _rate_in(self, weight: Float[np.ndarray, "k k"]) -> float:
        try:
            frame = frame_of(self.jacobians.shape[-1], weight)
        except np.linalg.LinAlgError:
            return float("-inf")
        return 1.0 - float(np.max(growths(self.jacobians, frame)))
