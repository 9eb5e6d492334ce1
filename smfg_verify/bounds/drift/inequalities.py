r"""Drift inequalities of AC-SMFG's residuals, with the smallest constants that hold at recorded iterates.

With $\epsilon_i$ the step of the learner that residual i is about, the inequality of each tracking residual reads
$$ E[e_i^{k+1} | x_k] - e_i^k \le - a\,\epsilon_i e_i + \sum_{j \ne i} \Big( b_j\,\epsilon_i
   + b'_j \frac{\epsilon_j^2}{\epsilon_i} \Big) e_j + \sum_j n_j\,\epsilon_j^2 , $$
b for the errors that enter the update, b' for the target that moves. For the leader it is that of ascent,
$$ \Phi(\omega_k) - E[\Phi(\omega_{k+1}) | x_k] \le - a\,\zeta_k e_\omega + \zeta_k \sum_j b_j e_j + n\,\zeta_k^2 . $$
The constants found are empirical: they hold at the iterates looked at and nowhere else.
"""

import dataclasses
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify import conic
from smfg_verify.bounds.drift.expected_residuals import QUANTITIES, ExpectedResiduals
from smfg_verify.bounds.drift.sentences import FitOutcome, said_by_solver
from smfg_verify.exact.precision import TINY
from smfg_verify.learners import LEARNERS
from smfg_verify.records.codec import kept

RESIDUALS = QUANTITIES[1:]
# Column of zeta, xi, alpha, beta that each residual's learner steps by, and the names of the four.
STEP_OF = {"e_omega": 0, "e_mu": 1, "e_theta": 2, "e_Vf": 3, "e_Vl": 3}
# A contraction term nowhere larger than this part of the largest change is none.
_NO_CONTRACTION = 1e-7
FITTED = said_by_solver(conic.SOLVED)


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class DriftInequality:
    """One inequality with its constants.

    Attributes:
        residual: whose drift it bounds; "e_omega" for the leader's ascent.
        outcome: what the solver of the linear program said, or why it was not asked, as a case with its figures.
        contraction: a; 0 where the iterates allow none.
        coupling: b by residual.
        moving: b' by residual; empty for the leader.
        noise: n by learner.
        violation: largest left side minus right side, over the size of the left sides, after the constants were found;
            0 up to rounding, since the noise is raised until it is.
        binding: place in the flattened (schedule, iterate) table where the inequality is tightest, relative to its
            right side's terms; -1 without constants.
        slack: left side over the right side's gain terms at every row used, at most 1 where it holds, (R,).

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import DriftInequality
        >>> from smfg_verify.bounds.drift.sentences import said_by_solver
        >>> inequality = DriftInequality(
        ...     residual="e_omega",
        ...     outcome=said_by_solver("optimal"),
        ...     contraction=1.0,
        ...     coupling={"e_mu": 0.5, "e_theta": 0.0, "e_Vf": 0.0, "e_Vl": 0.0},
        ...     moving={},
        ...     noise={"leader": 2.0},
        ...     violation=0.0,
        ...     binding=0,
        ...     slack=np.array([1.0]),
        ... )
        >>> inequality.solved, inequality.status, inequality.constants.tolist()
        (True, 'optimal', [1.0, 0.5, 0.0, 0.0, 0.0, 2.0])
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("status",)

    residual: str
    outcome: FitOutcome
    contraction: float
    coupling: dict[str, float]
    moving: dict[str, float]
    noise: dict[str, float]
    violation: float
    binding: int
    slack: Float[np.ndarray, " R"]

    @property
    def status(self) -> str:
        """What the solver said, or in words why it was not asked."""
        return self.outcome.sentence

    @property
    def solved(self) -> bool:
        """Whether there are constants."""
        return self.outcome == FITTED

    @property
    def constants(self) -> Float[np.ndarray, " F"]:
        """In the order of the columns of `features`."""
        return np.array([self.contraction, *self.coupling.values(), *self.moving.values(), *self.noise.values()])


def left_side(data: ExpectedResiduals, residual: str, *, chains: bool = False) -> Float[np.ndarray, "V P"]:
    """Expected change over one iteration of a residual; for the leader that of minus the objective."""
    name = "objective" if residual == "e_omega" else residual
    change = (data.chains if chains else data.stationary)[name] - data.before[name]
    result: Float[np.ndarray, "V P"] = -change if residual == "e_omega" else change
    return result


def features(data: ExpectedResiduals, residual: str) -> Float[np.ndarray, "V P F"]:
    """Terms of an inequality without their constants; the first, contraction, counts negatively.

    An error within its rounding counts as zero: a constant on it could be anything.
    """
    own = data.steps[..., STEP_OF[residual]]
    known = {name: np.where(data.before[name] <= data.rounding[name], 0.0, data.before[name]) for name in RESIDUALS}
    errors = {name: np.broadcast_to(known[name], own.shape) for name in RESIDUALS}
    others = [name for name in RESIDUALS if name != residual]
    columns = [-own * errors[residual], *(own * errors[name] for name in others)]
    if residual != "e_omega":
        moved = {name: data.steps[..., STEP_OF[name]] ** 2 * errors[name] for name in others}
        columns += [np.divide(moved[name], own, out=np.zeros(own.shape), where=own > 0.0) for name in others]
    columns += [data.steps[..., k] ** 2 for k in noise_columns(residual)]
    return np.stack(columns, axis=-1)


def noise_columns(residual: str) -> tuple[int, ...]:
    """Learners whose noise enters an inequality: the leader's objective feels its own only."""
    return (0,) if residual == "e_omega" else (0, 1, 2, 3)


