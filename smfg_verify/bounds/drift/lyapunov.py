r"""A Lyapunov function for fitted drift inequalities: weights of a common decrease, or a proof that there are none.

Weighted by w, the inequalities of `inequalities` add up to
$$ E[W^{k+1}] - W^k \le \frac{1}{\sqrt{k+1}} \sum_j (w^T D)_j e_j + O(1/k), \quad
   W = w_\omega (\Phi^* - \Phi) + \sum_i w_i e_i, $$
with D the rates at the step constants. W decreases up to noise where $w^T D < 0$ for some $w \ge 0$. By Farkas' lemma
there is no such w exactly where some $y \ge 0$, $y \ne 0$, has $D y \ge 0$: residuals that feed each other.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import linprog

from smfg_verify.bounds.drift.inequalities import RESIDUALS, STEP_OF, DriftInequality
from smfg_verify.bounds.drift.sentences import DECIDED, Undecided
from smfg_verify.exact.precision import TINY
from smfg_verify.learners import LEARNERS
from smfg_verify.records.codec import kept

# Rounds of scaling rows and columns in turn, each of which halves what is missing, in logarithms.
_ROUNDS = 20
# A margin below this, relative to the terms that cancel in it, is rounding.
# An array of NumPy, or of JAX within a program; what is computed from it is of the same kind, which NumPy's types do
# not tell.
_Table = Any

_SMALLEST_MARGIN = 1e-9


@kept
@dataclasses.dataclass(frozen=True, kw_only=True)
class LyapunovCertificate:
    """Weights of a common decrease, or why there are none.

    Attributes:
        exists: whether weights were found and verified.
        weights: by residual, summing to one ("e_omega" weighs the gap of the objective); empty where there are none.
        margin: least decrease -(w^T D)_j over the residuals j; NaN where there are no weights.
        obstruction: by residual y >= 0, summing to one, with D y >= 0 up to rounding: the proof that there are none;
            empty where there are weights.
        obstruction_error: how far an entry of D y is below zero, relative to the terms that cancel in it.
        undecided: why neither was found, as a case with its figures; the empty one where one was.

    Examples:
        >>> from smfg_verify.bounds import LyapunovCertificate
        >>> certificate = LyapunovCertificate(
        ...     exists=True, weights={"e_omega": 0.4, "e_mu": 0.6}, margin=0.1, obstruction={}, obstruction_error=0.0
        ... )
        >>> certificate.exists, sum(certificate.weights.values())
        (True, 1.0)
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("reason",)

    exists: bool
    weights: Mapping[str, float]
    margin: float
    obstruction: Mapping[str, float]
    obstruction_error: float
    undecided: Undecided = DECIDED

    @property
    def reason(self) -> str:
        """Why neither was found, in words; empty otherwise."""
        return self.undecided.sentence


class RateConstants(NamedTuple):
    """The constants of all inequalities as tables, inequality by residual, in the order of `RESIDUALS`.

    Attributes:
        contraction: a, (5,).
        coupling: b, (5, 5).
        moving: b', (5, 5).
        noise: n, inequality by learner, (5, 4).
    """

    contraction: Float[np.ndarray, " 5"]
    coupling: Float[np.ndarray, "5 5"]
    moving: Float[np.ndarray, "5 5"]
    noise: Float[np.ndarray, "5 4"]

    @classmethod
    def of(cls, inequalities: Mapping[str, DriftInequality]) -> "RateConstants":
        """The tables of inequalities; those of one without constants are NaN."""
        rows = [inequalities[name] for name in RESIDUALS]
        # None feeds itself by a coupling: that is its contraction.
        absent = {row.residual: {row.residual: 0.0} if row.solved else {} for row in rows}
        coupled = [{**row.coupling, **absent[row.residual]} for row in rows]
        return cls(
            contraction=np.array([row.contraction for row in rows]),
            coupling=np.array([[row.get(name, np.nan) for name in RESIDUALS] for row in coupled]),
            moving=np.array([[row.moving.get(name, 0.0) for name in RESIDUALS] for row in rows]),
            noise=np.array([[row.noise.get(name, 0.0) for name in LEARNERS] for row in rows]),
        )

    def rates(self, steps: _Table) -> tuple[_Table, _Table, _Table]:
        r"""The three kinds of rates at the step sizes of the learners, (4,), in NumPy or within a program.

        Returns:
            All >= 0: $a c_i$, (5,), $b_j c_i$ and $b'_j c_j^2 / c_i$, (5, 5) each.
        """
        own = steps[np.array([STEP_OF[name] for name in RESIDUALS])]
        return self.contraction * own, self.coupling * own[:, None], self.moving * own**2 / own[:, None]

    def matrix(self, steps: _Table) -> _Table:
        """D at the step sizes of the learners, (5, 5)."""
        contraction, coupling, moving = self.rates(steps)
        return coupling + moving - np.eye(len(RESIDUALS)) * contraction

    def noise_at(self, steps: _Table) -> _Table:
        r"""What noise adds to each residual at the step sizes of the learners, $\sum_j n_j c_j^2$, (5,)."""
        return self.noise @ steps**2


