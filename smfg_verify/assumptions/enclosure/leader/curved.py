r"""A game's function that is curved in the mean field, as a table around each of several points.

By the mean value theorem $f(m) \in f(m_0) + S (m - m_0)$ for all m of a box around $m_0$, S the range of the slopes
over it. Where equilibria are forms of the leader, so are rewards and slopes at them, by the slopes' own forms.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import Table, in_columns
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract, joined
from smfg_verify.assumptions.enclosure.response.tables.shared import worth_of
from smfg_verify.assumptions.enclosure.slope_forms import slope_forms
from smfg_verify.assumptions.enclosure.table_enclosures import enclose_slopes, rounded_range
from smfg_verify.game import AbstractGame

# Half-width of the box that stands for a point: mean fields add up to one but for less.
POINT = 1e-12
_REWARD = "leader_reward"
# Roundings of the few sums that make a value, relative to their largest terms.
_ROUNDING = 1e-13


def tables_around(
    game: AbstractGame, name: str, field: Float[np.ndarray, "K M"], radius: Float[np.ndarray, "K M"]
) -> list[Table]:
    """A function over what of the simplex lies in boxes of mean fields.

    Args:
        game: the game, traced.
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


def with_rewards_over(game: AffineGame, curved: AbstractGame, field: Form) -> tuple[AffineGame, Ball]:
    r"""The game with its leader's reward as forms over boxes, and the reward's slopes along $e_j - e_{last}$.

    With slopes $D(m) = s + b (m - c)$ up to a spread, c the mean field in the middle,
    $r(m) = r(c) + s (m - c) + \frac12 (m - c) b (m - c)$ up to the spread times $|m - c|$. A number that all slopes
    share moves no law, so that the last one stands as zero.

    Args:
        game: the game's tables, without those of the leader's reward.
        curved: the game, traced.
        field: mean fields of the leaders of each box, (K, M).

    Returns:
        The game, with values at each box in place of the leader's table, and the slopes, (K, M, n, A, B).

    Raises:
        NoEnclosure: the reward's program has a primitive without a rule.
    """
    points = np.clip(field.mid, 0.0, None)
    points = points / np.sum(points, axis=1, keepdims=True)
    ends = np.clip(np.minimum(field.lower, points), 0.0, 1.0), np.clip(np.maximum(field.upper, points), 0.0, 1.0)
    known = slope_forms(curved, _REWARD, *ends, points)
    moved = field - Ball.exact(points)
    bent = contract("ki,kijsab->kjsab", moved, known.bend)
    slopes, halfway = (part + Ball(known.slope, OUTWARD * known.spread) for part in (bent, bent * 0.5))
    values = contract("kj,kjsab->ksab", moved[:, :-1], halfway) + Ball(known.value, OUTWARD * known.error)
    rounding = np.abs(known.value) + np.sum(np.abs(known.slope), axis=1) + np.sum(np.abs(known.bend), axis=(1, 2))
    values = values + Ball(np.zeros_like(rounding), _ROUNDING * rounding)
    lost = _lost(game, values, slopes)[:, None, None, None]
    values = values + Ball(np.zeros_like(lost), lost)
    slopes = joined(
        (slopes + Ball(np.zeros_like(lost[:, None]), lost[:, None]), Ball.exact(0.0 * known.slope[:, :1])), 1
    )
    values, slopes = in_columns(values, game.columns, 3), in_columns(slopes, game.columns, 4)
    return dataclasses.replace(game, leader=(values, values)), slopes


def _lost(game: AffineGame, values: Ball, slopes: Ball) -> Float[np.ndarray, " K"]:
    """What rewards may be off by because rows miss one, see `world.lost`."""
    bonus = game.leader_temperature * float(np.log(game.num_leader_actions))
    largest = np.max(values.size, axis=(1, 2, 3)) + np.max(slopes.size, axis=(1, 2, 3, 4))
    return np.array([2.0 * game.off * worth_of(float(size) + bonus, game.discount) for size in largest])
