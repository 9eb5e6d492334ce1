r"""Gradient alignment proved or refuted for every leader of a box of logits, by branch and bound.

For leaders with at most three free logits (the last column is zero, since adding a number to a row changes nothing) and
games whose functions are proved affine in a mean field over states. Over each box an equilibrium of every leader is
proved to exist by Krawczyk's operator, and $\langle g, p \rangle$, $g = \nabla\Phi$ and p its direct part, is enclosed;
boxes of no certain sign are halved.
"""

import math
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions._registry import SearchSettings
from smfg_verify.assumptions.alignment_findings import PROPERTY
from smfg_verify.assumptions.alignment_measures import alignment_measures
from smfg_verify.assumptions.enclosure.leader_boxes import Leaders, enclose_leaders
from smfg_verify.assumptions.enclosure.leader_world import AffineGame, affine_game
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable
from smfg_verify.assumptions.leaders import checked, evaluate_leaders
from smfg_verify.assumptions.search import BOX
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, leader_logits_shape

STATEMENT = "certified-box"
LARGEST_LEADER = 3
# Both gradients below this, relative to their largest entry seen: nothing to decide there.
NEGLIGIBLE = 1e-6
_BATCH = 64
# A zero of <g, p> lies in a box of no certain sign however narrow: below this width such a box is left alone.
_NARROWEST = 1e-5
_NEARLY_ALL = 1e-3


class _Boxes(NamedTuple):
    """Boxes of free logits, (K, k) each, with what is known of each (K,) and a guess of its equilibrium (K, n)."""

    lower: np.ndarray
    upper: np.ndarray
    inner_low: np.ndarray
    inner_high: np.ndarray
    size: np.ndarray
    scale: np.ndarray
    field: np.ndarray
    value: np.ndarray

    def at(self, index) -> "_Boxes":
        return _Boxes(*(leaf[index] for leaf in self))

    def joined(self, other: "_Boxes") -> "_Boxes":
        return _Boxes(*(np.concatenate(leaves) for leaves in zip(self, other, strict=True)))

    @property
    def volume(self) -> Float[np.ndarray, " K"]:
        """Share of the whole box, (K,)."""
        return np.prod((self.upper - self.lower) / (2.0 * BOX), axis=1)

    @property
    def verified(self) -> np.ndarray:
        return np.isfinite(self.inner_low)


class Cover(NamedTuple):
    """Boxes that cover all leaders, with the certified range of <g, p> over each.

    Attributes:
        boxes: the boxes.
        number: boxes enclosed.
        curve: share of the volume of no certain sign after each round.
    """

    boxes: _Boxes
    number: int
    curve: Float[np.ndarray, " T"]

    @property
    def negligible(self) -> np.ndarray:
        """Boxes where both gradients are certified to be negligible, (K,)."""
        return self.boxes.size <= NEGLIGIBLE * np.max(self.boxes.scale, initial=0.0)

    @property
    def sign(self) -> np.ndarray:
        """Certified sign of <g, p> over each box, 0 where there is none, (K,)."""
        return np.where(self.boxes.inner_low > 0.0, 1, 0) - np.where(self.boxes.inner_high < 0.0, 1, 0)

    def share(self, which: np.ndarray) -> float:
        """Share of the volume that some of the boxes fill."""
        return float(np.sum(self.boxes.volume[which]))


