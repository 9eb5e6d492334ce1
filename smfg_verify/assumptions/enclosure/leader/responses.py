r"""The slopes of the best response $\Gamma_\phi(m)$ near leaders and mean fields, in intervals.

Cells of simplices tell more of mean fields over few states; this serves those on pairs, and any number of dimensions.
With $F(V) = V - T V$ the followers' relative optimality equation, $F(V) = F(v) + S (V - v)$ for S a mean of slopes:
where $v - S^{-1} F(v)$ stays inside a box of values for all S over it, each leader and mean field has one V there.
What is known of slopes along mean fields then narrows values, policies and chains, and these the slopes.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp, softmax

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball, contract, solved
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import at_field
from smfg_verify.assumptions.enclosure.leader.forms import joined
from smfg_verify.assumptions.enclosure.leader.within import followers_within, moved_within
from smfg_verify.assumptions.enclosure.leader.world import (
    Faced,
    World,
    faced_by,
    relative_system,
    values_of_actions,
    with_last_value,
    world_around,
)
from smfg_verify.exact.root import TOLERANCE

# Roundings of a soft maximum, relative to the size of what goes into it, and of each of its terms.
_ROUNDING, _SPACING = 1e-13, 2.0**-51
_NEWTON_STEPS = 50
# Times that slopes are found from what earlier ones narrowed.
_ROUNDS = 3


class Responses(NamedTuple):
    r"""What is known near each of K leaders and mean fields.

    Attributes:
        jacobian: $D\Gamma$ along $e_j - e_{last}$, first axis j, of the law's entries but the last, (K, M - 1, M - 1);
            infinite where values are not known.
        mixing: how far the law of states moves in l1, at most, where the chain's rows move by 1 in l1, (K,).
        apart: Euclidean norm, at most, of what the Jacobian adds to its middle on tangents, (K,).
    """

    jacobian: Ball
    mixing: Float[np.ndarray, " K"]
    apart: Float[np.ndarray, " K"]


class _Moves(NamedTuple):
    """Slopes along mean fields, (1, M, ...): of relative values, of Q_a - Q_c, of the policy and of the chain."""

    values: Ball
    gaps: Ball
    policy: Ball
    chain: Ball


def responses_within(
    game: AffineGame, phi: Ball, field: Float[np.ndarray, "K M"], radius: Float[np.ndarray, " K"]
) -> Responses:
    r"""$D\Gamma$ at all leaders of boxes and all mean fields within a total variation.

    Args:
        game: the game's tables, in the leader's own order of actions.
        phi: leaders' policies by state, (K, n, B).
        field: mean fields, flattened, up to rounding.
        radius: how far others are from them.

    Returns:
        The slopes.

    Raises:
        NoEnclosure: a curved function's program has a primitive without a rule.
    """
    middle, whole = (followers_within(game, field, width) for width in (0.0 * radius, radius))
    with np.errstate(all="ignore"):  # where values are not known, what follows has no meaning and is infinite
        found = [
            _within(here, around, phi[k : k + 1], field[k : k + 1], float(radius[k]))
            for k, (here, around) in enumerate(zip(middle, whole, strict=True))
        ]
    centre, rad, *bounds = (np.concatenate(parts) for parts in zip(*found, strict=True))
    known = np.isfinite(centre) & np.isfinite(rad)
    jacobian = Ball(np.where(known, centre, 0.0), np.where(known, rad, np.inf))
    mixing, apart = (np.where(np.isfinite(bound), bound, np.inf) for bound in bounds)
    return Responses(jacobian, mixing, apart)


def _within(
    here: AffineGame, around: AffineGame, phi: Ball, field: Float[np.ndarray, "1 M"], radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of one of them: middle and radius of the Jacobian, mixing, and the norm of what is apart from the middle."""
    at = Ball.exact(field)
    start = _value_at(here, phi, at)
    central, faced = (faced_by(game, phi, at, _values(game, phi, at, start)) for game in (here, around))
    for _ in range(_ROUNDS):
        world = world_around(around, phi, at, faced)
        moves = _moves(around, world)
        faced = _narrower(faced, central, moves, radius)
    jacobian, mixing = _jacobian(world, moves)
    return jacobian.mid[:, :, :-1], jacobian.rad[:, :, :-1], mixing, _norm_apart(jacobian)


def _norm_apart(jacobian: Ball) -> Float[np.ndarray, " K"]:
    """Frobenius norm of the radii, the last entry of images standing for what the others lack of zero."""
    missed = np.abs(np.sum(jacobian.mid, axis=2))
    last = jacobian.rad[:, :, -1] + missed + _ROUNDING * np.sum(np.abs(jacobian.mid), axis=2)
    norm: Float[np.ndarray, " K"] = np.sqrt(np.sum(jacobian.rad[:, :, :-1] ** 2, axis=(1, 2)) + np.sum(last**2, axis=1))
    return OUTWARD * norm


