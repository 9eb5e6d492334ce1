r"""The l1 modulus of $D\Gamma$ over a cell of mean fields and all leaders, by zones of V, its slopes and hitting times.

With $f_S$ the solution of $f = 1_S - \nu(S) + P f$, a sum of entries of the Jacobian is
$\sum_{t \in S} (D\Gamma v)_t = \sum_s \nu_s \langle dP_s, f_S \rangle$, as in `rowwise.bounds`, and
$\langle dP_s, f \rangle = \sum_a \pi_a \langle dP_{sa}, f \rangle + \frac1\tau \sum_{a < a'} \pi_a \pi_{a'}
(dQ_a - dQ_{a'}) \langle P_{sa} - P_{sa'}, f \rangle$.
"""

from typing import NamedTuple

import numpy as np
import scipy.special
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.problem import pairs_of
from smfg_verify.assumptions.enclosure.response.rowwise.bounds import means, sets_of
from smfg_verify.assumptions.enclosure.response.tables.affine import VertexTables
from smfg_verify.assumptions.enclosure.response.zones.differences import ROUNDED, carried, narrowed
from smfg_verify.assumptions.enclosure.response.zones.faced import (
    Corners,
    Likely,
    Pieces,
    corners_of,
    likely,
    mean_over,
    pieces_over,
    weights_of,
)

# Halvings of leader rows where policies are put into rows, and where bounds are drawn.
_HALVINGS = 4
_ROUNDS, _LAW_ROUNDS, _GUESS_ROUNDS = 10, 20, 100


class ZoneBound(NamedTuple):
    """What is proved over a cell of mean fields and all leaders; infinite where nothing is.

    Attributes:
        modulus: upper bound of the l1 modulus.
        mixing: how far the law moves in l1, at most, where the chain's rows move by 1 in l1.
    """

    modulus: float
    mixing: float


class Zones(NamedTuple):
    """What is known of the differences between states, under all leaders and mean fields of a cell.

    Attributes:
        values: of V, (n, n).
        hitting: of the solutions f of each set of states, (J, n, n).
        moved: of the slopes of V along each edge of mean fields, (E, n, n).
    """

    values: Float[np.ndarray, "n n"]
    hitting: Float[np.ndarray, "J n n"]
    moved: Float[np.ndarray, "E n n"]


def zone_bound(tables: VertexTables, corners: Float[np.ndarray, "X n"]) -> ZoneBound:
    """The bound over a cell.

    Args:
        tables: of a game of affine functions.
        corners: the cell of mean fields, by vertex, multiples of a power of two.

    Returns:
        The bound.
    """
    with np.errstate(all="ignore"):
        faced = corners_of(tables, corners)
        zones, weights = zones_over_cell(faced)
        return bound_by(faced, zones, laws_of(faced, weights), _HALVINGS)


def zones_over_cell(faced: Corners) -> tuple[Zones, Float[np.ndarray, "n L N"]]:
    """The zones, from nothing, and the weights of rows that the followers' policies give."""
    values, policies = _values(faced)
    weights = weights_of(pieces_over(faced, 0), policies)
    hitting = _in_two(faced, _sets(faced), None, weights, 1.0)
    return Zones(values, hitting, _moved_values(faced, values, weights)), weights


def zones_within(faced: Corners, known: Zones, rounds: int) -> tuple[Zones, Float[np.ndarray, "n L N"]]:
    """The same of a part of a cell, from what is known of the whole.

    Args:
        faced: over the part.
        known: of the whole.
        rounds: of the bounds put into the equations.

    Returns:
        The zones, and the weights.
    """
    pieces, discount = pieces_over(faced, 0), faced.discount
    guess = _middle(known.values)
    apart = guess[:, None] - guess[None]
    between = weights_of(pieces, likely(faced, pieces, np.maximum(known.values, apart)))
    values = _around(faced, guess, known.values, between, rounds)
    weights = weights_of(pieces, likely(faced, pieces, values))
    ends, sets = _moves(faced, values), _sets(faced)
    hitting = narrowed(known.hitting, sets, sets, faced.flat, weights, discount=1.0, off=faced.off, rounds=rounds)
    moved = narrowed(known.moved, *ends, faced.flat, weights, discount=discount, off=faced.off, rounds=rounds)
    return Zones(values, hitting, moved), weights