def cover_leaders(game: AffineGame, *, num_boxes: int, seconds: float) -> Cover:
    """Halve boxes of no certain sign, those least known first, until all are settled or out of budget.

    Args:
        game: the game's tables.
        num_boxes: boxes enclosed, at most (the first always is).
        seconds: time, looked at between rounds.

    Returns:
        The cover; what it certifies holds at all times.
    """
    start = time.monotonic()
    size, free = len(game.initial), game.num_free
    whole = np.full((1, free), BOX)
    boxes = _enclosed(game, -whole, whole, np.full((1, size), 1.0 / size), np.zeros((1, size - 1)))
    cover = Cover(boxes, 1, np.ones(1))
    curve = [_open_share(cover)]
    while cover.number + 1 < num_boxes and time.monotonic() - start < seconds:
        chosen = _least_known(cover, min(_BATCH, (num_boxes - cover.number) // 2))
        if len(chosen) == 0 or _told(cover):
            break
        halves = _halved(game, cover.boxes.at(chosen))
        kept = np.setdiff1d(np.arange(len(cover.boxes.size)), chosen)
        cover = Cover(cover.boxes.at(kept).joined(halves), cover.number + len(halves.size), cover.curve)
        curve.append(_open_share(cover))
    return cover._replace(curve=np.array(curve))


def _told(cover: Cover) -> bool:
    """Refuted, and nearly all leaders are of a certain sign: more boxes would tell no more."""
    return bool(np.any(cover.sign < 0)) and _open_share(cover) <= _NEARLY_ALL


def _open_share(cover: Cover) -> float:
    return cover.share(cover.sign == 0)


def _least_known(cover: Cover, number: int) -> np.ndarray:
    """Indices of the boxes to halve next: the largest, and of those the ones with the lowest bound."""
    boxes = cover.boxes
    width = np.max(boxes.upper - boxes.lower, axis=1)
    unsettled = np.flatnonzero((cover.sign == 0) & ~cover.negligible & (width > _NARROWEST))
    order = np.lexsort((boxes.inner_low[unsettled], -boxes.volume[unsettled]))
    return unsettled[order[:number]]


def _halved(game: AffineGame, boxes: _Boxes) -> _Boxes:
    axis = np.argmax(boxes.upper - boxes.lower, axis=1)
    rows = np.arange(len(axis))
    middle = 0.5 * (boxes.lower[rows, axis] + boxes.upper[rows, axis])
    left, right = boxes.upper.copy(), boxes.lower.copy()
    left[rows, axis] = middle
    right[rows, axis] = middle
    twice = [np.concatenate([part, part]) for part in (boxes.field, boxes.value)]
    return _enclosed(game, np.concatenate([boxes.lower, right]), np.concatenate([left, boxes.upper]), *twice)


def _enclosed(game: AffineGame, lower, upper, field, value) -> _Boxes:
    found: Leaders = enclose_leaders(game, lower, upper, field, value)
    # What failed to be solved is no guess for the halves.
    usable = found.verified[:, None]
    return _Boxes(
        lower,
        upper,
        found.inner.lower,
        found.inner.upper,
        found.size,
        found.scale,
        np.where(usable, found.field, _plausible(found.field, field)),
        np.where(usable, found.value, _plausible(found.value, value)),
    )


def _plausible(found: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The point found, where it is a number of sensible size, else the guess it was searched from."""
    good = np.all(np.isfinite(found) & (np.abs(found) < 1e6), axis=1, keepdims=True)
    return np.where(good, found, guess)


def certified_box_finding(game: AbstractGame, settings: SearchSettings) -> Finding:
    r"""Whether $\langle g, p \rangle > 0$ is proved for every leader with logits in [-6, 6], or disproved.

    Refuted where it is proved negative for all leaders of some box. Certified where every box is proved positive, save
    boxes where both gradients are proved negligible. Otherwise inconclusive with the bound reached.

    Args:
        game: the game, traced.
        settings: `num_boxes` and `seconds` bound the work.

    Returns:
        The finding.
    """
    observations, actions = leader_logits_shape(game)
    free = observations * (actions - 1)
    if free == 0:
        return _not_applicable("the leader has a single action")
    if free > LARGEST_LEADER:
        return _not_applicable(f"the leader has {free} free parameters, at most {LARGEST_LEADER} can be covered")
    tables = affine_game(game)
    if tables is None:
        return _not_applicable("only games proved affine in a mean field over states can be covered")
    cover = cover_leaders(tables, num_boxes=settings.num_boxes, seconds=settings.seconds)
    if np.any(cover.sign < 0):
        refuted = _refuted(game, tables, cover)
        if refuted is not None:
            return refuted
    return _bounded(game, cover)


def _not_applicable(why: str) -> Finding:
    return not_applicable(PROPERTY, STATEMENT, method="structure of the game", why=why)


def _shares(cover: Cover) -> str:
    return (
        f"<g, p> > 0 is proved for {cover.share(cover.sign > 0):.2%} of the leaders with logits in [-6, 6] (by "
        f"volume), < 0 for {cover.share(cover.sign < 0):.2%}"
    )


_AT = "at one equilibrium of each leader (unique nearby; others are not excluded)"


def _refuted(game: AbstractGame, tables: AffineGame, cover: Cover) -> Finding | None:
    """The box with the most negative bound, if the gradients in its middle say the same."""
    index = int(np.argmin(np.where(cover.sign < 0, cover.boxes.inner_high, np.inf)))
    box = cover.boxes.at(slice(index, index + 1))
    witness = {
        "logits": tables.full_logits(0.5 * (box.lower + box.upper))[0],
        "mean_field": box.field[0],
    }
    constant = recompute_certified_box(game, witness)
    if not constant < 0.0:
        return None
    return Finding(
        property=PROPERTY,
        statement=STATEMENT,
        verdict=Verdict.REFUTED,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        method=_METHOD,
        meaning=f"{_shares(cover)}, {_AT}; in the middle of the box with the most negative bound cos(g, p) = "
        f"{constant:.4g}.",
        witness=witness,
        searched=_searched(cover),
        details=_details(cover),
    )


_METHOD = "branch and bound over logits with Krawczyk's operator and interval adjoints"


def _bounded(game: AbstractGame, cover: Cover) -> Finding:
    """Certified or inconclusive, with the lowest bound of <g, p> over the boxes; its witness is that box."""
    settled = (cover.sign > 0) | cover.negligible
    all_verified = bool(np.all(cover.boxes.verified))
    witness: dict[str, Any] = {}
    constant = float("nan")
    if all_verified:
        index = int(np.argmin(cover.boxes.inner_low))
        names = {"box_lower": "lower", "box_upper": "upper", "mean_field": "field", "value": "value"}
        witness = {name: getattr(cover.boxes, leaf)[index] for name, leaf in names.items()}
        constant = recompute_certified_box(game, witness)
    certified = bool(np.all(settled)) and math.isfinite(constant)
    return Finding(
        property=PROPERTY,
        statement=STATEMENT,
        verdict=Verdict.CERTIFIED if certified else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.LOWER,
        evidence=Evidence.PROOF,
        method=_METHOD,
        meaning=_bounded_meaning(cover, constant, certified),
        witness=witness,
        searched=_searched(cover),
        details=_details(cover),
    )


def _bounded_meaning(cover: Cover, constant: float, certified: bool) -> str:
    if certified:
        exception = " (save where both gradients are below 1e-6 of their largest)" if cover.negligible.any() else ""
        return (
            f"For every leader with logits in [-6, 6] the direct gradient points with the total one{exception}, {_AT}: "
            f"<g, p> >= {constant:.4g}."
        )
    if not math.isfinite(constant):
        return (
            f"{_shares(cover)}, {_AT}; for {cover.share(~cover.boxes.verified):.2%} no equilibrium could be enclosed "
            "within the budget, so there is no bound for all."
        )
    return f"{_shares(cover)}, {_AT}; for the rest only <g, p> >= {constant:.4g} is proved."


def _searched(cover: Cover) -> dict[str, Any]:
    unverified = int(np.sum(~cover.boxes.verified))
    return {"boxes": cover.number, "boxes_left": len(cover.boxes.size), "boxes_unverified": unverified}


def _details(cover: Cover) -> dict[str, Any]:
    return {
        "positive_share": cover.share(cover.sign > 0),
        "negative_share": cover.share(cover.sign < 0),
        "negligible_share": cover.share((cover.sign == 0) & cover.negligible),
        "unverified_share": cover.share(~cover.boxes.verified),
        "search_curve": cover.curve,
        "box_lower": cover.boxes.lower,
        "box_upper": cover.boxes.upper,
        "sign": cover.sign,
    }


def recompute_certified_box(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    """The constant from the witness alone: the cosine at a leader, or the certified bound of <g, p> over a box.

    Raises:
        ValueError: the witness is about another game.
    """
    game = checked(game)
    if "logits" in witness:
        if witness["logits"].shape != leader_logits_shape(game):
            raise InputError(
                f"witness: got logits of shape {witness['logits'].shape}, expected {leader_logits_shape(game)}; likely "
                "cause: the finding is about another game."
            )
        points = evaluate_leaders(game, witness["logits"][None], witness["mean_field"][None])
        return float(alignment_measures(points).cosine[0])
    tables = affine_game(game)
    if tables is None or len(witness["box_lower"]) != tables.num_free:
        raise InputError("witness: got a box that does not fit the game; likely cause: a finding about another game.")
    names = ("box_lower", "box_upper", "mean_field", "value")
    found = enclose_leaders(tables, *(np.asarray(witness[name], dtype=float)[None] for name in names))
    return float(found.inner.lower[0])
