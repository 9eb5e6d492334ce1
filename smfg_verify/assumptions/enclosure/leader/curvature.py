r"""The Hessian of the Stackelberg objective in the leader's logits, enclosed for all leaders of cells of policies.

Coordinates are the probabilities $p_b = \phi(b|o)$ of all actions but the last, in which the leader's policy is affine:
cells with deterministic leaders are like others. The equilibrium $x = (m, V)$ of every leader of a cell is enclosed by
`boxes`; its derivatives solve $F_x x_i = -F_i$ and $F_x x_{ij} = -F_{ij}$, the right sides taken with the
derivatives of x that are known so far, and so is the objective $\Phi = \rho^T W$, $(I - \gamma P_\pi) W = r$:
$\Phi_{ij} = d^T (r_{ij} + \gamma (P_{ij} W + P_i W_j + P_j W_i))$ with d the discounted visits. Logits follow by
the chain rule, $\partial\phi_b/\partial\omega_c = \phi_b (\delta_{bc} - \phi_c)$.

Every pair of directions i <= j is a lane of its own: K cells are K k (k + 1) / 2 lanes.
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball, contract, solved
from smfg_verify.assumptions.enclosure.domain import inner_points
from smfg_verify.assumptions.enclosure.jets import Jet, softmax_jet, spectral_bounds, times
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import Table, at_field, based, pairs
from smfg_verify.assumptions.enclosure.leader.boxes import equilibria_near, verified_equilibria
from smfg_verify.assumptions.enclosure.leader.residual import jacobian
from smfg_verify.assumptions.enclosure.leader.world import world_of


class Curvatures(NamedTuple):
    """What is known of all leaders of each of K cells.

    Attributes:
        lower, upper: of the spectral norm of every leader's Hessian in logits, (K,); zero and infinity where no
            equilibrium is verified.
        field, value: equilibrium of the leader in the middle, (K, n) and (K, n - 1).
        radius: how far the equilibria of the cell's other leaders are from it, (K, 2n - 1).
        verified: whether each leader of the cell is proved to have one equilibrium that near, (K,).
    """

    lower: Float[np.ndarray, " K"]
    upper: Float[np.ndarray, " K"]
    field: Float[np.ndarray, "K n"]
    value: Float[np.ndarray, "K n-1"]
    radius: Float[np.ndarray, "K 2n-1"]
    verified: Bool[np.ndarray, " K"]


class Lanes(NamedTuple):
    """Pairs of directions, (L,): the cell of each lane, and the two coordinates, numbered row by row."""

    cell: Int[np.ndarray, " L"]
    first: Int[np.ndarray, " L"]
    second: Int[np.ndarray, " L"]


class _Followers(NamedTuple):
    """The follower's side: its policy, the chain, and the residual's right sides in m and in the relative V."""

    policy: Jet
    chain: Jet
    right: Jet


def lanes_of(number: int, num_free: int) -> Lanes:
    """All pairs of directions of so many cells."""
    first, second = np.array(list(itertools.combinations_with_replacement(range(num_free), 2))).T
    cells = np.repeat(np.arange(number), len(first))
    return Lanes(cells, np.tile(first, number), np.tile(second, number))


def enclosed_equilibria(
    game: AffineGame,
    lower: Float[np.ndarray, "K O B"],
    upper: Float[np.ndarray, "K O B"],
    field: Float[np.ndarray, "K n"],
    value: Float[np.ndarray, "K n-1"],
) -> tuple[Ball, Ball, Ball, Bool[np.ndarray, " K"]]:
    """Equilibria of all leaders of each cell.

    Args:
        game: the game's tables.
        lower, upper: ends of the probabilities of each row.
        field, value: guesses.

    Returns:
        Policies by state (K, n, B), mean fields (K, n) and relative values (K, n - 1) as intervals, and where they are
        proved.
    """
    size = field.shape[1]
    shape = lower.shape
    middle = inner_points(lower.reshape(-1, shape[2]), upper.reshape(-1, shape[2])).reshape(shape)
    phi = Ball.of_ends(np.minimum(lower, middle), np.maximum(upper, middle))[:, game.observation]
    point = Ball.exact(middle[:, game.observation])
    field, value = equilibria_near(game, point, field, value)
    half = OUTWARD * np.maximum(upper - middle, middle - lower)[:, :, :-1].reshape(len(lower), -1)
    # The residual's slopes in each coordinate, equilibrium held.
    number, num_free = half.shape
    cells, axes = np.divmod(np.arange(number * num_free), num_free)
    still = Jet.still(Ball.exact(field[cells])), Jet.still(Ball.exact(value[cells]))
    weights = _weights(game, phi, Lanes(cells, axes, axes))
    slopes = _followers(game, weights, *still).right.first
    slopes = slopes.moved(lambda x: np.swapaxes(x.reshape(number, num_free, -1), 1, 2))
    radius, verified = verified_equilibria(game, phi, point, slopes, half, field, value)
    return phi, Ball(field, radius[:, :size]), Ball(value, radius[:, size:]), verified


def enclose_curvature(
    game: AffineGame,
    lower: Float[np.ndarray, "K O B"],
    upper: Float[np.ndarray, "K O B"],
    field: Float[np.ndarray, "K n"],
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
        phi, fields, values, verified = enclosed_equilibria(game, lower, upper, field, value)
        matrices = _in_logits(game, Ball.of_ends(lower, upper), *_in_policies(game, phi, fields, values))
        known = verified & np.all(np.isfinite(matrices.mid) & np.isfinite(matrices.rad), axis=(1, 2))
        bounds = spectral_bounds(Ball(matrices.mid, np.where(known[:, None, None], matrices.rad, np.inf)))
    radius = np.concatenate([fields.rad, values.rad], axis=1)
    return Curvatures(*bounds, fields.mid, values.mid, radius, verified)


def _weights(game: AffineGame, phi: Ball, lanes: Lanes) -> Jet:
    """The leader's probabilities in the basis of `based`, an exact one in place of the last, (L, n, B)."""
    actions = game.num_leader_actions
    value = _without_last(phi[lanes.cell]) + np.eye(actions)[-1]

    def along(axis: np.ndarray) -> Ball:
        row, action = np.divmod(axis, actions - 1)
        seen = game.observation[None, :] == row[:, None]
        return Ball.exact(seen[:, :, None] * np.eye(actions)[action][:, None, :])

    return Jet(value, along(lanes.first), along(lanes.second), Ball.exact(np.zeros_like(value.mid)))


