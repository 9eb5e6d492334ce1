r"""Boxes that cover every leader of bounded log-ratios, with the certified sign of $\langle g, p \rangle$ over each.

Covered is the set $\{\omega : \max_b \omega(o,b) - \min_b \omega(o,b) \le L \text{ for every } o\}$, which no order of
the actions changes. Adding a number to a row changes nothing, so let a row's largest logit be zero: if that is the
logit of action k, the row lies in the box $\{\omega_k = 0, -L \le \omega_b \le 0\}$. One chart for each choice of top
actions, one of each row, covers the set exactly; two charts share ties only.
"""

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.deadline import Deadline
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import Table, in_columns
from smfg_verify.assumptions.enclosure.leader.boxes import enclose_leaders, numbers_of
from smfg_verify.assumptions.search import LOGIT_BOX

# A point of larger entries is none that a search of an equilibrium has found.
_SENSIBLE = 1e6
# L: what logits in the box of every search can express.
LOG_RATIO = 2.0 * LOGIT_BOX
# Both gradients below this, relative to their largest entry: nothing to decide there.
NEGLIGIBLE = 1e-6
# Boxes halved at once, of each chart and in all.
_BATCH, _LARGEST_BATCH = 32, 256
# A zero of <g, p> lies in a box of no certain sign however narrow: below this width such a box is left alone.
_NARROWEST = 1e-5
_NEARLY_ALL = 1e-3
# An action is cut as if it were at least so probable: where it is rarer its logit still decides the size of gradients.
_RARE = 1e-2
# A box of up to so many numbers counts as one of `num_boxes` (2 to 5 ms); a larger one counts as more.
_NUMBERS_OF_A_BOX = 2**14


class Charts(NamedTuple):
    """A game as seen from each choice of top actions.

    Attributes:
        games: the game with each row's top action moved to the end, where `AffineGame` has its zero logit.
        order: actions of each row in that order, (C, O, B).
    """

    games: tuple[AffineGame, ...]
    order: Int[np.ndarray, "C O B"]

    def logits(self, chart: Int[np.ndarray, " K"], free: Float[np.ndarray, "K k"]) -> Float[np.ndarray, "K O B"]:
        """Tables of logits, the top action's zero, of free ones."""
        order = self.order[chart]
        shape = (len(free), order.shape[1], order.shape[2] - 1)
        ordered = np.concatenate([free.reshape(shape), np.zeros((*shape[:2], 1))], axis=2)
        table = np.empty_like(ordered)
        np.put_along_axis(table, order, ordered, axis=2)
        return table

    def free(self, chart: int, logits: Float[np.ndarray, "O B"]) -> Float[np.ndarray, " k"]:
        """The free logits of a table whose top action's logits are zero."""
        return np.take_along_axis(logits, self.order[chart], axis=1)[:, :-1].ravel()

    def with_tops(self, tops: Int[np.ndarray, " O"]) -> int:
        """The chart of given top actions."""
        return int(np.flatnonzero(np.all(self.order[:, :, -1] == tops, axis=1))[0])


def charts_of(game: AffineGame) -> Charts:
    """The charts of all choices of top actions, one action for each row."""
    actions = range(game.num_leader_actions)
    last = [[*(b for b in actions if b != top), top] for top in actions]
    order = np.array([[last[top] for top in tops] for tops in itertools.product(actions, repeat=game.rows)])
    return Charts(tuple(_reordered(game, rows) for rows in order), order)


def _reordered(game: AffineGame, order: Int[np.ndarray, "O B"]) -> AffineGame:
    by_state = order[game.observation]

    def table(pair: Table) -> Table:
        return in_columns(pair[0], by_state, 2), in_columns(pair[1], by_state, 3)

    moves, follower, leader = (table(pair) for pair in (game.transition, game.follower, game.leader))
    return dataclasses.replace(game, transition=moves, follower=follower, leader=leader, columns=by_state)


