r"""A game's function that is curved in the mean field, as a table around each of several points.

By the mean value theorem $f(m) \in f(m_0) + S (m - m_0)$ for all m of a box around $m_0$, S the range of the slopes
over it.
"""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball
from smfg_verify.assumptions.enclosure.leader.world import Table
from smfg_verify.assumptions.enclosure.table_enclosures import enclose_slopes, rounded_range
from smfg_verify.game import AbstractGame

# Half-width of the box that stands for a point: mean fields add up to one but for less.
POINT = 1e-12


def tables_around(
    game: AbstractGame, name: str, field: Float[np.ndarray, "K M"], radius: Float[np.ndarray, "K M"]
) -> list[Table]:
    """A function over what of the simplex lies in boxes of mean fields.

    Args:
        game: the game, traced, with a mean field over states.
        name: "transition", "follower_reward" or "leader_reward".
        field: middles of the boxes, up to rounding on the simplex.
        radius: their half-widths.

    Returns:
        For each box the values in its middle, (n, A, B, ...), the range of the slopes over it, (M, n, A, B, ...), and
        the middle; infinite where the function may jump, where a half-width is, and where the middle is no mean field.

    Raises:
        NoEnclosure: the function's program has a primitive without a rule.
    """
    finite = np.all(np.isfinite(field) & np.isfinite(radius), axis=1)
    middle = np.where(finite[:, None], field, 1.0 / field.shape[1])
    half = np.where(finite[:, None], radius, 0.0)
    usable = finite & (np.abs(np.sum(middle, axis=1) - 1.0) <= POINT) & np.all(middle >= -POINT, axis=1)
    whole = np.clip(middle - half - POINT, 0.0, 1.0), np.clip(middle + half + POINT, 0.0, 1.0)
    point = np.clip(middle - POINT, 0.0, 1.0), np.clip(middle + POINT, 0.0, 1.0)
    slopes = Ball.of_ends(*enclose_slopes(game, name, *whole))
    values, rounding = rounded_range(game, name, *point)[0], rounded_range(game, name, *whole)[1]
    boxes = zip(*values, rounding, slopes.mid, slopes.rad, usable, middle, strict=True)
    return [
        _around(Ball.of_ends(low, high), off, Ball(mid, np.where(known, rad, np.inf)), at)
        for low, high, off, mid, rad, known, at in boxes
    ]


def _around(value: Ball, off: np.ndarray, slope: Ball, middle: np.ndarray) -> Table:
    # What is enclosed are values near the middle, at points of the simplex.
    room = POINT * np.sum(slope.size, axis=0)
    return Ball(value.mid, OUTWARD * (value.rad + off + room)), slope, Ball.exact(middle)