def _value_at(game: AffineGame, phi: Ball, field: Ball) -> Ball:
    """Relative values in the middle by Newton's method, about: what they miss is found where they are used."""
    rows, rewards = (at_field(table, field).mid for table in (game.transition, game.follower))
    rows, rewards = np.einsum("ksb,ksabt->ksat", phi.mid, rows), np.einsum("ksb,ksab->ksa", phi.mid, rewards)
    states = rows.shape[1]
    value, tau = np.zeros((len(rows), states)), game.temperature
    for _ in range(_NEWTON_STEPS):
        scores = (rewards + game.discount * np.einsum("ksat,kt->ksa", rows, value)) / tau
        chain = np.einsum("ksa,ksat->kst", softmax(scores, axis=2), rows)
        missed = tau * logsumexp(scores, axis=2) - value
        step = np.linalg.solve(np.eye(states) - game.discount * chain, missed[..., None])[..., 0]
        value = value + np.where(np.isfinite(step), step, 0.0)
        if np.max(np.abs(step)) < TOLERANCE * max(1.0, float(np.max(np.abs(value)))):
            break
    return Ball.exact(value[:, :-1] - value[:, -1:])


def _values(game: AffineGame, phi: Ball, field: Ball, start: Ball) -> Ball:
    """Relative values of all leaders and mean fields, infinite where none are proved."""
    faced = faced_by(game, phi, field, start)
    values, tau = values_of_actions(game, faced, field), game.temperature
    low, high = (tau * logsumexp(end / tau, axis=2) for end in (values.lower, values.upper))
    number = values.mid.shape[2]
    share = _ROUNDING + _SPACING * number
    rounding = share * (np.max(values.size, axis=2) + tau * (1.0 + np.log(number)))
    missed = Ball.of_ends(low - rounding, high + rounding) - faced.value
    # Rows that mix nothing carry differences on by the discount.
    width = (np.max(missed.upper, axis=1) - np.min(missed.lower, axis=1)) / (1.0 - game.discount) * OUTWARD
    room = np.broadcast_to(width[:, None], start.mid.shape)
    chain = faced_by(game, phi, field, Ball(start.mid, room)).chain
    found = solved(relative_system(chain, game.discount), missed[:, :-1] - missed[:, -1:])
    inside = np.all(found.size < room, axis=1, keepdims=True)
    moved = start + found
    return Ball(moved.mid, np.where(inside, moved.rad, np.inf))


def _moves(game: AffineGame, world: World) -> _Moves:
    """Slopes along mean fields with values and policies that answer."""
    size, states = world.field.mid.shape[1], world.chain.mid.shape[1]
    own, known = slice(0, size), slice(size, size + states - 1)
    right = (world.mean_slope[:, own, :-1] - world.mean_slope[:, own, -1:]).moved(lambda x: np.swapaxes(x, 1, 2))
    values = solved(relative_system(world.chain, game.discount), right).moved(lambda x: np.swapaxes(x, 1, 2))
    gaps, chain = (
        slope[:, own] + contract(f"kjv,kvs{letters}->kjs{letters}", values, slope[:, known])
        for slope, letters in ((world.gap_slope, "ac"), (world.chain_slope, "t"))
    )
    return _Moves(values, gaps, contract("ksac,kjsac->kjsa", world.weights, gaps), chain)


def _narrower(faced: Faced, central: Faced, moves: _Moves, radius: float) -> Faced:
    """Values, policies and chains from those at the mean field itself and their slopes around it."""
    value = with_last_value(central.value[:, :-1] + moved_within(moves.values, radius))
    return faced._replace(
        value=_smaller(faced.value, value),
        policy=_smaller(faced.policy, central.policy + moved_within(moves.policy, radius)),
        chain=_smaller(faced.chain, central.chain + moved_within(moves.chain, radius)),
    )


def _smaller(first: Ball, second: Ball) -> Ball:
    """The narrower of two intervals, entry by entry."""
    better = second.rad < first.rad
    return Ball(np.where(better, second.mid, first.mid), np.where(better, second.rad, first.rad))


def _jacobian(world: World, moves: _Moves) -> tuple[Ball, Float[np.ndarray, " K"]]:
    """The Jacobian, of all entries of the law, and how that of states moves with the rows of the chain."""
    size, states = world.field.mid.shape[1], world.chain.mid.shape[1]
    policy, chain = (slope[:, :-1] - slope[:, -1:] for slope in (moves.policy, moves.chain))
    system = relative_system(world.chain, 1.0).moved(lambda x: np.swapaxes(x, 1, 2))
    law = _with_last(solved(system, world.chain[:, -1, :-1]), 1.0)
    pushed = contract("ks,kjst->kjt", law, chain)[:, :, :-1].moved(lambda x: np.swapaxes(x, 1, 2))
    moved = _with_last(solved(system, pushed), 0.0).moved(lambda x: np.swapaxes(x, 1, 2))
    inverse = solved(system, Ball.exact(np.broadcast_to(np.eye(states - 1), system.mid.shape))).size
    # The last entry moves by what the others do, together.
    mixing = 2.0 * OUTWARD * np.max(np.sum(inverse, axis=1), axis=1, initial=0.0)
    if size > states:
        each = contract("kjs,ksa->kjsa", moved, world.policy) + contract("ks,kjsa->kjsa", law, policy)
        moved = each.moved(lambda x: x.reshape(*x.shape[:2], size))
    return moved, mixing


def _with_last(law: Ball, total: float) -> Ball:
    """Entries of laws, (K, n - 1) or (K, n - 1, j), with the last, which is what the others lack of their sum."""
    letters = "j"[: law.mid.ndim - 2]
    rest = contract(f"s,ks{letters}->k{letters}", np.ones(law.mid.shape[1]), law)
    return joined((law, (-rest + total)[:, None]), 1)