class Boxes(NamedTuple):
    """Boxes of free logits, (K, k) each, in their charts (K,), with what is known of each (K,).

    `field` (K, M) and `value` (K, n - 1) are a guess of the equilibrium in the middle; the others are as in `Leaders`.
    """

    chart: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    inner_low: np.ndarray
    inner_high: np.ndarray
    size: np.ndarray
    scale: np.ndarray
    field: np.ndarray
    value: np.ndarray

    def at(self, index: int | slice | np.ndarray) -> "Boxes":
        """The boxes that an index or mask selects."""
        return Boxes(*(leaf[index] for leaf in self))

    @property
    def verified(self) -> Bool[np.ndarray, " K"]:
        """Where an equilibrium of every leader was enclosed."""
        result: Bool[np.ndarray, " K"] = np.isfinite(self.inner_low)
        return result


def joined(*parts: Boxes) -> Boxes:
    """Several sets of boxes as one, in order."""
    return Boxes(*(np.concatenate(leaves) for leaves in zip(*parts, strict=True)))


class Cover(NamedTuple):
    """Boxes that cover all leaders, with the certified range of <g, p> over each.

    Attributes:
        charts: where the boxes lie.
        boxes: the boxes.
        number: boxes enclosed.
        curve: share of the volume of no certain sign after each round.
        cut: whether a time limit ended it.
    """

    charts: Charts
    boxes: Boxes
    number: int
    curve: Float[np.ndarray, " T"]
    cut: bool = False

    @property
    def negligible(self) -> Bool[np.ndarray, " K"]:
        """Boxes where every entry of both gradients is proved below `NEGLIGIBLE` times an entry met elsewhere, (K,)."""
        # An entry whose middle is the largest is at least twice that less the bound of all; the top action's entry is
        # minus the sum of the others.
        met = np.max(2.0 * self.boxes.scale - self.boxes.size, initial=0.0)
        result: Bool[np.ndarray, " K"] = self.boxes.size * (self.charts.order.shape[2] - 1) <= NEGLIGIBLE * met
        return result

    @property
    def sign(self) -> Int[np.ndarray, " K"]:
        """Certified sign of <g, p> over each box, 0 where there is none, (K,)."""
        return np.where(self.boxes.inner_low > 0.0, 1, 0) - np.where(self.boxes.inner_high < 0.0, 1, 0)

    def share(self, which: Bool[np.ndarray, " K"]) -> float:
        """Share of the leaders, by volume of their logits, that some of the boxes hold."""
        volume = np.prod((self.boxes.upper - self.boxes.lower) / LOG_RATIO, axis=1)
        return float(np.sum(volume[which]) / len(self.charts.games))

    @property
    def open_share(self) -> float:
        """Share of no certain sign."""
        return self.share(self.sign == 0)

    def logits(self, end: np.ndarray) -> Float[np.ndarray, "K O B"]:
        """Tables of logits of a corner of each box, or of its middle."""
        return self.charts.logits(self.boxes.chart, end)


