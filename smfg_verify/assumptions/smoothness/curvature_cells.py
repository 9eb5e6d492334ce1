r"""Cells that cover every leader's policy, deterministic ones too, with bounds of the Hessian's norm in logits.

Cells are boxes of probabilities cut by the simplex of each row; the one with the largest bound is halved until that
bound is near what some leader is proved to have, or out of budget. Equilibria of touching cells are compared at a
leader that both have: where all agree, the equilibria of all leaders are one continuous branch, along which $\Phi$ is
smooth.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.assumptions.deadline import Deadline
from smfg_verify.assumptions.enclosure.balls import Ball, approximate_inverse, contract, contracts
from smfg_verify.assumptions.enclosure.domain import inner_points, tightened
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.boxes import numbers_of, numbers_of_forms
from smfg_verify.assumptions.enclosure.leader.curvature import around, enclose_curvature
from smfg_verify.assumptions.enclosure.leader.forms import Form, of_all_boxes
from smfg_verify.assumptions.enclosure.leader.policies import coordinates_between
from smfg_verify.assumptions.enclosure.leader.residual import jacobian
from smfg_verify.assumptions.enclosure.leader.world import world_of
from smfg_verify.assumptions.enclosure.response.models import EPSILON
from smfg_verify.assumptions.gradient_alignment.box_cover import plausible

# Where the bound is this close to what is attained, more cells would tell no more.
CLOSE = 1.1
_BATCH = 64
_NARROWEST = 1e-9
# Numbers of a cell that count as one of `num_boxes` for each free logit, a larger one as more; and as are held at once.
_NUMBERS_OF_A_CELL, _NUMBERS_AT_ONCE = 2**13, 2**24
# What a difference of probabilities may be rounded by, generously.
_ROUNDED_POLICY = 4.0 * EPSILON
# Sides below this are faces that two cells share; and pairs of cells that are looked at together.
_THIN, _PAIRS_AT_ONCE = 1e-12, 2**22


class Cells(NamedTuple):
    """K cells of policies and what is known of each, first axis K; the last five as in `Curvatures`."""

    lower: Float[np.ndarray, "K O B"]
    upper: Float[np.ndarray, "K O B"]
    least: Float[np.ndarray, " K"]
    most: Float[np.ndarray, " K"]
    field: Float[np.ndarray, "K n"]
    value: Float[np.ndarray, "K n-1"]
    verified: Bool[np.ndarray, " K"]
    branch: Form

    def at(self, index: int | slice | np.ndarray) -> "Cells":
        """The cells that an index or mask selects."""
        return Cells._make([*(leaf[index] for leaf in self[:-1]), self.branch[index]])

    def beside(self, others: "Cells") -> "Cells":
        """These and others."""
        arrays = (np.concatenate(leaves) for leaves in zip(self[:-1], others[:-1], strict=True))
        return Cells._make([*arrays, of_all_boxes([self.branch, others.branch])])

    def equilibria(self, policies: Float[np.ndarray, "K O B"]) -> Ball:
        """What is known of the equilibrium of one leader of each cell, (K, M + n - 1)."""
        lower, upper = around(self.lower, self.upper)
        known = self.branch.at(coordinates_between(lower, upper, policies))
        # Probabilities are rounded, and coordinates count them in widths of the cell. Of linear and quadratic parts one
        # that is off by so much misses 16 times their largest values, at most.
        rounded = _ROUNDED_POLICY / np.min((upper - lower)[..., :-1], axis=(1, 2))
        return Ball(known.mid, known.rad + 16.0 * rounded[:, None] * self.branch.rad)


class CurvatureCover(NamedTuple):
    """Cells that cover all leaders.

    Attributes:
        cells: the cells.
        number: cells bounded.
        attained: some leader's Hessian has a norm of at least this.
        curve: the bound of all after each round.
        one_branch: whether equilibria of touching cells are proved to be the same.
        cut: whether a time limit ended it.
    """

    cells: Cells
    number: int
    attained: float
    curve: Float[np.ndarray, " T"]
    one_branch: bool = False
    cut: bool = False

    @property
    def upper(self) -> float:
        """No leader's Hessian has a larger norm; infinite where some cell is not verified."""
        return float(np.max(self.cells.most))


