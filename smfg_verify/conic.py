"""Conic programs through cvxpy: Clarabel solves, SCS is the second opinion, and no failure is ever raised."""

import dataclasses
import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import cvxpy

FIRST_SOLVER = "CLARABEL"
SECOND_SOLVER = "SCS"
SOLVED = "optimal"
# Iterations end a solver, never the clock; one thread and one factorisation, so that no number of cores plays a part.
_OPTIONS: dict[str, dict[str, object]] = {
    FIRST_SOLVER: {"max_iter": 200, "time_limit": math.inf, "direct_solve_method": "qdldl", "max_threads": 1},
    SECOND_SOLVER: {"max_iters": 100_000, "time_limit_secs": 0.0},
}
NOT_ASKED = "not asked"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConicResult:
    """What the solvers said.

    Attributes:
        status: of the first solver: "optimal", another status of cvxpy such as "optimal_inaccurate" or "infeasible",
            or "failed: ..." where it raised. Anything but "optimal" is a failure.
        value: optimal value; NaN unless solved.
        variables: name -> value of each variable, empty unless solved.
        duals: value of each constraint's multiplier in the order of the constraints; None where the solver gave none.
        second_status: the same of the second solver, or "not asked".
        second_value: its optimal value; NaN unless it solved.
    """

    status: str
    value: float
    variables: dict[str, np.ndarray]
    duals: tuple[object, ...]
    second_status: str
    second_value: float

    @property
    def solved(self) -> bool:
        """Whether the first solver ended with status "optimal" and finite numbers."""
        return self.status == SOLVED

    @property
    def disagreement(self) -> float:
        """Difference of the two optimal values over max(1, |value|); NaN unless both solved."""
        return abs(self.value - self.second_value) / max(1.0, abs(self.value))


def counts_of(statuses: tuple[str, ...], second_status: str) -> dict[str, object]:
    """What was asked of the solvers over several programs, for `Finding.searched`."""
    return {
        "programs": len(statuses),
        "statuses": ", ".join(dict.fromkeys(statuses)) or NOT_ASKED,
        "second_status": second_status,
    }


def solve(problem: "cvxpy.Problem", *, second_opinion: bool = True, geometric: bool = False) -> ConicResult:
    """Solve a problem by Clarabel, and again by SCS for a second opinion; never raises on a solver's failure.

    Args:
        problem: the problem; its variables hold the first solver's values afterwards, where it gave any.
        second_opinion: whether SCS is asked too.
        geometric: whether it is a geometric program, convex after taking logarithms.

    Returns:
        Both statuses and values. A status other than "optimal" is a failure.
    """
    second_status, second_value = NOT_ASKED, float("nan")
    if second_opinion:
        second_status, second_value = _attempt(problem, SECOND_SOLVER, geometric)
    # Last, so that the problem's variables hold the first solver's values.
    status, value = _attempt(problem, FIRST_SOLVER, geometric)
    variables: dict[str, np.ndarray] = {}
    duals: tuple[object, ...] = ()
    if status == SOLVED:
        variables = {entry.name(): np.array(entry.value, dtype=float) for entry in problem.variables()}
        duals = tuple(constraint.dual_value for constraint in problem.constraints)
        if not all(np.all(np.isfinite(entry)) for entry in variables.values()):
            status, value, variables, duals = "failed: the solution is not finite", float("nan"), {}, ()
    return ConicResult(
        status=status,
        value=value,
        variables=variables,
        duals=duals,
        second_status=second_status,
        second_value=second_value,
    )


def _attempt(problem: "cvxpy.Problem", solver: str, geometric: bool) -> tuple[str, float]:
    """Status and optimal value of one solver; NaN unless it solved."""
    try:
        with warnings.catch_warnings():
            # "Solution may be inaccurate" comes as a status too.
            warnings.simplefilter("ignore")
            problem.solve(solver=solver, gp=geometric, **_OPTIONS[solver])
    except Exception as error:
        # A solver's bindings raise errors of many kinds; all of them mean that there is no answer.
        return f"failed: {type(error).__name__}: {error}"[:200], float("nan")
    status = str(problem.status)
    if status != SOLVED:
        return status, float("nan")
    value = float(problem.value)
    return (status, value) if np.isfinite(value) else ("failed: the value is not finite", float("nan"))
