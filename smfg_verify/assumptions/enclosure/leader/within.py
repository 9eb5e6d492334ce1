r"""What followers face at all mean fields within some total variation of one.

$|\sum_j s_j (m_j - c_j)| \le r (\max_j s_j - \min_j s_j)$ for laws within r of c: far less than over the box around
them, of which most points are no laws. Tables here hold all of these values in their constants, so that they are read
at c alone, and all slopes in their slopes.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import Table, at_field
from smfg_verify.assumptions.enclosure.leader.local import facing
from smfg_verify.assumptions.enclosure.response.tables.curved import FUNCTIONS
from smfg_verify.assumptions.enclosure.slope_forms import SlopeForms, slope_forms

# Roundings of the few sums that make a range, relative to their terms.
_ROUNDING = 1e-13


def followers_within(
    game: AffineGame, field: Float[np.ndarray, "K M"], radius: Float[np.ndarray, " K"]
) -> list[AffineGame]:
    """The game around each of several mean fields.

    Args:
        game: the game's tables, in the leader's own order of actions.
        field: the mean fields.
        radius: in total variation.

    Returns:
        One game for each; its tables are to be read at the mean field itself.

    Raises:
        NoEnclosure: a curved function's program has a primitive without a rule.
    """
    if game.followers is None or game.curved is None:
        moves, rewards = (_of_affine(table, field, radius) for table in (game.transition, game.follower))
        return [
            dataclasses.replace(game, transition=own, follower=reward)
            for own, reward in zip(moves, rewards, strict=True)
        ]
    ends = np.clip(field - radius[:, None], 0.0, 1.0), np.clip(field + radius[:, None], 0.0, 1.0)
    moves, rewards = (_of_curved(slope_forms(game.curved, name, *ends, field), field, radius) for name in FUNCTIONS)
    return [facing(game, game.followers, *tables) for tables in zip(moves, rewards, strict=True)]


def _of_affine(table: Table, field: np.ndarray, radius: np.ndarray) -> list[Table]:
    values = at_field(table, Ball.exact(field))
    return [(_ranging(values[k], table[1], radius[k]), table[1], Ball.exact(field[k])) for k in range(len(radius))]


def _of_curved(known: SlopeForms, field: np.ndarray, radius: np.ndarray) -> list[Table]:
    found: list[Table] = []
    for k, width in enumerate(radius):
        turned = width * (np.max(known.bend[k], axis=0) - np.min(known.bend[k], axis=0)) + known.spread[k]
        rounding = _ROUNDING * (np.abs(known.slope[k]) + np.max(np.abs(known.bend[k]), axis=0))
        # Along e_j - e_last: that of the last entry stands as zero.
        last = np.zeros_like(known.slope[k][:1])
        room = np.concatenate([OUTWARD * turned + rounding, last])
        slope = Ball(np.concatenate([known.slope[k], last]), room)
        value = Ball(known.value[k], known.error[k])
        found.append((_ranging(value, slope, width), slope, Ball.exact(field[k])))
    return found


def _ranging(value: Ball, slope: Ball, radius: float) -> Ball:
    """Values around a point from the slopes."""
    return value + moved_within(slope[None], radius)[0]


def moved_within(slope: Ball, radius: float) -> Ball:
    """How far numbers move within a radius of a mean field, (K, ...), from their slopes, (K, M, ...)."""
    apart = np.max(slope.upper, axis=1) - np.min(slope.lower, axis=1)
    room = radius * (OUTWARD * apart + _ROUNDING * np.max(slope.size, axis=1))
    return Ball(np.zeros_like(room), room)
