r"""Gradient alignment proved for all leaders near each of a run's: how near is found by bisection.

Near a leader of log-ratios $\lambda$ (logits less their row's last one) are all leaders whose log-ratios differ from
$\lambda$ by at most r each. Over such a box `enclosure.leader.boxes` proves an equilibrium of every leader and encloses
$\langle g, p - c g \rangle$, so that a $c$ at which it is nowhere negative holds at all of them. Wider boxes are proved
by parts: a grid of boxes that cover them. Leaders of many free logits have intervals first, and then forms on boxes
many times as wide, as far as they are affordable.
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.along.radii import the_same, widest
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.boxes import enclose_leaders, has_forms, numbers_of, numbers_of_forms
from smfg_verify.assumptions.enclosure.leader.local import tables_for_leaders
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.exact.gradient.at_leaders import LeaderPoints
from smfg_verify.game import AbstractGame

# Radii that are tried, as powers of two, and how many around a leader.
_ENDS, _TRIALS = (-24.0, 1.0), 8
# Parts of a wider box, at most, and how many wider ones are tried; fewer parts along an axis than a few gain little.
_MOST_PARTS, _AGAIN, _A_FEW = 16, 3, 3
# How much wider the first of them is: where a proof is near the truth there is little room.
_A_LITTLE = 1.2
# Of the constant at the leader itself, or of 1 where it is larger, the share that must be left over the whole box: near
# a zero of g constants are large and narrow.
KEPT = 0.5
# Numbers that the enclosures of one check may build together: minutes.
_MOST_NUMBERS = 2**33
# The same of all parts of wider boxes: seconds; and of forms where they are dear, minutes. These are tried on boxes so
# much wider than those that intervals prove, as powers of two.
_NUMBERS_OF_PARTS, _NUMBERS_OF_FORMS = 2**26, 2**29
_WIDER_BY_FORMS = (2.0, 6.0)
# Leaders in one go; of boxes as many as a processor's cache holds, if that is more.
_BATCH, _NUMBERS_AT_ONCE = 64, 2**17


class CertifiedNear(NamedTuple):
    """What is proved around each leader.

    Attributes:
        radius: r, in log-ratios, (N,); zero where nothing is proved.
        constant: $\\langle g, p \\rangle \\ge c \\|g\\|^2$ for all leaders that near, (N,); NaN where nothing is.
        reason: why nothing is tried at all; empty where it is.
    """

    radius: Float[np.ndarray, " N"]
    constant: Float[np.ndarray, " N"]
    reason: str


def certified_near(
    game: AbstractGame, points: LeaderPoints, constants: Float[np.ndarray, " N"], wanted: Bool[np.ndarray, " N"]
) -> CertifiedNear:
    r"""Boxes around leaders over which $\langle g, p \rangle \ge c \|g\|^2$, c at least half the leader's own or 1/2.

    Args:
        game: the game, traced.
        points: leaders with their equilibria.
        constants: c at each.
        wanted: leaders to look around.

    Returns:
        What is proved; a proof needs a positive constant.
    """
    number = len(points.converged)
    nothing = CertifiedNear(np.zeros(number), np.full(number, np.nan), "")
    tables, reason = tables_for_leaders(game)
    if tables is None:
        return nothing._replace(reason=reason)
    with np.errstate(invalid="ignore"):
        tried = np.flatnonzero(wanted & points.converged & (constants > 0.0))
    if len(tried) * _TRIALS * numbers_of(tables) > _MOST_NUMBERS:
        return nothing._replace(reason="too many numbers in the enclosures of its boxes")
    if tables.num_free == 0 or len(tried) == 0:
        return nothing._replace(reason="" if tables.num_free else "a leader with one action decides nothing")
    radius, constant = nothing.radius, nothing.constant
    effort = _Effort(_parts_along(tables, len(tried)), _trials_by_forms(tables, len(tried)))
    for begin in range(0, len(tried), _BATCH):
        chosen = tried[begin : begin + _BATCH]
        wanted_there = KEPT * np.minimum(constants[chosen], 1.0)
        try:
            radius[chosen], constant[chosen] = _widest(tables, points.at(chosen), wanted_there, effort)
        except NoEnclosure as obstacle:
            return nothing._replace(reason=str(obstacle))
    return CertifiedNear(radius, constant, "")


class _Effort(NamedTuple):
    """What is affordable around each leader: parts of a box along each log-ratio, and boxes tried by dear forms."""

    parts: int
    forms: int


def _trials_by_forms(game: AffineGame, number: int) -> int:
    """Boxes that are affordable for each of so many leaders where forms are dear; none where all boxes have them."""
    if has_forms(game) or game.followers is not None:
        return 0
    return min(_TRIALS, _NUMBERS_OF_FORMS // (number * numbers_of_forms(game)))


def _parts_along(game: AffineGame, number: int) -> int:
    """Parts of a box along each log-ratio that are affordable for so many leaders, or one."""
    affordable = _NUMBERS_OF_PARTS // (_AGAIN * number * numbers_of(game))
    parts = 1
    while (parts + 1) ** game.num_free <= min(affordable, _MOST_PARTS):
        parts += 1
    return parts if parts >= _A_FEW else 1


def _widest(
    game: AffineGame, points: LeaderPoints, wanted: np.ndarray, effort: _Effort
) -> tuple[np.ndarray, np.ndarray]:
    """The widest boxes found over which the constants are at least those wanted, and what is proved there."""
    number, size = len(wanted), max(_BATCH, _NUMBERS_AT_ONCE // numbers_of(game))
    logits = points.logits
    free = (logits[:, :, :-1] - logits[:, :, -1:]).reshape(number, -1)
    value = points.follower_value[:, :-1] - points.follower_value[:, -1:]

    def prove(at: np.ndarray, width: np.ndarray, parts: int = 1, forms: bool | None = None) -> np.ndarray:
        lower, upper, owner = grids(free[at], width, parts)
        field, relative = points.mean_field[at].reshape(len(at), -1)[owner], value[at][owner]
        slices = [slice(k, k + size) for k in range(0, len(owner), size)]
        found = [enclose_leaders(game, lower[k], upper[k], field[k], relative[k], forms=forms).constant for k in slices]
        proved = np.min(np.concatenate(found).reshape(len(at), -1), axis=1)
        return np.where(proved >= wanted[at], proved, np.nan)

    radius, constant = widest(the_same(number, _ENDS), _TRIALS, prove)
    some = np.flatnonzero(radius > 0.0)
    if effort.parts > 1 and len(some):
        low = np.log2(radius[some] * _A_LITTLE)
        wider = widest(
            (low, low + np.log2(effort.parts)), _AGAIN, lambda at, width: prove(some[at], width, effort.parts)
        )
    elif effort.forms and len(some):
        low, high = (np.log2(radius[some]) + more for more in _WIDER_BY_FORMS)
        wider = widest((low, high), effort.forms, lambda at, width: prove(some[at], width, forms=True))
    else:
        return radius, constant
    better = wider[0] > radius[some]
    radius[some[better]], constant[some[better]] = (part[better] for part in wider)
    return radius, constant


def grids(
    middle: Float[np.ndarray, "K k"], width: Float[np.ndarray, " K"], parts: int
) -> tuple[Float[np.ndarray, "L k"], Float[np.ndarray, "L k"], Int[np.ndarray, " L"]]:
    """Boxes that cover those within a width of some points, so many along each axis.

    Args:
        middle: of the boxes.
        width: half of their sides.
        parts: along each axis.

    Returns:
        Lower and upper ends of all parts, those of one box after the other, and the box that each is a part of.
    """
    steps = np.array(list(itertools.product(range(parts), repeat=middle.shape[1])))
    # Neighbours share their ends, as numbers, and the outer ones are the box's own.
    cuts = np.linspace(middle - width[:, None], middle + width[:, None], parts + 1)
    axes = np.arange(middle.shape[1])
    lower, upper = (np.moveaxis(cuts[steps + k, :, axes], -1, 0) for k in (0, 1))
    owner = np.repeat(np.arange(len(middle)), len(steps))
    return lower.reshape(len(owner), -1), upper.reshape(len(owner), -1), owner
