r"""The follower's world under a whole box of leaders: intervals of what one leader makes of it, and of its slopes.

Averages over actions are taken in the basis of `bases`, and a softmax's derivative as products of two probabilities
times differences: what does not depend on an action then cancels exactly, however wide the interval of the
probabilities.

Axes: k box, s state, a and c follower's actions, b and e leader's actions, t next state, j entry of the mean field, y
entry of (m, relative V, free logits).
"""

from typing import NamedTuple

import numpy as np

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import Table, at_field, average_weights, based, in_basis, pairs
from smfg_verify.assumptions.enclosure.leader.forms import contract, joined, softmax_of_gaps


class World(NamedTuple):
    """The follower's world at intervals of policy, mean field and value; axes k s a (c) (t), c a second action.

    Attributes:
        phi: leader's policy by state, (K, n, B). field: m, flattened, (K, M). policy: pi, (K, n, A).
        weights: pi_a pi_c / tau, (K, n, A, A). chain: P_pi, (K, n, n).
        transition_gap: P_a - P_c averaged over phi, (K, n, A, A, n).
        gap_slope: derivative of Q_a - Q_c in y, (K, Y, n, A, A) for y in (m, relative V, free logits).
        mean_slope: derivative of sum_a pi_a Q_a at fixed pi, (K, Y, n).
        chain_slope: derivative of P_pi in y, (K, Y, n, n).
    """

    phi: Ball
    field: Ball
    policy: Ball
    weights: Ball
    chain: Ball
    transition_gap: Ball
    gap_slope: Ball
    mean_slope: Ball
    chain_slope: Ball


class Faced(NamedTuple):
    """What the follower faces and answers, without slopes.

    Attributes:
        weights: of the leader's actions in the basis of `based`, (K, n, B).
        value: V less the last state's, (K, n).
        gap: Q_a - Q_c, (K, n, A, A). policy: pi, (K, n, A).
        transition_gap: P_a - P_c averaged over phi, (K, n, A, A, n). transition: P_a so, (K, n, A, n).
        chain: P_pi, (K, n, n).
    """

    weights: Ball
    value: Ball
    gap: Ball
    policy: Ball
    transition_gap: Ball
    transition: Ball
    chain: Ball


