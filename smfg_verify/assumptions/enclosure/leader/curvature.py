r"""The Hessian of the Stackelberg objective in the leader's logits, enclosed for all leaders of cells of policies.

Coordinates are the probabilities $p_b = \phi(b|o)$ of all actions but the last, in which the leader's policy is affine:
cells with deterministic leaders are like others. All numbers are `forms` of them. The equilibrium $x = (m, V)$ of every
leader of a cell is that of `equilibria`; its derivatives solve $F_x x_i = -F_i$ and $F_x x_{ij} = -F_{ij}$, the right
sides taken with the derivatives of x that are known so far, and so is the objective $\Phi = \rho^T W$,
$(I - \gamma P_\pi) W = r$: $\Phi_{ij} = d^T (r_{ij} + \gamma (P_{ij} W + P_i W_j + P_j W_i))$ with d the discounted
visits. Logits follow by the chain rule, $\partial\phi_b/\partial\omega_c = \phi_b (\delta_{bc} - \phi_c)$.

V and W are relative to the last state's, as rows that sum to one allow: of a game in which they do up to rounding the
Hessian is that of the same with rows that sum to one, which its tables hold.

Every pair of directions i <= j is a lane of its own: K cells are K k (k + 1) / 2 lanes.
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.jets import (
    Jet,
    Part,
    added,
    moving,
    product,
    softmax_jet,
    spectral_bounds,
    times,
)
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import Table, at_field, based, pairs
from smfg_verify.assumptions.enclosure.leader.boxes import equilibria_near
from smfg_verify.assumptions.enclosure.leader.equilibria import equilibria_of
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract, form_of, joined, solved
from smfg_verify.assumptions.enclosure.leader.gradients import values_and_visits
from smfg_verify.assumptions.enclosure.leader.policies import policies_between
from smfg_verify.assumptions.enclosure.leader.residual import jacobian
from smfg_verify.assumptions.enclosure.leader.world import states_of, with_last_value, world_of
from smfg_verify.assumptions.enclosure.response.models import EPSILON

# Of an affine part at a corner, relative to its size: a sum of a few products.
_CORNER_ROUNDINGS = 16.0
# What is proved holds this far around a cell.
SLACK = 4e-12


class Curvatures(NamedTuple):
    """What is known of all leaders of each of K cells.

    Attributes:
        lower, upper: of the spectral norm of every leader's Hessian in logits, (K,); zero and infinity where no
            equilibrium is verified.
        field, value: equilibrium of the leader in the middle, (K, M) and (K, n - 1).
        verified: whether each leader of the cell is proved to have one equilibrium within `branch`, (K,).
        branch: equilibria of all leaders of the boxes of `around`, (K, M + n - 1).
    """

    lower: Float[np.ndarray, " K"]
    upper: Float[np.ndarray, " K"]
    field: Float[np.ndarray, "K M"]
    value: Float[np.ndarray, "K n-1"]
    verified: Bool[np.ndarray, " K"]
    branch: Form


class Lanes(NamedTuple):
    """Pairs of directions, (L,): the cell of each lane, and the two coordinates, numbered row by row."""

    cell: Int[np.ndarray, " L"]
    first: Int[np.ndarray, " L"]
    second: Int[np.ndarray, " L"]


class _Answers(NamedTuple):
    """Gaps of the follower's action values, moves after its last action, its policy, and the chain."""

    gaps: Jet
    last: Jet
    policy: Jet
    chain: Jet


def lanes_of(number: int, num_free: int) -> Lanes:
    """All pairs of directions of so many cells."""
    first, second = np.array(list(itertools.combinations_with_replacement(range(num_free), 2))).T
    cells = np.repeat(np.arange(number), len(first))
    return Lanes(cells, np.tile(first, number), np.tile(second, number))