def _without_last(policy: Ball) -> Ball:
    """Probabilities with a zero in place of the last."""
    return policy.moved(lambda x: np.concatenate([x[..., :-1], np.zeros_like(x[..., -1:])], axis=-1))


def _at(table: Table, field: Jet) -> Jet:
    """A table at the mean field."""
    letters = "sabcdet"[: table[0].mid.ndim]
    first, second, both = (contract(f"kj,j{letters}->k{letters}", part, table[1]) for part in field[1:])
    return Jet(at_field(table, field.value), first, second, both)


def _followers(game: AffineGame, weights: Jet, field: Jet, value: Jet) -> _Followers:
    """Policy and chain, and what $F_x$ times the derivatives of x must be for those given to be right."""
    whole = value.mapped(lambda part: part.moved(lambda x: np.concatenate([x, np.zeros((len(x), 1))], axis=1)))
    gap = times("ksacb,ksb->ksac", _at(based(pairs(game.follower, 1), 3), field), weights)
    moves_gap = times("ksacbt,ksb->ksact", _at(based(pairs(game.transition, 1), 3), field), weights)
    gap = gap.plus(times("ksact,kt->ksac", moves_gap, whole), game.discount)
    policy = softmax_jet(gap.mapped(lambda part: part * (1.0 / game.temperature)))
    others = policy.mapped(lambda part: part[:, :, :-1])
    last = times("ksbt,ksb->kst", _at(_last_action(based(game.transition, 2)), field), weights)
    chain = last.plus(times("ksa,ksat->kst", others, moves_gap.mapped(lambda part: part[:, :, :-1, -1])))
    reward = times("ksb,ksb->ks", _at(_last_action(based(game.follower, 2)), field), weights)
    best = reward.plus(times("kst,kt->ks", last, whole), game.discount)
    # The optimal value moves as the average of the action values under the policy (envelope), which then moves too.
    gaps = gap.mapped(lambda part: part[:, :, :-1, -1])
    first, second, both = (contract("ksa,ksa->ks", others.value, part) for part in gaps[1:])
    turned = contract("ksa,ksa->ks", others.second, gaps.first)
    moved = Jet(best.value, best.first + first, best.second + second, best.both + both + turned)
    image = times("ks,kst->kt", field, chain)
    relative = moved.mapped(lambda part: part[:, :-1] - part[:, -1:])
    right = Jet(*(_stacked(upper, below) for upper, below in zip(image, relative, strict=True)))
    return _Followers(policy, chain, right)