def faced_by(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> Faced:
    """What the follower faces and answers, from intervals of phi (K, n, B), m (K, M) and relative V (K, n - 1)."""
    # Rows sum to one: whatever the last state's value is, policies and slopes see differences only.
    value = with_last_value(value)
    coefficients = average_weights(phi)
    gaps_p, gaps_f = (based(pairs(pair, 1), 3) for pair in (game.transition, game.follower))
    transition_gap = contract("ksb,ksacbt->ksact", coefficients, at_field(gaps_p, field))
    q_gap = contract("ksb,ksacb->ksac", coefficients, at_field(gaps_f, field)) + game.discount * contract(
        "ksact,kt->ksac", transition_gap, value
    )
    policy = softmax_of_gaps(q_gap, game.temperature)
    transition = contract("ksb,ksabt->ksat", coefficients, at_field(based(game.transition, 2), field))
    last_gap = transition_gap[:, :, :, -1]
    chain = contract("ksa,ksat->kst", policy[..., :-1], last_gap[:, :, :-1]) + transition[:, :, -1]
    return Faced(coefficients, value, q_gap, policy, transition_gap, transition, chain)


def world_of(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> World:
    """Everything of the follower's world, from intervals of phi (K, n, B), m (K, M) and relative V (K, n - 1)."""
    return world_around(game, phi, field, faced_by(game, phi, field, value))


def world_around(game: AffineGame, phi: Ball, field: Ball, faced: Faced) -> World:
    """The same from what the follower faces and answers, however that is known."""
    gamma = game.discount
    coefficients, value, _, policy, transition_gap, _, chain = faced
    gaps_p, gaps_f = (based(pairs(pair, 1), 3) for pair in (game.transition, game.follower))
    weights = contract("ksa,ksc->ksac", policy, policy) * (1.0 / game.temperature)
    mixing = average_weights(policy)
    # Slopes of Q_a - Q_c: in m through the tables, in V through the transition, in logits through phi.
    by_field = contract("ksb,jsacb->kjsac", coefficients, gaps_f[1]) + gamma * contract(
        "ksb,kjsacb->kjsac", coefficients, contract("jsacbt,kt->kjsacb", gaps_p[1], value)
    )
    by_value = gamma * transition_gap.moved(lambda x: np.moveaxis(x, -1, 1)[:, :-1])
    by_logits = slope_by_logits(
        game, phi, action_values(game, (game.follower, game.transition), field, value, gap=True)
    )
    gap_slope = stacked(by_field, by_value, by_logits)
    mean_slope = stacked(
        slope_by_field(game, game.follower[1], coefficients, mixing, value),
        gamma * chain.moved(lambda x: np.swapaxes(x, 1, 2)[:, :-1]),
        averaged(
            policy, slope_by_logits(game, phi, action_values(game, (game.follower, game.transition), field, value))
        ),
    )
    turned = through_policy(weights, gap_slope, transition_gap)
    chain_slope = turned + _chain_at_fixed_policy(game, phi, coefficients, policy, field)
    return World(phi, field, policy, weights, chain, transition_gap, gap_slope, mean_slope, chain_slope)


def stacked(*parts: Ball) -> Ball:
    """Slopes in several groups of unknowns, one after the other along axis y."""
    return joined(parts, 1)


def averaged(policy: Ball, values: Ball) -> Ball:
    """Average over the follower's action of (K, Y, n, A)."""
    return contract("ksa,kysa->kys", policy, values)


def through_policy(weights: Ball, gap_slope: Ball, gap: Ball) -> Ball:
    r"""Slope of $\sum_a \pi_a X_a$ through pi: $\sum_{a<c} (\pi_a \pi_c / \tau) d(Q_a - Q_c) (X_a - X_c)$."""
    upper = np.triu(np.ones(weights.mid.shape[2:]), 1)
    spec = "kysac,ksact->kyst" if gap.mid.ndim == 5 else "kysac,ksac->kys"
    return contract(spec, gap_slope * (weights * upper).moved(lambda x: x[:, None]), gap)


def action_values(
    game: AffineGame, tables: tuple[Table, Table], field: Ball, value: Ball, *, gap: bool = False
) -> Ball:
    """Differences over two leader actions of r + gamma P V, (K, n, A, B, B), or (K, n, A, A, B, B) of their gaps."""
    axis = 3 if gap else 2
    reward, transition = ((pairs(pair, 1) if gap else pair) for pair in tables)
    reward, transition = pairs(reward, axis), pairs(transition, axis)
    letters = "sacbe" if gap else "sabe"
    return at_field(reward, field) + game.discount * contract(
        f"k{letters}t,kt->k{letters}", at_field(transition, field), value
    )


def slope_by_logits(game: AffineGame, phi: Ball, differences: Ball) -> Ball:
    r"""Derivative in the free logits of $\sum_b \phi_b X_b$: $\phi_b \sum_e \phi_e (X_b - X_e)$, (K, O (B-1), n, ...).

    Args:
        game: gives the observations.
        phi: (K, n, B).
        differences: X_b - X_e, (K, n, ..., B, B).
    """
    products = contract("ksb,kse->ksbe", phi, phi)
    middle = "acd"[: differences.mid.ndim - 4]
    by_row = contract(f"ksbe,ks{middle}be->kbs{middle}", products, differences)[:, :-1]
    seen = (game.observation[None, :] == np.arange(game.rows)[:, None]).astype(float)
    spread = contract(f"os,kbs{middle}->kobs{middle}", seen, by_row)
    shape = (len(phi.mid), -1, *spread.mid.shape[3:])
    return spread.moved(lambda x: x.reshape(shape))


def slope_by_field(game: AffineGame, reward_slope: Ball, coefficients: Ball, mixing: Ball, value: Ball) -> Ball:
    """Derivative in m of sum_a pi_a sum_b phi_b (r + gamma P V) at fixed policies and V, (K, M, n)."""
    # At each box by itself, or for all of them.
    batched = reward_slope.mid.ndim == 5
    reward = in_basis(in_basis(reward_slope if batched else reward_slope[None], 4), 3)
    transition = in_basis(in_basis(game.transition[1], 3), 2)
    each = game.discount * contract("jsabt,kt->kjsab", transition, value) + reward
    return contract("ksa,kjsa->kjs", mixing, contract("ksb,kjsab->kjsa", coefficients, each))


def _chain_at_fixed_policy(game: AffineGame, phi: Ball, coefficients: Ball, policy: Ball, field: Ball) -> Ball:
    """Derivative of P_pi in (m, V, logits) with the follower's policy fixed, (K, Y, n, n)."""
    slope = in_basis(in_basis(game.transition[1], 3), 2)
    by_field = contract("ksa,kjsat->kjst", average_weights(policy), contract("ksb,jsabt->kjsat", coefficients, slope))
    differences = at_field(pairs(game.transition, 2), field).moved(lambda x: np.moveaxis(x, -1, 3))
    by_logits = contract("ksa,kysat->kyst", policy, slope_by_logits(game, phi, differences))
    still = np.zeros((len(by_field.mid), by_field.mid.shape[2] - 1, *by_field.mid.shape[2:]))
    return stacked(by_field, Ball.exact(still), by_logits)


def with_last_value(relative: Ball) -> Ball:
    """Values relative to the last state's, (K, n - 1), with that one, zero."""
    return relative.moved(lambda x: np.concatenate([x, np.zeros((len(x), 1))], axis=1))


def values_of_actions(game: AffineGame, faced: Faced, field: Ball) -> Ball:
    """Q of all actions, (K, n, A), with V of the last state zero."""
    reward = contract("ksb,ksab->ksa", faced.weights, at_field(based(game.follower, 2), field))
    return reward + game.discount * contract("ksat,kt->ksa", faced.transition, faced.value)


def relative_system(chain: Ball, discount: float) -> Ball:
    """I - discount times the chain less its last row, the last state left out: what moves relative values."""
    moved = (chain[:, :-1, :-1] - chain[:, -1:, :-1]) * (-discount)
    return moved + np.eye(moved.mid.shape[1])[None]


def states_of(field: Ball, states: int) -> Ball:
    """Law of the states under mean fields (K, M), of states or of pairs, (K, n)."""
    size = field.mid.shape[1]
    if size == states:
        return field
    return contract("kj,js->ks", field, np.repeat(np.eye(states), size // states, axis=0))
