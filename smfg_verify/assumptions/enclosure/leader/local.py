r"""What followers and leader face over single boxes of mean fields, where it is taken from the programs of a game.

A table around $m_0$ holds at the mean fields of a box. Krawczyk's operator moves in all directions, also in those that
leave the simplex, so it is told of $\tilde f(m) = f(\pi m)$, $\pi m = m - (\sum_j m_j - 1) w$ with w the box's
half-widths as shares: it has the game's values at mean fields, its rows add up to one everywhere, and its slopes are
$S_j - \sum_i w_i S_i$. $\pi m$ lies in the box of twice the half-widths, which must hold no negative entry.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball, contract
from smfg_verify.assumptions.enclosure.leader.affine import (
    AffineGame,
    affine_for_followers,
    with_leader,
    without_tables,
)
from smfg_verify.assumptions.enclosure.leader.bases import Table, in_columns
from smfg_verify.assumptions.enclosure.leader.curved import POINT, tables_around
from smfg_verify.assumptions.enclosure.response.tables.curved import FUNCTIONS, Rows, proved_rows
from smfg_verify.assumptions.enclosure.response.tables.shared import worth_of
from smfg_verify.game import AbstractGame

# Roundings of shares that add up to one, and of a few sums.
_ROUNDING = 1e-13


def tables_for_leaders(game: AbstractGame) -> tuple[AffineGame | None, str]:
    """What enclosures of leaders need of a game, or none and the reason.

    Args:
        game: the game, traced.

    Returns:
        Tables where transition and follower's reward are proved affine in the mean field, else the game with what is
        known of its rows.
    """
    tables = affine_for_followers(game)
    if tables is not None:
        return tables, ""
    known, reason = proved_rows(game)
    if known is None:
        return None, reason
    blank = without_tables(game, known.slack[0] + known.tilt[0])
    return dataclasses.replace(blank, curved=game, followers=known), ""


def followers_around(game: AffineGame, field: Ball, *, extended: bool = False) -> list[AffineGame]:
    """The game with what followers face over boxes of mean fields; one for all boxes where it is the same for all.

    Args:
        game: the game.
        field: the boxes, (K, M).
        extended: whether the tables hold at all points of a box, or at its mean fields only.

    Returns:
        One game for each box.

    Raises:
        NoEnclosure: a curved function's program has a primitive without a rule.
    """
    if game.followers is None or game.curved is None:
        return [game]
    half = 2.0 * field.rad if extended else field.rad
    moves, rewards = (tables_around(game.curved, name, field.mid, half) for name in FUNCTIONS)
    inside = np.all(field.mid - half >= POINT, axis=1) | (not extended)
    return [
        _faced(
            game, game.followers, Ball(field.mid[k], np.where(inside[k], field.rad[k], np.inf)), moves[k], rewards[k]
        )
        for k in range(len(inside))
    ]


def _faced(game: AffineGame, known: Rows, field: Ball, moves: Table, rewards: Table) -> AffineGame:
    """The game over one box; half-widths are infinite where the tables are not known."""
    return facing(game, known, *(_along_the_simplex(_ordered(game, table), field.rad) for table in (moves, rewards)))


def facing(game: AffineGame, known: Rows, moves: Table, rewards: Table) -> AffineGame:
    """The game with tables of what followers face, and with what rows that miss one make of them."""
    (off, worth_off), (tilt, worth_tilt) = known.slack, known.tilt
    transition = _widened(moves, off, tilt)
    # Rows of sum 1 + e are a reward more of gamma e V, V the last state's value, whose slope has that of e and of V.
    steepest, turning = np.max(rewards[1].size), np.max(np.sum(moves[1].size, axis=-1))
    moved = off * (steepest * worth_of(1.0, game.discount) + worth_off / off) * (1.0 + turning)
    follower = _widened(rewards, worth_off, worth_tilt + OUTWARD * float(moved))
    return dataclasses.replace(game, transition=transition, follower=follower)


def _ordered(game: AffineGame, table: Table) -> Table:
    """The leader's actions in the order of the game's chart."""
    return in_columns(table[0], game.columns, 2), in_columns(table[1], game.columns, 3), *table[2:]


def _widened(table: Table, value: float, slope: float) -> Table:
    return Ball(table[0].mid, table[0].rad + value), Ball(table[1].mid, table[1].rad + slope), *table[2:]


def _along_the_simplex(table: Table, radius: np.ndarray) -> Table:
    """The table of f(pi m), unknown where the half-widths are."""
    total = np.sum(radius)
    known = bool(np.isfinite(total))
    shares = radius / total if known and total > 0.0 else np.full(len(radius), 1.0 / len(radius))
    letters = "sabt"[: table[0].mid.ndim]
    slope = contract(f"ij,i{letters}->j{letters}", np.eye(len(radius)) - shares[:, None], table[1])
    room = _ROUNDING * np.sum(table[1].size, axis=0) if known else np.inf
    return table[0], Ball(slope.mid, slope.rad + room), *table[2:]


def with_rewards(games: list[AffineGame], field: Ball) -> list[AffineGame]:
    """Games with the leader's reward at the mean fields of boxes, (K, M), where it is taken from its program."""
    curved = games[0].curved
    if curved is None:
        return games
    rewards = tables_around(curved, "leader_reward", field.mid, field.rad)
    # The followers' tables may be the same for all boxes.
    games = games if len(games) == len(rewards) else games * len(rewards)
    return [with_leader(own, _ordered(own, table)) for own, table in zip(games, rewards, strict=True)]


def over_boxes(
    games: list[AffineGame], function: Callable[..., tuple[Ball, ...]], *parts: Ball | np.ndarray
) -> tuple[Ball, ...]:
    """A function of a game and of parts (K, ...), where each box has a game of its own or all have the same."""
    if len(games) == 1:
        return function(games[0], *parts)
    found = [function(game, *(part[k : k + 1] for part in parts)) for k, game in enumerate(games)]
    return tuple(
        Ball(np.concatenate([part.mid for part in same]), np.concatenate([part.rad for part in same]))
        for same in zip(*found, strict=True)
    )