def fit_inequality(
    data: ExpectedResiduals, residual: str, rows: Bool[np.ndarray, "..."] | None = None
) -> DriftInequality:
    """The constants of one inequality with the smallest mean right side among those that hold at every row.

    Args:
        data: iterates and what is expected after them.
        residual: one of `RESIDUALS`.
        rows: iterates to fit to; all if None. Those with a NaN are left out.

    Returns:
        The inequality; verified in float64 after the linear program, its noise raised until it holds. A term that is
        zero at every row gets the constant zero.
    """
    terms, change, places = _usable(data, residual, rows)
    obstacle = _obstacle(data, residual, terms, places)
    if obstacle is not None:
        return _unsolved(residual, obstacle)
    scale = np.max(np.abs(terms), axis=0)
    seen = scale > 0.0
    constants = np.zeros(len(scale))
    status, constants[seen] = _smallest(terms[:, seen] / scale[seen], change)
    if status != conic.SOLVED:
        return _unsolved(residual, said_by_solver(status))
    constants[seen] = np.maximum(constants[seen], 0.0) / scale[seen]
    if constants[0] * scale[0] < _NO_CONTRACTION * np.max(np.abs(change)):
        constants[0] = 0.0  # less contraction is a weaker claim, and this much is the solver's rounding
    excess = change - terms @ constants
    # The program is solved to about eight digits; what is missing is made up by noise, which every row has.
    noise = slice(len(constants) - len(noise_columns(residual)), None)
    total_noise = np.sum(terms[:, noise], axis=1)
    constants[noise] += max(0.0, float(np.max(excess / total_noise)))
    return _named(residual, constants, terms, change, places)


def _usable(
    data: ExpectedResiduals, residual: str, rows: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right-hand terms, left side, and place of each usable row in the flattened (schedule, iterate) table."""
    with np.errstate(over="ignore", invalid="ignore"):  # squares too large for a float; their rows are left out
        terms, change = features(data, residual), left_side(data, residual)
    usable = np.isfinite(change) & np.all(np.isfinite(terms), axis=-1)
    if rows is not None:
        usable &= rows
    return terms[usable], change[usable], np.flatnonzero(usable)


def _obstacle(data: ExpectedResiduals, residual: str, terms: np.ndarray, places: np.ndarray) -> FitOutcome | None:
    """Why there is nothing to fit, if anything stands against it."""
    step = LEARNERS[STEP_OF[residual]]
    if np.any(data.steps[..., STEP_OF[residual]] <= 0.0):
        return FitOutcome("no-step", {"learner": step})
    if not len(places):
        return FitOutcome("no-iterate")
    if not np.any(terms[:, 0]):
        return FitOutcome("no-residual")
    return None


def _smallest(terms: Float[np.ndarray, "R F"], change: Float[np.ndarray, " R"]) -> tuple[str, np.ndarray]:
    import cvxpy  # a second to import, which only a fit should pay

    unit = max(float(np.max(np.abs(change))), TINY)
    constants = cvxpy.Variable(terms.shape[1], nonneg=True, name="constants")
    objective = cvxpy.Minimize(np.mean(terms, axis=0) @ constants)
    found = conic.solve(cvxpy.Problem(objective, [terms @ constants >= change / unit]), second_opinion=False)
    return found.status, unit * found.variables.get("constants", np.full(terms.shape[1], np.nan))


def _named(
    residual: str, constants: np.ndarray, terms: np.ndarray, change: np.ndarray, places: np.ndarray
) -> DriftInequality:
    others = [name for name in RESIDUALS if name != residual]
    noise = [LEARNERS[k] for k in noise_columns(residual)]
    moving = [] if residual == "e_omega" else others
    values = iter(float(value) for value in constants)
    contraction = next(values)
    gain = terms[:, 1:] @ constants[1:]
    used = change - terms[:, 0] * constants[0]
    slack = used / np.maximum(gain, TINY)
    return DriftInequality(
        residual=residual,
        outcome=FITTED,
        contraction=contraction,
        coupling={name: next(values) for name in others},
        moving={name: next(values) for name in moving},
        noise={name: next(values) for name in noise},
        violation=float(np.max(change - terms @ constants) / max(float(np.max(np.abs(change))), TINY)),
        binding=int(places[np.argmax(slack)]),
        slack=slack,
    )


def _unsolved(residual: str, outcome: FitOutcome) -> DriftInequality:
    nan = float("nan")
    return DriftInequality(
        residual=residual,
        outcome=outcome,
        contraction=nan,
        coupling={},
        moving={},
        noise={},
        violation=nan,
        binding=-1,
        slack=np.empty(0),
    )


def held_out_violation(data: ExpectedResiduals, residual: str, *, folds: int = 4) -> Float[np.ndarray, "K 2"]:
    """Constants of some seeds held against the others.

    Args:
        data: iterates of several seeds.
        residual: one of `RESIDUALS`.
        folds: K, groups of seeds left out in turn; at most the number of seeds.

    Returns:
        For each group the share of its iterates that break the inequality, and the largest excess over the largest
        expected change; NaN where there are fewer than two seeds or no constants.
    """
    seeds = np.unique(data.seeds)
    folds = min(folds, len(seeds))
    if folds < 2:
        return np.full((1, 2), np.nan)
    found = []
    for fold in range(folds):
        left_out = np.isin(data.seeds, seeds[fold::folds])
        inequality = fit_inequality(data, residual, ~left_out)
        terms, change, _ = _usable(data, residual, left_out)
        if not inequality.solved or not len(change):
            found.append((np.nan, np.nan))
            continue
        excess, size = change - terms @ inequality.constants, np.max(np.abs(change))
        found.append((float(np.mean(excess > 0.0)), float(np.max(excess) / size) if size > 0.0 else np.nan))
    return np.array(found)