def _last_action(table: Table) -> Table:
    return table[0][:, -1], table[1][:, :, -1]


def _stacked(upper: Ball, below: Ball) -> Ball:
    return Ball(np.concatenate([upper.mid, below.mid], axis=1), np.concatenate([upper.rad, below.rad], axis=1))


def _in_policies(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> tuple[Ball, Ball]:
    """Gradient (K, k) and Hessian (K, k, k) of the objective in the free probabilities."""
    number, size = field.mid.shape
    lanes = lanes_of(number, game.num_free)
    matrix = jacobian(world_of(game, phi, field, value))[0][lanes.cell]
    weights, still = _weights(game, phi, lanes), (Jet.still(field[lanes.cell]), Jet.still(value[lanes.cell]))
    right = _followers(game, weights, *still).right
    moved = [solved(matrix, part) for part in (right.first, right.second)]

    def moving(*parts: Ball) -> tuple[Jet, Jet]:
        """m and V with some of their derivatives known."""
        return tuple(  # type: ignore[return-value]
            Jet(*(base[0], *(part[:, where] for part in parts), *base[1 + len(parts) :]))
            for base, where in zip(still, (slice(None, size), slice(size, None)), strict=True)
        )

    bent = solved(matrix, _followers(game, weights, *moving(*moved)).right.both)
    fields, values = moving(*moved, bent)
    found = _followers(game, weights, fields, values)
    slope, curvature = _objective(game, weights, fields, found)
    return _as_arrays(slope, curvature, lanes, number, game.num_free)


def _objective(game: AffineGame, weights: Jet, field: Jet, followers: _Followers) -> tuple[Ball, Ball]:
    """Slope of the objective in the first direction and its second derivative in both, (L,) each."""
    gamma, size = game.discount, field.value.mid.shape[1]
    gaps = times("ksab,ksb->ksa", _at(based(based(game.leader, 2), 1), field), weights)
    mixing = followers.policy.mapped(_without_last)
    mixing = mixing._replace(value=mixing.value + np.eye(gaps.value.mid.shape[2])[-1])
    reward = times("ksa,ksa->ks", mixing, gaps)
    chain = followers.chain
    system = Ball(np.eye(size)[None] - gamma * chain.value.mid, gamma * chain.value.rad)

    def centred(right: Ball) -> Ball:
        # Slopes of a chain have rows that sum to zero: a common level of values does nothing.
        found = solved(system, right)
        return found - Ball.exact(np.mean(found.mid, axis=1, keepdims=True))

    def through(part: Ball, values: Ball) -> Ball:
        return contract("kst,kt->ks", part, values) * gamma

    values = centred(reward.value)
    in_first = reward.first + through(chain.first, values)
    in_second = reward.second + through(chain.second, values)
    by_first, by_second = centred(in_first), centred(in_second)
    in_both = reward.both + through(chain.both, values)
    in_both = in_both + through(chain.first, by_second) + through(chain.second, by_first)
    initial = Ball.exact(np.broadcast_to(game.initial, values.mid.shape))
    visits = solved(system.moved(lambda x: np.swapaxes(x, 1, 2)), initial)
    return contract("ks,ks->k", visits, in_first), contract("ks,ks->k", visits, in_both)


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