def cover_policies(game: AffineGame, *, num_boxes: int, time_limit: float | None = None) -> CurvatureCover:
    """Halve the cells of the largest bounds until the bound is close to what is attained, or out of budget.

    Args:
        game: the game's tables, without entropy of the leader.
        num_boxes: cells bounded, at most (the first always is); those of several directions count as several.
        time_limit: seconds, looked at between rounds; None for none, so that the cover depends on the game alone.

    Returns:
        The cover; its bound holds at all times.
    """
    deadline = Deadline(time_limit)
    allowed = int(num_boxes / (game.num_free * max(1.0, numbers_of(game) / _NUMBERS_OF_A_CELL)))
    batch = max(1, min(_BATCH, _NUMBERS_AT_ONCE // numbers_of_forms(game)))
    shape = (1, game.rows, game.num_leader_actions)
    cover = CurvatureCover(_bounded(game, np.zeros(shape), np.ones(shape), *game.guesses(1)), 1, 0.0, np.empty(0))
    curve = [cover.upper]
    while cover.number + 1 < allowed and cover.upper > CLOSE * cover.attained:
        chosen = _worst(cover.cells, min(batch, (allowed - cover.number) // 2))
        if len(chosen) == 0:
            break
        if deadline.passed:
            cover = cover._replace(cut=True)
            break
        halves = _halved(game, cover.cells.at(chosen))
        kept = cover.cells.at(np.setdiff1d(np.arange(len(cover.cells.most)), chosen))
        cells = kept.beside(halves)
        attained = max(cover.attained, _attained(game, halves))
        cover = cover._replace(cells=cells, number=cover.number + len(halves.most), attained=attained)
        curve.append(cover.upper)
    glued = bool(cover.cells.verified.all()) and _is_one_branch(game, cover.cells)
    return cover._replace(curve=np.array(curve), one_branch=glued)


def _attained(game: AffineGame, cells: Cells) -> float:
    """What the norm is at least at a leader of the cells, one in the middle of that with the largest bound."""
    one = cells.at(np.argmax(cells.most, keepdims=True))
    middle = _inner(one.lower, one.upper)
    found = enclose_curvature(game, middle, middle, one.field, one.value)
    return max(float(np.max(cells.least)), float(found.lower[0]))


def _worst(cells: Cells, number: int) -> np.ndarray:
    """Indices of the cells to halve next: the largest bounds, and of unbounded cells the widest."""
    sides = np.max(cells.upper - cells.lower, axis=(1, 2))
    usable = np.flatnonzero(sides > _NARROWEST)
    return usable[np.lexsort((-sides[usable], -cells.most[usable]))[:number]]


def _halved(game: AffineGame, cells: Cells) -> Cells:
    number, rows, actions = cells.lower.shape
    flat = cells.lower.reshape(number, -1), cells.upper.reshape(number, -1)
    each, axis = np.arange(number), np.argmax(flat[1] - flat[0], axis=1)
    middle = 0.5 * (flat[0][each, axis] + flat[1][each, axis])
    left, right = flat[1].copy(), flat[0].copy()
    left[each, axis] = middle
    right[each, axis] = middle
    ends = np.concatenate([flat[0], right]), np.concatenate([left, flat[1]])
    lower, upper, whole = _tightened(*(end.reshape(-1, rows, actions) for end in ends))
    field, value = (np.concatenate([part, part])[whole] for part in (cells.field, cells.value))
    return _bounded(game, lower[whole], upper[whole], field, value)


def _tightened(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The smallest boxes around the same policies, and which hold any."""
    shape = lower.shape
    low, high, feasible = tightened(lower.reshape(-1, shape[2]), upper.reshape(-1, shape[2]))
    return low.reshape(shape), high.reshape(shape), np.all(feasible.reshape(shape[:2]), axis=1)


def _inner(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """A policy in each box."""
    shape = lower.shape
    return inner_points(lower.reshape(-1, shape[2]), upper.reshape(-1, shape[2])).reshape(shape)


def _bounded(game: AffineGame, lower: np.ndarray, upper: np.ndarray, field: np.ndarray, value: np.ndarray) -> Cells:
    found = enclose_curvature(game, lower, upper, field, value)
    # What failed to be solved, or is no mean field, is no guess for the halves.
    usable = np.all(found.field >= 0.0, axis=1, keepdims=True)
    field = np.where(usable, plausible(found.field, field), field)
    value = np.where(usable, plausible(found.value, value), value)
    return Cells(lower, upper, found.lower, found.upper, field, value, found.verified, found.branch)


def _is_one_branch(game: AffineGame, cells: Cells) -> bool:
    """Whether any two cells that share a face have the same equilibrium at a leader of both."""
    number = len(cells.most)
    block = max(1, _PAIRS_AT_ONCE // (number * cells.lower[0].size))
    return all(
        _agree(game, cells, *pairs)
        for begin in range(0, number, block)
        for pairs in _batches(*_touching(cells, np.arange(begin, min(begin + block, number))))
    )


def _batches(first: np.ndarray, second: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(first[k : k + _BATCH], second[k : k + _BATCH]) for k in range(0, len(first), _BATCH)]


def _touching(cells: Cells, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of some cells and later ones that have a face in common."""
    lower = np.maximum(cells.lower[chosen, None], cells.lower[None])
    upper = np.minimum(cells.upper[chosen, None], cells.upper[None])
    meets = np.all(upper - lower >= -_THIN, axis=(2, 3))
    meets &= np.arange(len(cells.most))[None] > chosen[:, None]
    first, second = np.nonzero(meets)
    low, high, feasible = _tightened(*(np.minimum(lower, upper)[meets], np.maximum(lower, upper)[meets]))
    # Probabilities of a row that add up to one have one dimension less than there are of them.
    wide = np.sum(high - low > _THIN, axis=2)
    dimensions = np.sum(np.maximum(wide - 1, 0), axis=1)
    faces = feasible & (dimensions >= low.shape[1] * (low.shape[2] - 1) - 1)
    return chosen[first[faces]], second[faces]


def _agree(game: AffineGame, cells: Cells, first: np.ndarray, second: np.ndarray) -> bool:
    r"""Whether the equilibria that two cells have of one leader of both are the same.

    Both are zeros of the residual F in the smallest box around what the cells know of theirs. With C about an inverse
    of its slopes there, $|I - C F_x| w < w$ for some w > 0 leaves no average of the slopes singular, so that F takes no
    value twice in the box.
    """
    one, other = cells.at(first), cells.at(second)
    ends = np.maximum(one.lower, other.lower), np.minimum(one.upper, other.upper)
    low, high, _ = _tightened(np.minimum(*ends), np.maximum(*ends))
    policy = _inner(low, high)
    places = [cell.equilibria(policy) for cell in (one, other)]
    hull = Ball.of_ends(np.minimum(*(p.lower for p in places)), np.maximum(*(p.upper for p in places)))
    point, size = Ball.exact(policy[:, game.observation]), one.field.shape[1]
    with np.errstate(all="ignore"):
        slopes = jacobian(world_of(game, point, hull[:, :size], hull[:, size:]))[0]
        inverse = approximate_inverse(slopes.mid)
        excess = (contract("kij,kjl->kil", inverse, slopes) - np.eye(slopes.mid.shape[1])[None]).size
        weights = approximate_inverse(np.eye(excess.shape[1]) - excess).sum(axis=2)
        return bool(np.all(contracts(excess, weights)))