def enclose_curvature(
    game: AffineGame,
    lower: Float[np.ndarray, "K O B"],
    upper: Float[np.ndarray, "K O B"],
    field: Float[np.ndarray, "K M"],
    value: Float[np.ndarray, "K n-1"],
) -> Curvatures:
    """Bound the Hessian's norm for all leaders of each cell.

    Args:
        game: the game's tables, without entropy of the leader.
        lower, upper: ends of the probabilities of each row, (K, O, B), tightened to the simplex.
        field, value: guesses of the equilibrium of the leader in the middle.

    Returns:
        The bounds.
    """
    with np.errstate(all="ignore"):  # where nothing is verified, what follows has no meaning and is left out
        rows = policies_between(*around(lower, upper))
        phi = rows[:, game.observation]
        field, value = _equilibria(game, Ball.exact(phi.mid), field, value)
        every = equilibria_of(game, phi, field, value)
        least, most = np.zeros(len(field)), np.full(len(field), np.inf)
        where = np.flatnonzero(every.verified)
        if len(where):
            found = every.at(where)
            matrices = _in_logits(game, rows[where], *_in_policies(game, found.phi, found.field, found.value))
            least[where], most[where] = _norms(matrices)
        branch = form_of(joined((every.field, every.value), 1))
    return Curvatures(least, most, field, value, every.verified, branch)