def bound_by(
    faced: Corners,
    zones: Zones,
    law: tuple[Float[np.ndarray, "n 1"], Float[np.ndarray, "n 1"]],
    halvings: int,
) -> ZoneBound:
    """The bound that zones and laws give, with leader rows halved so often."""
    modulus = _modulus(faced, zones, law, halvings)
    known = np.isfinite(modulus) and bool(np.all(np.isfinite(zones.hitting)))
    return ZoneBound(modulus, float(np.max(zones.hitting))) if known else ZoneBound(float("inf"), float("inf"))


def _sets(faced: Corners) -> Float[np.ndarray, "J 1 n N"]:
    """The indicators of the sets of states, by state."""
    ones, (size, number) = _indicators(sets_of(faced.rows.shape[1])), faced.flat.shape[1:3]
    return np.broadcast_to(ones[:, None, :, None], (len(ones), 1, size, number))


def _indicators(sets: Float[np.ndarray, "J k"]) -> Float[np.ndarray, "J n"]:
    """With the last state, which is in none of them."""
    return np.concatenate([sets, np.zeros((len(sets), 1))], axis=1)


def _in_two(
    faced: Corners,
    high: Float[np.ndarray, "J X n N"],
    low: Float[np.ndarray, "J X n N"] | None,
    weights: Float[np.ndarray, "n L N"],
    discount: float,
) -> Float[np.ndarray, "J n n"]:
    """Zones of solutions, first whatever the followers do, then with their policies."""
    every, low = _every(faced), high if low is None else low
    zones = None
    for part in (every, weights):
        zones = narrowed(zones, high, low, faced.flat, part, discount=discount, off=faced.off, rounds=_ROUNDS)
    assert zones is not None
    return zones


def _every(faced: Corners) -> Float[np.ndarray, "n N N"]:
    """Every row by itself."""
    size, number = faced.flat.shape[1:3]
    return np.broadcast_to(np.eye(number), (size, number, number))


def _values(faced: Corners) -> tuple[Float[np.ndarray, "n n"], Likely]:
    r"""The zone of the values of all leaders and mean fields of the cell, and their policies.

    Around a guess $V_0$: $x = V - V_0$ solves $x_s = T_s(V_0) - V_{0,s} + \gamma \tilde P_s x$, $\tilde P$ with a mean
    of the policies between both. $T_s(V_0)$ is convex in what is faced, so at most the mean of what vertices give, and
    at least what any policy gives with its entropy, which is affine.
    """
    pieces, zone, weights = pieces_over(faced, 0), None, _every(faced)
    guess = _guess(faced)
    for _ in range(2):
        zone = _around(faced, guess, zone, weights, _ROUNDS)
        guess = _middle(zone)
        # With the values between the guess and the true ones.
        between = likely(faced, pieces, np.maximum(zone, guess[:, None] - guess[None]))
        weights = weights_of(pieces, between)
    assert zone is not None
    return zone, between


def _around(
    faced: Corners,
    guess: Float[np.ndarray, " n"],
    zone: Float[np.ndarray, "n n"] | None,
    weights: Float[np.ndarray, "n L N"],
    rounds: int,
) -> Float[np.ndarray, "n n"]:
    """The zone of the values, narrowed by the equation of their distance from a guess."""
    apart = guess[:, None] - guess[None]
    known = None if zone is None else (zone - apart + ROUNDED * np.abs(zone) + ROUNDED * np.abs(apart))[None]
    high, low = _first_step(faced, guess)
    found = narrowed(known, high, low, faced.flat, weights, discount=faced.discount, off=faced.off, rounds=rounds)
    new = found[0] + apart + ROUNDED * (np.abs(found[0]) + np.abs(apart))
    found_zone: Float[np.ndarray, "n n"] = new if zone is None else np.minimum(zone, new)
    return found_zone


