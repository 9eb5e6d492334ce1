r"""For which ratios of the step sizes fitted drift inequalities have a Lyapunov function: a convex set in logarithms.

With contractions $a_i > 0$, the rates of `lyapunov.rate_matrix` are $D = diag(a_i c_i) (M - I)$ with
$$ M_{ij} = \frac{1}{a_i} \Big( b_{ij} + b'_{ij} \frac{c_j^2}{c_i^2} \Big) \ge 0 , $$
so that weights of a common decrease exist exactly where the Perron root $\rho(M) < 1$. Every entry of M is a sum of
exponentials of affine functions of $\log c$, hence $\log \rho$ is convex in $\log c$ (Kingman 1961): the step constants
that have weights form a convex set, a line through it meets it in one interval, and the best ratios are the solution
of a geometric program.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import scipy.linalg
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from smfg_verify import conic
from smfg_verify.bounds.drift.inequalities import RESIDUALS, STEP_OF, DriftInequality
from smfg_verify.bounds.drift.lyapunov import rate_terms
from smfg_verify.learners import LEARNERS
from smfg_verify.records.codec import kept

# In the logarithm of a factor, where the convex root is least; edges are found by bisection from there.
_PLACE = 1e-6
# Ratios are searched within this factor of the given constants.
LARGEST_FACTOR = 1e4
_BISECTIONS = 40
# Below this a Perron root is zero: no cycle of residuals that feed each other is left.
_ZERO = 1e-12
_SMALLEST_ROOT = 1e-6
_LARGEST_WEIGHT = 1e6


@kept
@dataclasses.dataclass(frozen=True, kw_only=True)
class StepRegion:
    r"""The step constants for which weights exist, seen from one choice of them.

    Attributes:
        root: $\rho(M)$ at the constants given; weights exist exactly where it is below 1. Infinite where an
            inequality has no contraction, which no step constants mend.
        floor: $\rho$ of M without the moving targets, a lower bound for all step constants: where it is 1 or more
            there are no weights whatever the ratios. NaN where an inequality has no constants.
        shares: residual -> its line's share in the root at the constants given: by how much, relatively, the root
            grows when the line's contraction falls. They sum to one; the largest is the line that binds. Empty where
            the root is infinite (the lines without contraction bind) or zero.
        intervals: learner -> the factors on its constant alone, from the lowest to the highest, for which weights
            exist; (NaN, NaN) where there are none within 1e-4 ... 1e4, and these ends where it goes on beyond.
        best: learner -> the constant in the best ratios found, that of the critics unchanged; empty where the program
            was not solved or there are no contractions.
        best_root: $\rho(M)$ there, evaluated anew; NaN without them.
        status: of the geometric program.

    Examples:
        >>> from smfg_verify.bounds import StepRegion
        >>> region = StepRegion(
        ...     root=0.5,
        ...     floor=0.2,
        ...     shares={"e_mu": 0.7, "e_omega": 0.3},
        ...     intervals={"leader": (1e-4, 4.0)},
        ...     best={"leader": 0.1},
        ...     best_root=0.3,
        ...     status="optimal",
        ... )
        >>> region.root < 1.0, max(region.shares, key=region.shares.get)  # weights exist; this line binds
        (True, 'e_mu')
    """

    root: float
    floor: float
    shares: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    best: Mapping[str, float]
    best_root: float
    status: str


def step_region(inequalities: Mapping[str, DriftInequality], constants: Mapping[str, float]) -> StepRegion:
    """Where weights of a common decrease exist, around given step constants and at the best ratios.

    Args:
        inequalities: by residual, of `fit_inequality`.
        constants: step constants by learner, > 0.

    Returns:
        The region; only the ratios of the constants matter.

    Source: Perron-Frobenius theory and geometric programming, textbook; their use here is ours.

    Examples:
        >>> from smfg_verify import ac_smfg, games
        >>> from smfg_verify.bounds import step_region, validate_drift
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> report = validate_drift(game, trace, folds=2)
        >>> region = step_region(report.inequalities, report.constants)
        >>> region.root < 1.0, region.best  # two seeds and four iterates give no weights
        (False, {})
    """
    if not all(inequality.solved for inequality in inequalities.values()) or min(constants.values()) <= 0.0:
        return _without_ratios(np.nan, np.nan)
    coupling, moving = _gains(inequalities, constants)
    root, floor = _root(coupling + moving), _root(coupling)
    if not np.isfinite(root):
        return _without_ratios(root, floor)
    status, best = _best_ratios(inequalities, constants)
    return StepRegion(
        root=root,
        floor=floor,
        shares=_shares(coupling + moving),
        intervals={name: _interval(inequalities, constants, name) for name in LEARNERS},
        best=best,
        best_root=perron_root(inequalities, best) if best else np.nan,
        status=status,
    )


def _without_ratios(root: float, floor: float) -> StepRegion:
    nothing = dict.fromkeys(LEARNERS, (np.nan, np.nan))
    return StepRegion(
        root=root, floor=floor, shares={}, intervals=nothing, best={}, best_root=np.nan, status=conic.NOT_ASKED
    )


def _shares(gains: Float[np.ndarray, "5 5"]) -> dict[str, float]:
    """Products of the entries of the left and the right Perron vector; empty where they are orthogonal."""
    values, left, right = scipy.linalg.eig(gains, left=True, right=True)
    place = int(np.argmax(values.real))
    products = np.abs(left[:, place] * right[:, place])
    if not products.sum() > _ZERO:
        return {}
    return dict(zip(RESIDUALS, (products / products.sum()).tolist(), strict=True))


def perron_root(inequalities: Mapping[str, DriftInequality], constants: Mapping[str, float]) -> float:
    r"""$\rho(M)$ at step constants; infinite where an inequality has no contraction."""
    coupling, moving = _gains(inequalities, constants)
    return _root(coupling + moving)


def _root(gains: Float[np.ndarray, "5 5"]) -> float:
    return float(np.max(np.abs(np.linalg.eigvals(gains)))) if np.all(np.isfinite(gains)) else float("inf")


def _gains(
    inequalities: Mapping[str, DriftInequality], constants: Mapping[str, float]
) -> tuple[Float[np.ndarray, "5 5"], Float[np.ndarray, "5 5"]]:
    """The two parts of M: couplings, and moving targets. Infinite rows where there is no contraction."""
    contraction, coupling, moving = rate_terms(inequalities, constants)
    scale, known = contraction[:, None], np.broadcast_to(contraction[:, None] > 0.0, coupling.shape)
    coupling = np.divide(coupling, scale, out=np.full_like(coupling, np.inf), where=known)
    return coupling, np.divide(moving, scale, out=np.zeros_like(moving), where=known)


def _interval(
    inequalities: Mapping[str, DriftInequality], constants: Mapping[str, float], learner: str
) -> tuple[float, float]:
    end = np.log(LARGEST_FACTOR)

    def height(log_factor: float) -> float:
        return perron_root(inequalities, {**constants, learner: float(np.exp(log_factor)) * constants[learner]})

    def log_height(log_factor: float) -> float:
        return float(np.log(max(height(log_factor), _ZERO)))

    lowest = minimize_scalar(log_height, bounds=(-end, end), method="bounded", options={"xatol": _PLACE}).x
    # The convex function may be least at an end, which the search only approaches.
    inside = min((-end, lowest, end), key=log_height)
    if not height(inside) < 1.0:
        return np.nan, np.nan
    low, high = (float(np.exp(_edge(height, inside, limit))) for limit in (-end, end))
    return low, high


def _edge(height: Callable[[float], float], inside: float, limit: float) -> float:
    """Where a convex function leaves the values below 1 on the way from a point inside to a limit."""
    if height(limit) < 1.0:
        return limit
    outside = limit
    for _ in range(_BISECTIONS):
        middle = 0.5 * (inside + outside)
        inside, outside = (middle, outside) if height(middle) < 1.0 else (inside, middle)
    return inside


def _best_ratios(
    inequalities: Mapping[str, DriftInequality], constants: Mapping[str, float]
) -> tuple[str, dict[str, float]]:
    r"""Least $\lambda$ with $M(c) v \le \lambda v$ for some $v > 0$, by a geometric program."""
    import cvxpy  # a second to import, which only a fit should pay

    coupling, moving = _gains(inequalities, constants)
    factors, weights = cvxpy.Variable(len(LEARNERS), pos=True, name="factors"), cvxpy.Variable(5, pos=True)
    root = cvxpy.Variable(pos=True)
    step = [factors[STEP_OF[name]] for name in RESIDUALS]
    limits = [root >= _SMALLEST_ROOT, factors[-1] == 1.0, factors >= 1.0 / LARGEST_FACTOR, factors <= LARGEST_FACTOR]
    # Without bounds the weights of residuals that feed nothing would run off.
    limits += [weights[0] == 1.0, weights >= 1.0 / _LARGEST_WEIGHT, weights <= _LARGEST_WEIGHT]
    for i in range(len(RESIDUALS)):
        terms = [coupling[i, j] * weights[j] / weights[i] for j in np.flatnonzero(coupling[i])]
        terms += [moving[i, j] * (step[j] / step[i]) ** 2 * weights[j] / weights[i] for j in np.flatnonzero(moving[i])]
        if terms:
            limits.append(sum(terms[1:], terms[0]) <= root)
    found = conic.solve(cvxpy.Problem(cvxpy.Minimize(root), limits), second_opinion=False, geometric=True)
    if not found.solved:
        return found.status, {}
    best = found.variables["factors"]
    return found.status, {name: float(best[k]) * constants[name] for k, name in enumerate(LEARNERS)}