def cover_leaders(game: AffineGame, *, num_boxes: int, time_limit: float | None = None) -> Cover:
    """Halve boxes of no certain sign, those least known first, until all are settled or out of budget.

    Args:
        game: the game's tables.
        num_boxes: boxes enclosed, at most (one of each chart always is); large ones count as several.
        time_limit: seconds, looked at between rounds; None for none, so that the cover depends on the game alone.

    Returns:
        The cover; what it certifies holds at all times.
    """
    charts, deadline = charts_of(game), Deadline(time_limit)
    allowed = int(num_boxes / max(1.0, numbers_of(game) / _NUMBERS_OF_A_BOX))
    number = len(charts.games)
    batch = min(_BATCH * number, _LARGEST_BATCH)
    whole = np.full((number, game.num_free), LOG_RATIO)
    boxes = _enclosed(charts, np.arange(number), -whole, 0.0 * whole, *game.guesses(number))
    cover = Cover(charts, boxes, number, np.ones(1))
    curve = [cover.open_share]
    while cover.number + 1 < allowed:
        chosen = _least_known(cover, min(batch, (allowed - cover.number) // 2))
        if len(chosen) == 0 or _told(cover):
            break
        if deadline.passed:
            cover = cover._replace(cut=True)
            break
        halves = _halved(charts, cover.boxes.at(chosen))
        kept = np.setdiff1d(np.arange(len(cover.boxes.size)), chosen)
        cover = cover._replace(boxes=joined(cover.boxes.at(kept), halves), number=cover.number + len(halves.size))
        curve.append(cover.open_share)
    return cover._replace(curve=np.array(curve))


def _told(cover: Cover) -> bool:
    """Refuted, and nearly all leaders are of a certain sign: more boxes would tell no more."""
    return bool(np.any(cover.sign < 0)) and cover.open_share <= _NEARLY_ALL


def _least_known(cover: Cover, number: int) -> Int[np.ndarray, " N"]:
    """Indices of the boxes to halve next: the largest, and of those the ones with the lowest bound."""
    boxes = cover.boxes
    sides = boxes.upper - boxes.lower
    unsettled = np.flatnonzero((cover.sign == 0) & ~cover.negligible & (np.max(sides, axis=1) > _NARROWEST))
    order = np.lexsort((boxes.inner_low[unsettled], -np.prod(sides, axis=1)[unsettled]))
    return unsettled[order[:number]]


def _moved(boxes: Boxes) -> Float[np.ndarray, "K k"]:
    """How far each logit moves its action's probability over a box, at most, about: what its cut would tell."""
    odds = np.exp(boxes.upper)
    moved: Float[np.ndarray, "K k"] = (boxes.upper - boxes.lower) * np.maximum(odds / (1.0 + odds), _RARE)
    return moved


def _halved(charts: Charts, boxes: Boxes) -> Boxes:
    axis = np.argmax(_moved(boxes), axis=1)
    rows = np.arange(len(axis))
    middle = 0.5 * (boxes.lower[rows, axis] + boxes.upper[rows, axis])
    left, right = boxes.upper.copy(), boxes.lower.copy()
    left[rows, axis] = middle
    right[rows, axis] = middle
    chart, field, value = (np.concatenate([part, part]) for part in (boxes.chart, boxes.field, boxes.value))
    lower, upper = np.concatenate([boxes.lower, right]), np.concatenate([left, boxes.upper])
    return _enclosed(charts, chart, lower, upper, field, value)


def _enclosed(
    charts: Charts, chart: np.ndarray, lower: np.ndarray, upper: np.ndarray, field: np.ndarray, value: np.ndarray
) -> Boxes:
    """The boxes with what is known of them, chart by chart."""
    parts = []
    for index in np.unique(chart):
        here = chart == index
        parts.append(_enclosed_in_chart(charts, int(index), *(part[here] for part in (lower, upper, field, value))))
    return joined(*parts)


def _enclosed_in_chart(
    charts: Charts, index: int, lower: np.ndarray, upper: np.ndarray, field: np.ndarray, value: np.ndarray
) -> Boxes:
    found = enclose_leaders(charts.games[index], lower, upper, field, value)
    # What failed to be solved is no guess for the halves.
    usable = found.verified[:, None]
    return Boxes(
        np.full(len(lower), index),
        lower,
        upper,
        found.inner.lower,
        found.inner.upper,
        found.size,
        found.scale,
        np.where(usable, found.field, plausible(found.field, field)),
        np.where(usable, found.value, plausible(found.value, value)),
    )


def plausible(found: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The point found, where it is a number of sensible size, else the guess it was searched from."""
    good = np.all(np.isfinite(found) & (np.abs(found) < _SENSIBLE), axis=1, keepdims=True)
    return np.where(good, found, guess)