def _middle(zone: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """A vector in the middle of a zone, relative to the last entry."""
    middle: Float[np.ndarray, " n"] = 0.5 * (zone[:, -1] - zone[-1])
    return middle


def _guess(faced: Corners) -> Float[np.ndarray, " n"]:
    """About the values at the cell's centre, relative to the last."""
    rows, rewards = np.mean(faced.rows, axis=(0, 3)), np.mean(faced.rewards, axis=(0, 3))
    guess = np.zeros(len(rows))
    for _ in range(_GUESS_ROUNDS):
        guess = _soft(rewards + faced.discount * rows @ guess, faced.temperature, -1)
        guess = guess - guess[-1]
    return guess


def _soft(values: np.ndarray, temperature: float, axis: int) -> np.ndarray:
    soft: np.ndarray = temperature * scipy.special.logsumexp(values / temperature, axis=axis)
    return soft


def _first_step(
    faced: Corners, guess: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "1 X n N"], Float[np.ndarray, "1 X n N"]]:
    """One soft step from a guess, less the guess: from above and from below, by what is faced."""
    tau, worth = faced.temperature, faced.rewards + faced.discount * faced.rows @ guess
    above = _soft(worth, tau, 2)
    # The policies of each action of the leader, of their mean, and half way between.
    points = np.concatenate([np.mean(worth, axis=(0, 3))[None], np.moveaxis(np.mean(worth, axis=0), -1, 0)])
    policies = scipy.special.softmax(points / tau, axis=-1)
    policies = np.concatenate([policies, 0.5 * (policies[:1] + policies[1:])])
    entropy = tau * np.sum(scipy.special.entr(policies), axis=-1)
    given = np.einsum("csa,xsaw->cxsw", policies, worth) + entropy[:, None, :, None]
    best = np.argmax(np.min(given, axis=(1, 3)), axis=0)
    below = np.stack([given[c, :, s] for s, c in enumerate(best)], axis=1)
    span = np.max(guess) - np.min(guess)
    slack = (
        faced.reward_off
        + (faced.off + ROUNDED) * span
        + ROUNDED * (np.max(np.abs(worth)) + np.max(np.abs(guess)) + tau)
    )
    shape = (1, *faced.flat.shape[:3])
    high, low = (
        np.broadcast_to((end - guess[:, None])[:, :, None], worth.shape).reshape(shape) for end in (above, below)
    )
    return high + slack, low - slack


def laws_of(
    faced: Corners, weights: Float[np.ndarray, "n L N"]
) -> tuple[Float[np.ndarray, "n 1"], Float[np.ndarray, "n 1"]]:
    """Ranges of the laws' entries, from below and from above: each is a mean of $1_S + P h - h$, whatever h."""
    sets = sets_of(faced.rows.shape[1])
    ones = _indicators(sets)
    rows = weights @ faced.flat
    both = np.concatenate([ones, 1.0 - ones])
    guess = np.zeros(both.shape)
    for _ in range(_LAW_ROUNDS):
        step = both + np.max(np.einsum("jt,xslt->jxsl", guess, rows), axis=(1, 3))
        most = np.max(step - guess, axis=1)
        slack = (faced.off + ROUNDED) * (1.0 + np.max(np.abs(guess), axis=1))
        guess = step - step[:, -1:]
    above, below = np.split(most + slack, 2)
    below = 1.0 - below
    singles = np.flatnonzero(np.sum(sets, axis=1) == 1.0)[::-1]
    whole = int(np.argmax(np.sum(sets, axis=1)))
    low = np.append(below[singles], 1.0 - above[whole] - ROUNDED)
    high = np.append(above[singles], 1.0 - below[whole] + ROUNDED)
    return np.maximum(low - ROUNDED, 0.0)[:, None], np.minimum(high, 1.0)[:, None]