def _equilibria(game: AffineGame, point: Ball, field: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equilibria from guesses, or from the uniform mean field where these lead to what is no mean field."""
    found = equilibria_near(game, point, field, value)
    lost = np.flatnonzero(~np.all(found[0] >= 0.0, axis=1))
    if len(lost):
        for part, again in zip(found, equilibria_near(game, point[lost], *game.guesses(len(lost))), strict=True):
            part[lost] = again
    return found


def around(
    lower: Float[np.ndarray, "K O B"], upper: Float[np.ndarray, "K O B"]
) -> tuple[Float[np.ndarray, "K O B"], Float[np.ndarray, "K O B"]]:
    """The boxes of which everything is proved: a little wider than cells, whose ends are rounded."""
    return lower - SLACK, upper + SLACK


def _weights(game: AffineGame, phi: Ball, lanes: Lanes) -> Jet:
    """The leader's probabilities in the basis of `based`, an exact one in place of the last, (L, n, B)."""
    actions = game.num_leader_actions
    value = _without_last(phi[lanes.cell]) + np.eye(actions)[-1]

    def along(axis: np.ndarray) -> Ball:
        row, action = np.divmod(axis, actions - 1)
        seen = game.observation[None, :] == row[:, None]
        return Ball.exact(seen[:, :, None] * np.eye(actions)[action][:, None, :])

    return Jet(value, along(lanes.first), along(lanes.second))


def _without_last(policy: Ball) -> Ball:
    """Probabilities with a zero in place of the last."""
    return policy.moved(lambda x: np.concatenate([x[..., :-1], np.zeros_like(x[..., -1:])], axis=-1))


def _at(table: Table, field: Jet) -> Jet:
    """A table at the mean field."""
    letters = "sabcdet"[: table[0].mid.ndim]
    slopes = (product(f"kj,j{letters}->k{letters}", part, table[1]) for part in field[1:])
    return Jet(at_field(table, field.value), *slopes)


def _answers(game: AffineGame, weights: Jet, field: Jet, value: Jet) -> _Answers:
    """What the follower faces and answers under mean fields and relative values."""
    gaps = times("ksacb,ksb->ksac", _at(based(pairs(game.follower, 1), 3), field), weights)
    moves = times("ksacbt,ksb->ksact", _at(based(pairs(game.transition, 1), 3), field), weights)
    gaps = gaps.plus(times("ksact,kt->ksac", moves, _whole(value)), game.discount)
    policy = softmax_jet(gaps.mapped(lambda part: part * (1.0 / game.temperature)))
    last = times("ksbt,ksb->kst", _at(_last_action(based(game.transition, 2)), field), weights)
    others = times("ksa,ksat->kst", _others(policy), moves.mapped(lambda part: part[:, :, :-1, -1]))
    return _Answers(gaps, last, policy, last.plus(others))


def _whole(value: Jet) -> Jet:
    """Relative values with the last state's, zero."""
    return value.mapped(with_last_value)


def _others(policy: Jet) -> Jet:
    """Probabilities of all actions but the last."""
    return policy.mapped(lambda part: part[:, :, :-1])


def _last_action(table: Table) -> Table:
    return table[0][:, -1], table[1][:, :, -1]


def _right(game: AffineGame, weights: Jet, field: Jet, value: Jet, answers: _Answers) -> Jet:
    """What $F_x$ times the derivatives of x must be for those given to be right, (L, M + n - 1)."""
    reward = times("ksb,ksb->ks", _at(_last_action(based(game.follower, 2)), field), weights)
    best = reward.plus(times("kst,kt->ks", answers.last, _whole(value)), game.discount)
    # The optimal value moves as the average of the action values under the policy (envelope), which then moves too.
    gaps, policy = answers.gaps.mapped(lambda part: part[:, :, :-1, -1]), _others(answers.policy)
    first, second, both = (product("ksa,ksa->ks", policy.value, part) for part in gaps[1:])
    turned = product("ksa,ksa->ks", policy.second, gaps.first)
    slopes = added(best.first, first), added(best.second, second), added(best.both, both, turned)
    relative = Jet(best.value, *slopes).mapped(lambda part: part[:, :-1] - part[:, -1:])
    states, size = answers.chain.value.mid.shape[1], field.value.mid.shape[1]
    image = times("ks,kst->kt", field.mapped(lambda part: states_of(part, states)), answers.chain)
    if size > states:
        each = times("kt,ktc->ktc", image, answers.policy)
        image = each.mapped(lambda part: part.moved(lambda x: x.reshape(len(x), size)))
    return Jet(
        joined((image.value, relative.value), 1),
        *(
            None if upper is None else joined((upper, moving(lower)), 1)
            for upper, lower in zip(image[1:], relative[1:], strict=True)
        ),
    )


def _in_policies(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> tuple[Ball, Ball]:
    """Gradient (K, k) and Hessian (K, k, k) of the objective in the free probabilities."""
    number, size = field.mid.shape
    lanes, matrix = lanes_of(number, game.num_free), jacobian(world_of(game, phi, field, value))[0]

    def by_cell(right: Ball) -> Ball:
        """Solutions (K, M + n - 1, R) of right sides (K R, M + n - 1) of R lanes of each cell."""
        return solved(matrix, right.moved(lambda x: np.swapaxes(x.reshape(number, -1, x.shape[1]), 1, 2)))

    slopes = by_cell(_slopes(game, phi, field, value))
    first, second = (
        slopes.moved(functools.partial(lambda axis, x: x[lanes.cell, :, axis], axis)) for axis in lanes[1:]
    )
    weights = _weights(game, phi, lanes)
    fields = Jet(field[lanes.cell], first[:, :size], second[:, :size])
    values = Jet(value[lanes.cell], first[:, size:], second[:, size:])
    answers = _answers(game, weights, fields, values)
    bent = by_cell(moving(_right(game, weights, fields, values, answers).both))
    bent = bent.moved(lambda x: np.swapaxes(x, 1, 2).reshape(len(lanes.cell), -1))
    # Second derivatives of x count once more, alone.
    turned = _answers(game, Jet(weights.value), Jet(fields.value, bent[:, :size]), Jet(values.value, bent[:, size:]))
    policy, chain = (
        part._replace(both=added(part.both, by.first))
        for part, by in ((answers.policy, turned.policy), (answers.chain, turned.chain))
    )
    slope, curvature = _objective(game, weights, fields._replace(both=bent[:, :size]), policy, chain)
    return _as_arrays(slope, curvature, lanes, number, game.num_free)


def _slopes(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> Ball:
    """The residual's slopes along every coordinate of every cell, equilibrium held, (K k, M + n - 1)."""
    cells, axes = np.divmod(np.arange(len(field.mid) * game.num_free), game.num_free)
    weights = _weights(game, phi, Lanes(cells, axes, axes))._replace(second=None)
    still = Jet(field[cells]), Jet(value[cells])
    return moving(_right(game, weights, *still, _answers(game, weights, *still)).first)


def _objective(game: AffineGame, weights: Jet, field: Jet, policy: Jet, chain: Jet) -> tuple[Ball, Ball]:
    """Slope of the objective in the first direction and its second derivative in both, (L,) each."""
    gaps = times("ksab,ksb->ksa", _at(based(based(game.leader, 2), 1), field), weights)
    mixing = policy.mapped(_without_last)
    mixing = mixing._replace(value=mixing.value + np.eye(gaps.value.mid.shape[2])[-1])
    reward = times("ksa,ksa->ks", mixing, gaps)

    def after(*pairs_of: tuple[Part, Ball]) -> tuple[Part, ...]:
        return tuple(product("kst,kt->ks", part, values * game.discount) for part, values in pairs_of)

    values, visits = values_and_visits(game, chain.value, reward.value)
    slopes = [moving(added(r, *after((p, values)))) for r, p in zip(reward[1:3], chain[1:3], strict=True)]
    by_first, by_second = (values_and_visits(game, chain.value, slope)[0] for slope in slopes)
    both = added(reward.both, *after((chain.both, values), (chain.first, by_second), (chain.second, by_first)))
    return contract("ks,ks->k", visits, slopes[0]), contract("ks,ks->k", visits, moving(both))


def _as_arrays(slope: Ball, curvature: Ball, lanes: Lanes, number: int, size: int) -> tuple[Ball, Ball]:
    """Lanes as vectors and symmetric matrices."""
    same = lanes.first == lanes.second
    gradient = slope[same].moved(lambda x: x.reshape(number, size))

    def spread(part: np.ndarray) -> np.ndarray:
        table = np.empty((number, size, size))
        table[lanes.cell, lanes.first, lanes.second] = part
        table[lanes.cell, lanes.second, lanes.first] = part
        return table

    return gradient, curvature.moved(spread)


def _in_logits(game: AffineGame, policy: Ball, gradient: Ball, hessian: Ball) -> Ball:
    r"""Hessian in all logits, (K, O B, O B), of policies (K, O, B).

    $H_{cd} = \sum_{b b'} \phi_{b,c} \Phi_{b b'} \phi_{b',d} + \sum_b \Phi_b \phi_{b,cd}$, where
    $\phi_{b,c} = \phi_b (\delta_{bc} - \phi_c)$ and, in one row,
    $\phi_{b,cd} = \phi_b ((\delta_{bc} - \phi_c)(\delta_{bd} - \phi_d) - \phi_c (\delta_{cd} - \phi_d))$.
    """
    number, rows, actions = policy.mid.shape
    free = actions - 1
    identity = np.eye(actions)
    # delta_cd - phi_d, (K, O, B, B).
    apart = -policy[:, :, None, :] + identity
    slopes = contract("kob,kobc->kobc", policy, apart)
    both = contract("kobc,kobd->kobcd", slopes[:, :, :free], apart[:, :, :free])
    bent = both - contract("kob,kocd->kobcd", policy[:, :, :free], slopes)
    own = contract("kob,kobcd->kocd", gradient.moved(lambda x: x.reshape(number, rows, free)), bent)
    table = hessian.moved(lambda x: x.reshape(number, rows, free, rows, free))
    half = contract("kobqe,kobc->kocqe", table, slopes[:, :, :free])
    whole = contract("kocqe,kqed->kocqd", half, slopes[:, :, :free])
    whole = whole + contract("kocd,oq->kocqd", own, np.eye(rows))
    return whole.moved(lambda x: x.reshape(number, rows * actions, rows * actions))


def _norms(matrices: Ball) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, " K"]]:
    """Bounds of the spectral norms of symmetric matrices (K, D, D) that are forms.

    A norm is convex: of what is affine in the cell it is largest at a corner. The rest counts by its Frobenius norm.
    """
    model = form_of(matrices).model
    corners = np.array(list(itertools.product((-0.5, 0.5), repeat=model.shape.dimension)))
    linear = np.moveaxis(np.tensordot(corners, model.linear, 1), -1, 0)
    at_corners = np.moveaxis(model.centre, -1, 0)[:, None] + linear
    rest = np.moveaxis(model.bend + model.radius + EPSILON * _CORNER_ROUNDINGS * model.size, -1, 0)
    ends = Ball(at_corners, np.broadcast_to(rest[:, None], at_corners.shape))
    size = matrices.mid.shape[1]
    upper = spectral_bounds(ends.moved(lambda x: x.reshape(-1, size, size)))[1].reshape(len(rest), -1)
    return spectral_bounds(Ball(matrices.mid, matrices.rad))[0], np.max(upper, axis=1)
