r"""Gradient alignment proved for all leaders near each of a run's: how near is found by bisection.

Near a leader of log-ratios $\lambda$ (logits less their row's last one) are all leaders whose log-ratios differ from
$\lambda$ by at most r each. Over such a box `enclosure.leader_boxes` proves an equilibrium of every leader and encloses
$\langle g, p \rangle$ and $\|g\|^2$, so that $c$ = lowest inner product / largest square holds at all of them.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.assumptions.along.radii import widest
from smfg_verify.assumptions.enclosure.leader_boxes import Leaders, enclose_leaders, numbers_of
from smfg_verify.assumptions.enclosure.leader_world import AffineGame, affine_for_followers, affine_game
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.exact.gradient.at_leaders import LeaderPoints
from smfg_verify.game import AbstractGame

# Radii that are tried, as powers of two, and how many around a leader.
_ENDS, _TRIALS = (-24.0, 1.0), 8
# Of the constant at the leader itself, or of 1 where it is larger, the share that must be left over the whole box: near
# a zero of g constants are large and narrow.
KEPT = 0.5
_DOWN = 1.0 - 1e-12
# Numbers that the enclosures of one check may build together: minutes.
_MOST_NUMBERS = 2**33
_BATCH = 64


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
    tables, curved = affine_game(game), None
    if tables is None:
        tables, curved = affine_for_followers(game), game
    if tables is None:
        return nothing._replace(reason="transition or follower's reward not proved affine in a mean field of states")
    with np.errstate(invalid="ignore"):
        tried = np.flatnonzero(wanted & points.converged & (constants > 0.0))
    if len(tried) * _TRIALS * numbers_of(tables) > _MOST_NUMBERS:
        return nothing._replace(reason="too many numbers in the enclosures of its boxes")
    if tables.num_free == 0 or len(tried) == 0:
        return nothing._replace(reason="" if tables.num_free else "a leader with one action decides nothing")
    radius, constant = nothing.radius, nothing.constant
    for begin in range(0, len(tried), _BATCH):
        chosen = tried[begin : begin + _BATCH]
        wanted_there = KEPT * np.minimum(constants[chosen], 1.0)
        try:
            radius[chosen], constant[chosen] = _widest(tables, points.at(chosen), wanted_there, curved)
        except NoEnclosure as obstacle:
            return nothing._replace(reason=str(obstacle))
    return CertifiedNear(radius, constant, "")


def _widest(
    game: AffineGame, points: LeaderPoints, wanted: np.ndarray, curved: AbstractGame | None
) -> tuple[np.ndarray, np.ndarray]:
    """The widest boxes found over which the constants are at least those wanted, and what is proved there."""
    number = len(wanted)
    logits = points.logits
    free = (logits[:, :, :-1] - logits[:, :, -1:]).reshape(number, -1)
    value = points.follower_value[:, :-1] - points.follower_value[:, -1:]

    def prove(at: np.ndarray, width: np.ndarray) -> np.ndarray:
        ends = free[at] - width[:, None], free[at] + width[:, None]
        proved = proved_constants(enclose_leaders(game, *ends, points.mean_field[at], value[at], curved))
        return np.where(proved >= wanted[at], proved, np.nan)

    return widest(number, _ENDS, _TRIALS, prove)


def proved_constants(found: Leaders) -> Float[np.ndarray, " K"]:
    """The largest constant proved over each box, of all its leaders; minus infinity if there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = found.inner.lower / found.square * _DOWN
    usable = found.verified & (found.inner.lower > 0.0) & (found.square > 0.0)
    return np.where(usable, ratio, -np.inf)