def rate_matrix(
    inequalities: Mapping[str, DriftInequality], constants: Mapping[str, float]
) -> Float[np.ndarray, "5 5"]:
    r"""D at step constants c, inequality i by residual j: $-a c_i$, and $b_j c_i + b'_j c_j^2 / c_i$."""
    result: Float[np.ndarray, "5 5"] = RateConstants.of(inequalities).matrix(_in_order(constants))
    return result


def rate_terms(
    inequalities: Mapping[str, DriftInequality], constants: Mapping[str, float]
) -> tuple[Float[np.ndarray, " 5"], Float[np.ndarray, "5 5"], Float[np.ndarray, "5 5"]]:
    r"""The three kinds of rates at step constants, all >= 0: $a c_i$, $b_j c_i$ and $b'_j c_j^2 / c_i$."""
    return RateConstants.of(inequalities).rates(_in_order(constants))


def _in_order(constants: Mapping[str, float]) -> Float[np.ndarray, "4"]:
    return np.array([constants[name] for name in LEARNERS])


def certify(rates: Float[np.ndarray, "5 5"]) -> LyapunovCertificate:
    """Look for weights by a linear program; where there are none, for the obstruction by the dual one.

    Args:
        rates: from `rate_matrix`.

    Returns:
        The certificate, verified in float64 after the solver.
    """
    if not np.all(np.isfinite(rates)):
        return undecided(Undecided("not-finite"))
    if not np.any(rates):
        return undecided(Undecided("no-rate"))
    rows, columns = _equilibrating(rates)
    even = rates / np.outer(rows, columns)
    found = _extreme(even.T, sign=1.0)
    if found is not None:
        weights = found / rows
        weights /= weights.sum()
        # Relative to what cancels in each column, so that no step constant is too small to be told from rounding.
        if np.max(weights @ rates / (weights @ np.abs(rates) + TINY)) < -_SMALLEST_MARGIN:
            return LyapunovCertificate(
                exists=True,
                weights=dict(zip(RESIDUALS, weights.tolist(), strict=True)),
                margin=-float(np.max(weights @ rates)),
                obstruction={},
                obstruction_error=float("nan"),
            )
    return _obstruction(rates, _extreme(even, sign=-1.0), columns)


def _equilibrating(rates: Float[np.ndarray, "5 5"]) -> tuple[Float[np.ndarray, " 5"], Float[np.ndarray, " 5"]]:
    """Scales of rows and columns that bring the largest entry of each near one; weights and signs allow both."""
    rows, columns = np.ones(len(rates)), np.ones(len(rates))
    for _ in range(_ROUNDS):
        even = np.abs(rates) / np.outer(rows, columns)
        rows *= np.sqrt(np.where(np.any(even, axis=1), np.max(even, axis=1), 1.0))
        columns *= np.sqrt(np.where(np.any(even, axis=0), np.max(even, axis=0), 1.0))
    return rows, columns


def _extreme(matrix: Float[np.ndarray, "5 5"], *, sign: float) -> Float[np.ndarray, " 5"] | None:
    """x >= 0 of sum one with the largest margin in sign * matrix @ x <= -margin; None where the solver fails."""
    size = len(matrix)
    one = np.append(np.ones(size), 0.0)[None]
    bounds = [(0.0, None)] * size + [(None, None)]
    left = np.hstack([sign * matrix, np.ones((size, 1))])
    goal = np.append(np.zeros(size), -1.0)
    found = linprog(goal, A_ub=left, b_ub=np.zeros(size), A_eq=one, b_eq=[1.0], bounds=bounds)
    return np.maximum(found.x[:-1], 0.0) if found.success else None


def _obstruction(
    rates: Float[np.ndarray, "5 5"], even: Float[np.ndarray, " 5"] | None, columns: Float[np.ndarray, " 5"]
) -> LyapunovCertificate:
    if even is None:
        return undecided(Undecided("not-solved"))
    feeding = even / columns
    feeding /= feeding.sum()
    short = float(np.max(np.maximum(-(rates @ feeding), 0.0) / (np.abs(rates) @ feeding + TINY)))
    if short > _SMALLEST_MARGIN:
        return undecided(Undecided("not-verified"))
    return LyapunovCertificate(
        exists=False,
        weights={},
        margin=float("nan"),
        obstruction=dict(zip(RESIDUALS, feeding.tolist(), strict=True)),
        obstruction_error=short,
    )


def undecided(why: Undecided) -> LyapunovCertificate:
    """Neither weights nor a proof that there are none."""
    nan = float("nan")
    return LyapunovCertificate(
        exists=False, weights={}, margin=nan, obstruction={}, obstruction_error=nan, undecided=why
    )
