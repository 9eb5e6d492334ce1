r"""A leader's reward that is curved in the mean field, as a table around each of several points.

By the mean value theorem $r(m) \in r(m_0) + S (m - m_0)$ for all m of a box around $m_0$, S the range of the slopes
over it: an affine function with the middle of S, and what S is wide times what the box is, in its constant.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball
from smfg_verify.assumptions.enclosure.leader.world import Table
from smfg_verify.assumptions.enclosure.table_enclosures import enclose_slopes, rounded_range
from smfg_verify.game import AbstractGame

_NAME = "leader_reward"
# Half-width of the box that stands for a point: mean fields add up to one but for less.
_POINT = 1e-12
# Roundings of the few sums that make a constant, relative to their largest terms.
_ROUNDING = 1e-13


class LocalReward(NamedTuple):
    """The leader's reward over one box of mean fields.

    Attributes:
        table: constant (n, A, B) and slope (M, n, A, B), the slope exact.
        slope: range of the derivatives, (M, n, A, B).
    """

    table: Table
    slope: Ball


def rewards_around(
    game: AbstractGame, field: Float[np.ndarray, "K M"], radius: Float[np.ndarray, "K M"]
) -> list[LocalReward]:
    """The leader's reward over boxes of mean fields.

    Args:
        game: the game, traced, with a mean field over states.
        field: middles of the boxes, up to rounding on the simplex.
        radius: their half-widths; boxes of infinite ones are taken as the whole simplex.

    Returns:
        A table for each box; infinite where the reward may jump.

    Raises:
        NoEnclosure: the reward's program has a primitive without a rule.
    """
    usable = np.all(np.isfinite(field) & np.isfinite(radius), axis=1, keepdims=True)
    middle = np.where(usable, field, 1.0 / field.shape[1])
    half = np.where(usable, radius, 1.0)
    whole = np.clip(middle - half - _POINT, 0.0, 1.0), np.clip(middle + half + _POINT, 0.0, 1.0)
    point = np.clip(middle - _POINT, 0.0, 1.0), np.clip(middle + _POINT, 0.0, 1.0)
    slopes = Ball.of_ends(*enclose_slopes(game, _NAME, *whole))
    values, rounding = rounded_range(game, _NAME, *point)[0], rounded_range(game, _NAME, *whole)[1]
    return [
        _around(Ball.of_ends(low, high), off, Ball(mid, rad), at, around)
        for low, high, off, mid, rad, at, around in zip(
            *values, rounding, slopes.mid, slopes.rad, middle, half, strict=True
        )
    ]


def _around(value: Ball, off: np.ndarray, slope: Ball, middle: np.ndarray, half: np.ndarray) -> LocalReward:
    shift = np.einsum("j,jsab->sab", middle, slope.mid)
    room = np.einsum("j,jsab->sab", half + _POINT, slope.rad) + _POINT * np.sum(slope.size, axis=0)
    size = np.abs(value.mid) + np.einsum("j,jsab->sab", np.abs(middle) + half, slope.size)
    radius = OUTWARD * (value.rad + off + room) + _ROUNDING * size
    return LocalReward((Ball(value.mid - shift, radius), Ball.exact(slope.mid)), slope)
