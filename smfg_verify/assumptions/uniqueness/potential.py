r"""Potential games: whether the follower's reward over laws of state and action is the slope of one function.

$r_\phi$ is a gradient on the laws of one leader $\phi$ where its slope is symmetric along them,
$\langle u, G C v \rangle = \langle v, G C u \rangle$ for all differences u, v of laws. Against it stands work around a
parallelogram of laws, which no gradient does: evaluated with rewards alone, no derivative.
"""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable
from smfg_verify.assumptions.uniqueness.form_bounds import Equations, SkewBound, skew_bound
from smfg_verify.assumptions.uniqueness.occupation import (
    NOTHING_SHOWN,
    Candidate,
    Laws,
    Shown,
    Survey,
    averaged,
    require_laws,
    rewards_at,
    witness_of,
)
from smfg_verify.assumptions.uniqueness.occupation_monotonicity import POSITIVE
from smfg_verify.assumptions.uniqueness.smallest_slopes import HIDDEN, least_move, smallest_left, vanishes
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries

STATEMENT = "potential"
# Points of Gauss's rule on an edge, and how well two rules must agree on work that refutes.
_POINTS, _FEWER, _AGREE = 8, 5, 1e-3
# How near to the skew part of the slope, relative to it, such work must be.
_LIKE = 0.5
# Share of the way to the border that corners go where the slope is the same everywhere, and where it is not.
_APART, _NEAR = 0.5, 0.05
_UNKNOWN = SkewBound(np.inf, 0.0)


def work_around(game: AbstractGame, witness: Entries) -> float:
    r"""$|\oint \langle r_\phi(C x), dx \rangle|$ around four laws, over the product of two edges' lengths."""
    return abs(_work(require_laws(game, witness, 4), witness, _POINTS)[0])


def _work(game: AbstractGame, witness: Entries, points: int, off: float = 0.0) -> tuple[float, float]:
    """The work by Gauss's rule on each edge, zero where it is within what rounding may add, and that."""
    corners = witness["laws"]
    places, weights = np.polynomial.legendre.leggauss(points)
    edges = np.roll(corners, -1, axis=0) - corners
    along = corners[:, None] + 0.5 * (1.0 + places)[:, None] * edges[:, None]
    rewards, error = rewards_at(game, along.reshape(-1, corners.shape[1]), witness["leader_rows"])
    work = float(np.einsum("kpx,kx,p->", rewards.reshape(along.shape), edges, 0.5 * weights))
    area = float(np.linalg.norm(edges[0]) * np.linalg.norm(edges[1]))
    rounding = (error + off) * float(np.sum(np.abs(edges)))
    return (work / area if abs(work) > rounding else 0.0), rounding / area


def potential_finding(game: AbstractGame, survey: Survey) -> Finding:
    """Whether the follower's reward has a potential over the laws of every leader.

    Args:
        game: the game, traced.
        survey: of its laws.

    Returns:
        The finding; a potential says nothing about how many equilibria there are.

    Source: potential games of Monderer and Shapley (1996), here over laws of state and action.
    """
    if game.num_follower_actions == 1:
        return not_applicable("uniqueness", STATEMENT)
    bound = _UNKNOWN if survey.slope is None else _affine_bound(survey, survey.slope)
    proved = bound.proves
    largest, loop = _searched(game, survey)
    verdict = Verdict.CERTIFIED if proved else Verdict.INCONCLUSIVE
    if loop.refutes:
        verdict = Verdict.REFUTED
    elif not proved and survey.candidates and largest <= POSITIVE * survey.scale:
        verdict = Verdict.SUPPORTED
    return Finding(
        property="uniqueness",
        statement=STATEMENT,
        verdict=verdict,
        constant=abs(loop.value),
        side=Side.LOWER,
        evidence=Evidence.PROOF if verdict is Verdict.CERTIFIED else Evidence.SEARCH,
        facts={
            "bound": float(bound.largest),
            "constant_reward": proved and survey.scale == 0.0,
            "stationary": survey.laws.kernel is not None,
            "leaders": survey.leaders,
        },
        witness=loop.witness,
        searched={"leaders": survey.leaders, "laws": len(survey.candidates)},
        details={"proved": proved, "bound": float(bound.largest), "largest": largest},
    )


def _affine_bound(survey: Survey, slope: Float[np.ndarray, "n A B M"]) -> SkewBound:
    r"""Certified bound of $|\langle u, G C v \rangle - \langle v, G C u \rangle|$ for u, v of length 1, all leaders."""
    laws = survey.laws
    if survey.by_pure_leaders:
        moved, leaders = laws.moved(), survey.pure_rows()
        equations = laws.equations(leaders[0])
        bounds = [_bounded(averaged(slope, rows) @ moved, moved, equations, survey.error) for rows in leaders]
        return max(bounds, key=lambda each: (not each.proves, each.largest))
    if not survey.by_joint_laws:
        return _UNKNOWN
    moved = laws.moved(laws.sizes[2])
    return _bounded(slope.reshape(-1, slope.shape[-1]) @ moved, moved, laws.joint_equations(), survey.error)


def _bounded(form: np.ndarray, moved: np.ndarray, equations: Equations, error: float) -> SkewBound:
    """The bound of one form; none where roundings of large slopes may hide what a small one does."""
    radius = error * len(form)
    exact = vanishes(form, -1.0)
    found = SkewBound(2.0 * radius, 2.0 * radius) if exact else skew_bound(form, equations, radius)
    if not found.proves or found.largest == 0.0:
        return found
    share = HIDDEN if exact else HIDDEN * least_move(moved, equations.kernel)
    return found if found.largest <= share * smallest_left(form, -1.0) else _UNKNOWN


def _searched(game: AbstractGame, survey: Survey) -> tuple[float, Shown]:
    """The largest skew part at candidates, and the work around a parallelogram along it."""
    laws, moved = survey.laws, survey.laws.moved()
    found: list[tuple[float, Candidate, np.ndarray]] = []
    for each in survey.candidates:
        form, kernel = each.slope @ moved, each.equations.kernel
        left, values, right = np.linalg.svd(kernel.T @ (form - form.T) @ kernel)
        if values.size > 1:
            found.append((float(values[0]), each, np.stack([kernel @ left[:, 0], kernel @ right[0]])))
    found.sort(key=lambda entry: -entry[0])
    largest = found[0][0] if found else 0.0
    for skew, each, sides in found:
        corners = _corners(laws, each, sides, _NEAR if survey.slope is None else _APART)
        if corners is None:
            continue
        witness = witness_of(laws, each, corners)
        (work, error), (coarse, _) = (_work(game, witness, points, survey.error) for points in (_POINTS, _FEWER))
        clear = abs(work) - error > POSITIVE * survey.scale and abs(work - coarse) <= _AGREE * abs(work)
        # Two rules agree by chance where the reward has a kink: work must be what the slope there says, about.
        clear = clear and abs(abs(work) - skew) <= _LIKE * skew
        return largest, Shown(work, witness, bool(clear))
    return largest, NOTHING_SHOWN


def _corners(laws: Laws, at: Candidate, sides: np.ndarray, share: float) -> np.ndarray | None:
    """Four laws around one, in the order of a walk around them; None where they are no laws of the dynamics."""
    ways = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    return laws.around(at.law, ways @ sides, share, at.rows)
