r"""Monotonicity of the follower's reward over the laws of state and action that the dynamics allow.

$$ \langle r_\phi(m) - r_\phi(m'), d - d' \rangle \le -\lambda \|m - m'\|_2^2 $$
for any two laws d, d' of state and action (occupation measures of the population) under one leader $\phi$, m and m'
their mean fields. Where the slope of the reward is one matrix G the left side is $\delta^T G C \delta$ with
$\delta = d - d'$ in the kernel of the flow equations. G is a mixture of those of pure leaders, and so is the bound
where no leader moves the followers; where one does, laws of state, action and leader's action take the place of d.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.suprema import budget_of
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.enclosure import NoEnclosure, enclose_slopes, numbers_of_a_box, supremum
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.uniqueness.form_bounds import (
    Equations,
    FormBound,
    form_bound,
    quotients,
    range_bound,
    weakest,
)
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
from smfg_verify.assumptions.uniqueness.smallest_slopes import HIDDEN, least_move, smallest_left
from smfg_verify.exact.tables_at_fields import field_size, slopes_at
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries

STATEMENT = "occupation-monotonicity"
# Relative to the largest slope: what counts as zero, and as clearly positive in a counter-example.
_ZERO, POSITIVE = 1e-10, 1e-9
_NOTHING = FormBound(0.0, float("inf"), 0.0)
_MOST_BOXES, _MOST_PROBLEMS = 64, 512
# Share of the way to the border that a pair goes where the slope is the same everywhere, and where it is not.
_APART, _NEAR = 0.5, 0.05


class _Proof(NamedTuple):
    """A certified bound, none where the slack is infinite, and what was enclosed for it."""

    bound: FormBound
    case: str
    searched: Entries
    cut: bool = False


class _Direction(NamedTuple):
    """A candidate and the worst direction there, with the quotient (or form) along it."""

    top: float
    candidate: Candidate
    direction: Float[np.ndarray, " X"]


def occupation_quotient(game: AbstractGame, witness: Entries) -> float:
    r"""$\langle r_\phi(m) - r_\phi(m'), d - d' \rangle / \|m - m'\|_2^2$ of two laws, by the rewards themselves."""
    change, _ = _change(require_laws(game, witness, 2), witness)
    move = witness["mean_fields"][0] - witness["mean_fields"][1]
    return change / float(move @ move)


def _change(game: AbstractGame, witness: Entries, off: float = 0.0) -> tuple[float, float]:
    """The changes of the rewards, weighted by those of the law, and what rounding may add to them."""
    (first, second), error = rewards_at(game, witness["laws"], witness["leader_rows"])
    step = witness["laws"][0] - witness["laws"][1]
    return float((first - second) @ step), 2.0 * (error + off) * float(np.sum(np.abs(step)))


def occupation_finding(game: AbstractGame, survey: Survey, settings: SearchSettings) -> Finding:
    """Whether crowding never pays between two laws of state and action under one leader.

    Args:
        game: the game, traced.
        survey: of its laws.
        settings: budget of the branch and bound.

    Returns:
        The finding; it decides nothing about uniqueness, see its sentence.

    Source: monotonicity over occupation measures, arXiv 2405.00282, after Lasry and Lions (2007).
    """
    if game.num_follower_actions == 1 or survey.laws.unmoved:
        return not_applicable("uniqueness", STATEMENT)
    worst, positive = _worst(survey)
    proof = _proof(game, survey, settings, worst)
    proved = proof.bound.proves and (bool(worst) or survey.scale == 0.0)
    pair = _pair(game, survey, worst)
    verdict = Verdict.CERTIFIED if proved else Verdict.INCONCLUSIVE
    if pair.refutes:
        verdict = Verdict.REFUTED
    elif not proved and pair.witness and not positive and not pair.value > 0.0:
        verdict = Verdict.SUPPORTED
    numbers = {"strength": float(proof.bound.strength) if proved else 0.0, "slack": float(proof.bound.slack)}
    case = "constant-reward" if proved and survey.scale == 0.0 else proof.case if worst else "no-move"
    finding = Finding(
        property="uniqueness",
        statement=STATEMENT,
        verdict=verdict,
        constant=pair.value,
        side=Side.LOWER,
        evidence=Evidence.PROOF if verdict is Verdict.CERTIFIED else Evidence.SEARCH,
        facts={"case": case, "stationary": survey.laws.kernel is not None, "leaders": survey.leaders, **numbers},
        witness=pair.witness,
        searched={"leaders": survey.leaders, "laws": len(survey.candidates), **proof.searched},
        details={"proved": proved, **numbers},
    )
    return cut_short(finding, {"slope"} if proof.cut else (), "slope")


def _proof(game: AbstractGame, survey: Survey, settings: SearchSettings, worst: list[_Direction]) -> _Proof:
    if survey.slope is not None:
        return _affine(survey, survey.slope)
    # An enclosure has a width: it proves no bound of zero that is attained.
    if worst and worst[0].top > -_ZERO * survey.scale:
        return _Proof(_NOTHING, "zero", {})
    return _enclosed(game, survey, settings)


def _affine(survey: Survey, slope: Float[np.ndarray, "n A B M"]) -> _Proof:
    """The bound for all leaders from one slope: over pure ones, or over laws with the leader's action in them."""
    laws, copies = survey.laws, survey.laws.sizes[2]
    if survey.by_pure_leaders:
        moved, leaders = laws.moved(), survey.pure_rows()
        equations = laws.equations(leaders[0])
        forms = (averaged(slope, rows) @ moved for rows in leaders)
        return _told([_bounded(form, moved, equations, survey.error) for form in forms], "pure")
    if not survey.by_joint_laws:
        return _Proof(_NOTHING, "too-large", {})
    moved = laws.moved(copies)
    form = slope.reshape(-1, slope.shape[-1]) @ moved
    return _told([_bounded(form, moved, laws.joint_equations(), survey.error)], "joint")


def _bounded(form: np.ndarray, moved: np.ndarray, equations: Equations, error: float) -> FormBound | None:
    """The bound of one form; None where roundings of large slopes may hide what a small one does."""
    found = form_bound(form, moved, equations, error * len(form))
    if not found.proves or found.slack == 0.0:
        return found
    least = smallest_left(form, 1.0)
    kept = max(0.5 * found.strength, HIDDEN * least) * least_move(moved, equations.kernel)
    return found if found.slack <= min(HIDDEN * least, kept) else None


def _told(bounds: list[FormBound | None], case: str) -> _Proof:
    known = [bound for bound in bounds if bound is not None]
    return _Proof(weakest(known), case, {}) if len(known) == len(bounds) else _Proof(_NOTHING, "scales", {})


def _enclosed(game: AbstractGame, survey: Survey, settings: SearchSettings) -> _Proof:
    """The bound from enclosed slopes, where mean fields are laws and no leader moves the followers.

    Elsewhere there are laws of one mean field, at which the form vanishes and its enclosure does not.
    """
    if not survey.laws.on_pairs or not survey.by_pure_leaders:
        return _Proof(_NOTHING, "general", {})
    leaders = survey.pure_rows()
    equations, identity = survey.laws.equations(leaders[0]), survey.laws.moved()

    def bound(lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"]) -> Float[np.ndarray, " K"]:
        found = enclose_slopes(game, "follower_reward", lower, upper)
        low, high = np.moveaxis(found.lower, 1, -1), np.moveaxis(found.upper, 1, -1)
        tops = [
            [range_bound(averaged(low[k], rows), averaged(high[k], rows), equations) for rows in leaders]
            for k in range(len(low))
        ]
        largest: Float[np.ndarray, " K"] = np.max(np.array(tops), axis=1)
        return largest

    def sample(fields: Float[np.ndarray, "K M"]) -> Float[np.ndarray, " K"]:
        tables = np.moveaxis(slopes_at(game, "follower_reward", fields), 1, -1)
        tops = [
            [quotients(_symmetric(averaged(table, rows)), identity, equations.kernel)[0] for rows in leaders]
            for table in tables
        ]
        largest: Float[np.ndarray, " K"] = np.max(np.array(tops), axis=1)
        return largest

    budget = budget_of(settings, numbers_of_a_box(game, "follower_reward", slopes=True))
    budget["num_boxes"] = min(budget["num_boxes"], _MOST_BOXES, max(1, _MOST_PROBLEMS // len(leaders)))
    try:
        found = supremum(bound, sample, field_size(game), **budget)
    except NoEnclosure:
        return _Proof(_NOTHING, "no-enclosure", {})
    upper = float(found.upper)
    return _Proof(FormBound(max(0.0, -upper), max(0.0, upper), 0.0), "boxes", {"boxes": found.boxes}, found.cut)


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    result: np.ndarray = 0.5 * (matrix + matrix.T)
    return result


def _worst(survey: Survey) -> tuple[list[_Direction], bool]:
    """Candidates with their worst directions, the worst first, and whether crowding pays along one."""
    moved = survey.laws.moved()
    positive: list[tuple[float, Candidate, np.ndarray]] = []
    found: list[tuple[float, Candidate, np.ndarray]] = []
    for each in survey.candidates:
        form, kernel = _symmetric(each.slope @ moved), each.equations.kernel
        top, direction = quotients(form, moved, kernel)
        if not np.isfinite(top):
            continue
        values, vectors = np.linalg.eigh(kernel.T @ form @ kernel)
        if values[-1] > POSITIVE * survey.scale:
            positive.append((float(values[-1]), each, kernel @ vectors[:, -1]))
        found.append((top, each, direction))
    ranked = sorted(positive or found, key=lambda entry: -entry[0])
    return [_Direction(*entry) for entry in ranked], bool(positive)


def _pair(game: AbstractGame, survey: Survey, worst: list[_Direction]) -> Shown:
    """The first two laws along a worst direction, on either side of a candidate's."""
    laws, share = survey.laws, _NEAR if survey.slope is None else _APART
    for _, candidate, direction in worst:
        ends = _ends(laws, candidate, direction, share)
        if ends is None:
            continue
        witness = witness_of(laws, candidate, ends)
        change, error = _change(game, witness, survey.error)
        step = ends[0] - ends[1]
        refutes = change - error > POSITIVE * survey.scale * float(step @ step)
        return Shown(occupation_quotient(game, witness), witness, bool(refutes))
    return NOTHING_SHOWN


def _ends(laws: Laws, candidate: Candidate, direction: np.ndarray, share: float) -> np.ndarray | None:
    ends = laws.around(candidate.law, np.stack([direction, -direction]), share, candidate.rows)
    if ends is None or not np.any(laws.moved() @ (ends[0] - ends[1])):
        return None
    return ends
