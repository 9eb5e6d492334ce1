r"""Alignment over the convex hull of sampled gradients, by a semidefinite program that is not trusted.

For samples $(g_i, p_i)$ let G and P have the rows $g_i / \|g_i\|$ and $p_i / \|g_i\|$; every convex combination of the
samples is, up to a positive factor, $(G^T \lambda, P^T \lambda)$ with $\lambda \ge 0$. If
$$ M = \tfrac12 (G P^T + P G^T) - c\, G G^T - N \succeq 0, \qquad N \ge 0 \text{ entrywise}, $$
then $\langle g, p \rangle \ge c \|g\|^2$ at each of them, since $\lambda^T N \lambda \ge 0$. The program maximises c.
What it returns is only a proposal: N is clipped to be non-negative, and c is lowered until the smallest eigenvalue of
M, computed here, is at least $-\delta$. M may be singular at the best c, so $\delta$ cannot be zero; what is shown is
$\langle g, p \rangle \ge c \|g\|^2 - \delta \sum_i \lambda_i^2$.
"""

import functools
import math

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, require_shapes
from smfg_verify.assumptions.gradient_alignment.measures import alignment_measures
from smfg_verify.assumptions.gradient_alignment.witness import PROPERTY
from smfg_verify.assumptions.search import mixed_starts
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.conic import ConicResult, solve
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, checked, evaluate_leaders
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.records.entries import Entries

STATEMENT = "hull"
_finding = functools.partial(Finding, property=PROPERTY, statement=STATEMENT, side=Side.LOWER, evidence=Evidence.SEARCH)
LARGEST_SAMPLE = 24
# delta: shortfall of the smallest eigenvalue that is put up with, where gradients have length one.
SLACK = 1e-7
# Far below any constant of interest: what does not hold there does not hold.
_LOWEST = -1e6
# The proposal is lowered by this share of 1 + |c| at once, so that it lies inside the cone and not on its border.
_INSIDE = 1e-6
_HALVINGS = 60


def normalised_pairs(points: LeaderPoints) -> tuple[Float[np.ndarray, "N D"], Float[np.ndarray, "N D"]]:
    """Rows g_i / ||g_i|| and p_i / ||g_i||."""
    number = len(points.logits)
    length = points.total_norm[:, None]
    return points.total.reshape(number, -1) / length, points.direct.reshape(number, -1) / length


def propose(total: Float[np.ndarray, "N D"], direct: Float[np.ndarray, "N D"]) -> tuple[ConicResult, float, np.ndarray]:
    """Solve the semidefinite program.

    Args:
        total: rows of G.
        direct: rows of P.

    Returns:
        What the solver says, the proposed c and N; NaN where there is no solution.
    """
    # cvxpy takes a second to import, which only this check should pay.
    import cvxpy

    number = len(total)
    constant = cvxpy.Variable(name="constant")
    multiplier = cvxpy.Variable((number, number), symmetric=True, name="multiplier")
    matrix = _symmetric(total @ direct.T) - constant * _symmetric(total @ total.T) - multiplier
    bounds = [matrix >> 0, multiplier >= 0, constant >= _LOWEST]
    # Eigenvalues are the second opinion here; SCS, which takes 5 to 15 s on 24 samples, would only be another guess.
    result = solve(cvxpy.Problem(cvxpy.Maximize(constant), bounds), second_opinion=False)
    if not result.solved:
        return result, float("nan"), np.full((number, number), np.nan)
    return result, float(result.variables["constant"]), result.variables["multiplier"]


def verified_constant(
    total: Float[np.ndarray, "N D"], direct: Float[np.ndarray, "N D"], multiplier: np.ndarray, proposed: float
) -> float:
    r"""Largest c, not above the proposal, at which the smallest eigenvalue of M is at least $-\delta$.

    Args:
        total: rows of G.
        direct: rows of P.
        multiplier: N; its negative entries count as zero.
        proposed: where to begin.

    Returns:
        c, true for all convex combinations whatever proposed it; minus infinity where no c will do, NaN for NaN.
    """
    inner = _symmetric(total @ direct.T) - np.maximum(_symmetric(multiplier), 0.0)
    gram = _symmetric(total @ total.T)
    if not (np.all(np.isfinite(inner)) and np.isfinite(proposed)):
        return float("nan")

    def holds(constant: float) -> bool:
        return bool(np.linalg.eigvalsh(inner - constant * gram)[0] >= -SLACK)

    if holds(proposed):
        return float(proposed)
    low, high = _LOWEST, proposed
    if not holds(low):
        return float("-inf")
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return float(low)


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    result: np.ndarray = 0.5 * (matrix + matrix.T)
    return result


def recompute_hull(game: AbstractGame, witness: Entries) -> float:
    """The constant again: gradients of the stored leaders, and the stored multiplier; no solver is asked."""
    game = checked(game)
    number = len(witness["logits"])
    shapes = {"logits": leader_logits_shape(game), "mean_field": mean_field_shape(game)}
    require_shapes(witness, {name: (number, *shape) for name, shape in shapes.items()})
    points = evaluate_leaders(game, witness["logits"], witness["mean_field"])
    return verified_constant(*normalised_pairs(points), witness["multiplier"], float(witness["proposed"]))


def hull_finding(game: AbstractGame, points: LeaderPoints, settings: SearchSettings) -> Finding:
    """Bound the alignment of every convex combination of sampled gradients from below.

    Half of the samples are those of smallest cosine, the others come in the order given. A combination is in general
    no gradient of any leader: a negative constant refutes nothing, and a positive one certifies nothing about others.

    Args:
        game: the game, traced.
        points: leaders with both gradients.
        settings: seed, for the record.

    Returns:
        The finding, SUPPORTED for a positive constant and INCONCLUSIVE otherwise.
    """
    measures = alignment_measures(points)
    chosen = mixed_starts(np.where(measures.total_resolved, measures.cosine, np.nan), LARGEST_SAMPLE)
    searched = {"samples": len(chosen), "masked": int(np.sum(~measures.total_resolved)), "seed": settings.seed}
    if chosen.size == 0:
        return _finding(
            verdict=Verdict.INCONCLUSIVE, constant=math.nan, facts={"case": "no-gradient"}, searched=searched
        )
    sample = points.at(chosen)
    result, proposed, multiplier = propose(*normalised_pairs(sample))
    details = {
        "status": result.status,
        "proposed": proposed,
        "slack": SLACK,
    }
    if not result.solved:
        facts: dict[str, object] = {"case": "no-solution", "status": result.status}
        return _finding(
            verdict=Verdict.INCONCLUSIVE, constant=math.nan, facts=facts, searched=searched, details=details
        )
    witness = {
        "logits": sample.logits,
        "mean_field": sample.mean_field,
        "multiplier": multiplier,
        "proposed": np.asarray(proposed - _INSIDE * (1.0 + abs(proposed))),
    }
    constant = recompute_hull(game, witness)
    verdict = Verdict.SUPPORTED if np.isfinite(constant) and constant > 0.0 else Verdict.INCONCLUSIVE
    facts = {"case": "bounded", "slack": SLACK, "samples": len(chosen)}
    return _finding(
        verdict=verdict, constant=constant, facts=facts, witness=witness, searched=searched, details=details
    )
