r"""The best response proved around the iterates of a run: modulus, one-sided rate and index.

Around a leader and a mean field, within r, are all leaders whose rows are within r of the leader's in total variation,
and all mean fields within r of the mean field. Over all of them $D\Gamma$ is enclosed at once, or by parts (`worlds`).
Where $I - D\Gamma$ is enclosed at once so well that no mean of it is singular, none of these leaders has two equilibria
there: $\Gamma - id$ would have the same value at both.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.assumptions.along.certified_near import KEPT, CertifiedNear
from smfg_verify.assumptions.along.iterates import Iterates
from smfg_verify.assumptions.along.radii import the_same, widest
from smfg_verify.assumptions.along.worlds import Around, World, by_cells, by_intervals
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.proved_bounds import ALLOWED_MOVE, BoundInputs, inputs_of, step_of_roundings
from smfg_verify.assumptions.enclosure.leader.boxes import numbers_of
from smfg_verify.assumptions.enclosure.leader.local import tables_for_leaders
from smfg_verify.assumptions.enclosure.response.budget import affordable_cells, tables_of_any_size
from smfg_verify.assumptions.enclosure.response.forest import Forest, Looked
from smfg_verify.assumptions.enclosure.response.index.orientation import orientation_of
from smfg_verify.assumptions.enclosure.response.measures import Bounds, Seen, growth_of, modulus_of
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.assumptions.one_sided.growth import Frame, frame_of
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import LeaderPoints
from smfg_verify.game import AbstractGame
from smfg_verify.policies import softmax_policy

# Radii that are tried, as powers of two, and how many around an iterate.
_ENDS, _TRIALS = (-20.0, 0.0), 7
# Boxes of the budget that the cells of all numbers around all iterates share; cells looked at in one trial, at most,
# and one always.
_BOXES, _MOST_CELLS = 2000, 16
# Numbers in the largest models of one cell, and of all cells that are looked at: what memory holds, and minutes.
_MOST_OF_A_CELL, _MOST_NUMBERS = 2**19, 2**31
# The same of intervals, of which a number is in many products.
_MOST_OF_INTERVALS = 2**31
# What a mean field's entries may be off by, to be tried.
_OFF = 1e-9


class Number(NamedTuple):
    """A number of the best response, as it is proved around iterates.

    Attributes:
        look: at cells that were looked at before, in a frame; a proof is a value within the limit.
        limit: of that value, from the iterate's own number.
        proved: the number that a value proves.
        room: what there is between a value and one that proves nothing.
        by_parts: whether parts of a cell prove it of the whole.
        at_equilibrium: whether the mean field is the leader's equilibrium, or the run's own.
    """

    look: Callable[[Seen, Frame], Looked]
    limit: Callable[[np.ndarray], np.ndarray]
    proved: Callable[[np.ndarray], np.ndarray]
    room: Callable[[Forest], np.ndarray]
    by_parts: bool
    at_equilibrium: bool


def _bounded(found: Bounds) -> Looked:
    return Looked(found.upper, found.centre, found.mixing, np.full(len(found.upper), np.inf), found.edge)


def _oriented(seen: Seen, frame: Frame) -> Looked:
    """Zero where the orientation is positive and the law is the only one of its chain, one elsewhere."""
    found, room = orientation_of(seen.jacobian), 1.0 - growth_of(seen, *frame).upper
    # |A v|_1 >= |A v|_2 >= room |v|_2 >= room |v|_1 / sqrt(M), where the symmetric part leaves room.
    slack = np.maximum(found.slack, np.nextafter(room / np.sqrt(frame.right.shape[0]), -np.inf))
    positive = ((found.sign > 0) | (room > 0.0)) & np.isfinite(seen.mixing)
    never = np.full(len(positive), -np.inf)
    return Looked(np.where(positive, 0.0, 1.0), never, seen.mixing, np.where(positive, slack, 0.0), seen.edge)


def _modulus(at_equilibrium: bool) -> Number:
    return Number(
        look=lambda seen, frame: _bounded(modulus_of(seen)),
        limit=lambda own: np.where(own < 1.0 - CLEARLY_BELOW_ONE, 1.0 - KEPT * (1.0 - own), np.nan),
        proved=lambda value: value,
        room=lambda found: 1.0 - found.value,
        by_parts=True,
        at_equilibrium=at_equilibrium,
    )


def _rate(at_equilibrium: bool) -> Number:
    return Number(
        look=lambda seen, frame: _bounded(growth_of(seen, *frame)),
        limit=lambda own: np.where(own > CLEARLY_BELOW_ONE, 1.0 - KEPT * np.minimum(own, 1.0), np.nan),
        proved=lambda value: np.nextafter(1.0 - value, -np.inf),
        room=lambda found: 1.0 - found.value,
        by_parts=True,
        at_equilibrium=at_equilibrium,
    )


# The index is proved to be above its limit, zero, and no number more.
NUMBERS: Mapping[str, Number] = {
    "modulus": _modulus(True),
    "modulus_at_mean_field": _modulus(False),
    "rate": _rate(True),
    "rate_at_mean_field": _rate(False),
    "index": Number(
        look=_oriented,
        limit=lambda own: np.where(own > 0.0, 0.5, np.nan),
        proved=lambda value: value,
        room=lambda found: found.slack,
        by_parts=False,
        at_equilibrium=True,
    ),
}


class _Asked(NamedTuple):
    """What the proofs around all iterates share."""

    world: World
    inputs: BoundInputs
    policies: Float[np.ndarray, "N O B"]
    most: int


def near_responses(
    game: AbstractGame,
    iterates: Iterates,
    points: LeaderPoints,
    values: Mapping[str, Float[np.ndarray, " N"]],
) -> dict[str, CertifiedNear]:
    r"""What is proved around iterates of those numbers of the best response that are at hand.

    Args:
        game: the game, traced.
        iterates: of a run.
        points: their leaders with their equilibria.
        values: name of a number -> what it is at each iterate.

    Returns:
        Name of a number -> radius, in total variation, and the number proved, at least half as far from its limit as
        the iterate's own, of a rate at least half of 1.
    """
    names = [name for name in NUMBERS if name in values]
    number = len(points.converged)
    world, most, reason = _world_of(game, number)
    if world is None or not names:
        return {name: CertifiedNear(np.zeros(number), np.full(number, np.nan), reason) for name in names}
    asked = _Asked(
        world,
        inputs_of(game, game_constants(game, SearchSettings())),
        np.asarray(softmax_policy(iterates.leader_logits)),
        most,
    )
    try:
        return {name: _near(asked, NUMBERS[name], iterates, points, values[name]) for name in names}
    except NoEnclosure as obstacle:
        nothing = CertifiedNear(np.zeros(number), np.full(number, np.nan), str(obstacle))
        return dict.fromkeys(names, nothing)


def _world_of(game: AbstractGame, number: int) -> tuple[World | None, int, str]:
    """How the game is looked at around so many iterates, in how many parts each, or why it is not."""
    tables, reason = tables_of_any_size(game)
    reason = reason or too_much(tables, number)
    if tables is not None and not reason:
        affordable = affordable_cells(tables, _BOXES) // (len(NUMBERS) * _TRIALS * number)
        return by_cells(tables), min(max(1, affordable), _MOST_CELLS), ""
    intervals, obstacle = tables_for_leaders(game)
    if intervals is None:
        return None, 0, obstacle
    if intervals.num_fields == 1:
        return None, 0, reason
    numbers = numbers_of(intervals)
    if numbers * number * _TRIALS * len(NUMBERS) > _MOST_OF_INTERVALS:
        return None, 0, f"intervals of {numbers:,} numbers each around {number} iterates are too much"
    return by_intervals(intervals), 1, ""


def too_much(tables: Tables | None, number: int) -> str:
    """Why cells of a game are too large to be looked at around so many iterates; empty where they are not."""
    if tables is None:
        return ""
    n, num_actions, dimension = tables.num_states, tables.num_actions, tables.shape.dimension
    models = 1 + dimension + len(tables.shape.first)
    numbers = n**2 * num_actions * (num_actions + 1) // 2 * models
    if numbers <= _MOST_OF_A_CELL and numbers * number * _TRIALS * len(NUMBERS) <= _MOST_NUMBERS:
        return ""
    return f"cells in {dimension} dimensions of {numbers:,} numbers each around {number} iterates are too much"


def _near(
    asked: _Asked, number: Number, iterates: Iterates, points: LeaderPoints, own: Float[np.ndarray, " N"]
) -> CertifiedNear:
    """Radii around all iterates, and what is proved within them."""
    fields = np.asarray(points.mean_field if number.at_equilibrium else iterates.mean_field).reshape(len(own), -1)
    with np.errstate(invalid="ignore"):
        limits = number.limit(own)
        usable = np.isfinite(limits) & iterates.finite & points.converged & _are_laws(fields)
    tried = np.flatnonzero(usable)
    frame = frame_of(asked.world.num_fields)

    def look(seen: Seen) -> Looked:
        return number.look(seen, frame)

    def prove(at: np.ndarray, width: np.ndarray) -> np.ndarray:
        which = tried[at]
        around, most = Around(asked.policies[which], fields[which], width), asked.most if number.by_parts else 1
        found = asked.world.prove(look, around, limits[which], most)
        return np.where(_whatever_roundings_do(asked, number, found), number.proved(found.value), np.nan)

    radius, constant = np.zeros(len(own)), np.full(len(own), np.nan)
    radius[tried], constant[tried] = widest(the_same(len(tried), _ENDS), _TRIALS, prove)
    return CertifiedNear(radius, constant, "")


def _are_laws(fields: Float[np.ndarray, "N n"]) -> Bool[np.ndarray, " N"]:
    sums = np.abs(np.sum(fields, axis=1) - 1.0) <= _OFF
    laws: Bool[np.ndarray, " N"] = sums & np.all(fields >= -_OFF, axis=1)
    return laws


def _whatever_roundings_do(asked: _Asked, number: Number, found: Forest) -> Bool[np.ndarray, " K"]:
    """Whether a proof stays one if roundings of the game's functions move the map by as much as they can."""
    tau = asked.world.temperature
    steps = np.array([step_of_roundings(asked.inputs, tau, factor) for factor in found.mixing])
    with np.errstate(invalid="ignore"):
        room = number.room(found)
        stays: Bool[np.ndarray, " K"] = (
            found.proved & (room > CLEARLY_BELOW_ONE) & (steps <= ALLOWED_MOVE * np.minimum(1.0, room))
        )
    return stays