def _gains(
    faced: Corners, slopes: np.ndarray, rewards: np.ndarray, zone: Float[np.ndarray, "n n"]
) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower bounds of slopes of rewards, and of rows times values."""
    ends = [faced.discount * carried(part, zone[None], faced.off)[0] for part in (slopes, -slopes)]
    size = np.max(np.abs(rewards), initial=0.0) + max(float(np.max(np.abs(end), initial=0.0)) for end in ends)
    slack = faced.reward_off + ROUNDED * size
    return rewards + ends[0] + slack, rewards - ends[1] - slack


def _moved_values(
    faced: Corners, zone: Float[np.ndarray, "n n"], weights: Float[np.ndarray, "n L N"]
) -> Float[np.ndarray, "E n n"]:
    """Zones of the slopes of values along the edges of mean fields."""
    return _in_two(faced, *_moves(faced, zone), weights, faced.discount)


def _moves(
    faced: Corners, zone: Float[np.ndarray, "n n"]
) -> tuple[Float[np.ndarray, "E 1 n N"], Float[np.ndarray, "E 1 n N"]]:
    """Bounds of how rewards and next values move along the edges of mean fields, from above and from below."""
    ends = _gains(faced, faced.row_slopes, faced.reward_slopes, zone)
    high, low = (end.reshape(len(end), 1, *faced.flat.shape[1:3]) for end in ends)
    return high, low


class _Factors(NamedTuple):
    """Bounds of the two factors of covariances, of pairs of actions: slopes (E, n, R, p), ends of rows (J, n, R, p)."""

    slopes: tuple[np.ndarray, np.ndarray]
    ends: tuple[np.ndarray, np.ndarray]


def _modulus(
    faced: Corners, zones: Zones, law: tuple[Float[np.ndarray, "n 1"], Float[np.ndarray, "n 1"]], halvings: int
) -> float:
    """The largest sum of entries along an edge, of either sign."""
    pieces = pieces_over(faced, halvings)
    policies = likely(faced, pieces, zones.values)
    factors = _factors(faced, pieces, zones)
    slopes = np.einsum("rvw,esawt->esravt", pieces.weights, faced.row_slopes)
    largest = -np.inf
    high, low = factors.slopes
    for sign, ends in ((1.0, (high, low)), (-1.0, (-low, -high))):
        direct = np.max(carried(sign * slopes, zones.hitting, faced.off), axis=-1)
        turned = _covariance(policies, factors._replace(slopes=ends)) / faced.temperature
        states = np.max(mean_over(direct, policies) + turned, axis=-1) * (1.0 + ROUNDED)
        largest = np.maximum(largest, np.max(means(states[..., None], *law)))
    return float(largest * (1.0 + ROUNDED) + ROUNDED)


def _factors(faced: Corners, pieces: Pieces, zones: Zones) -> _Factors:
    first, second = pairs_of(faced.rows.shape[2])
    rows, rewards = (
        np.einsum(spec, pieces.weights, part[:, :, first] - part[:, :, second])
        for spec, part in (("rvw,espwt->esrpvt", faced.row_slopes), ("rvw,espw->esrpv", faced.reward_slopes))
    )
    high, low = _gains(faced, rows, rewards, zones.values)
    both = (pieces.rows, -pieces.rows)
    above, below = (faced.discount * np.max(carried(part, zones.moved, faced.off), axis=-1) for part in both)
    high, low = np.max(high, axis=-1) + above, np.min(low, axis=-1) - below
    slack = ROUNDED * (np.abs(high) + np.abs(low) + np.abs(above) + np.abs(below))
    most, least = (np.max(carried(part, zones.hitting, faced.off), axis=-1) for part in both)
    return _Factors((high + slack, low - slack), (most, -least))


def _covariance(policies: Likely, factors: _Factors) -> Float[np.ndarray, "J E n R"]:
    """Upper bounds of covariances: pair by pair, or by both ranges."""
    first, second = pairs_of(policies.low.shape[-1])
    least, most = (end[..., first] * end[..., second] for end in policies)
    # At most a quarter, since two probabilities sum to one at most.
    least, most = least * (1.0 - ROUNDED), np.minimum(most, 0.25) * (1.0 + ROUNDED)
    one, other = (
        tuple(end[axis] for end in part) for axis, part in ((None, factors.slopes), (slice(None), factors.ends))
    )
    products = [slope[:, :] * end[:, None] for slope in one for end in other]
    largest = np.max(products, axis=0)
    found = np.sum(np.maximum(largest * most, largest * least), axis=-1)
    found = found + ROUNDED * np.sum(np.abs(largest), axis=-1)
    ranges = [np.max(np.maximum(part[0], -part[1]), axis=-1, initial=0.0) for part in factors]
    sure = np.clip(np.max(policies.low, axis=-1), 0.5, 1.0)
    whole = ranges[0][None] * ranges[1][:, None] * (sure * (1.0 - sure) + ROUNDED)
    bounds: Float[np.ndarray, "J E n R"] = np.minimum(found, whole)
    return bounds
