r"""Total and direct gradient of all leaders of boxes: the formulas of `exact.gradient` in intervals, or in forms."""

import numpy as np

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import at_field, average_weights, based, pairs
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract, form_of, joined, logarithm, solved
from smfg_verify.assumptions.enclosure.leader.residual import jacobian
from smfg_verify.assumptions.enclosure.leader.world import (
    World,
    action_values,
    averaged,
    relative_system,
    slope_by_field,
    slope_by_logits,
    stacked,
    through_policy,
    with_last_value,
)
from smfg_verify.exact.precision import TINY

# Roundings of an entropy, relative to its weight.
_ENTROPY_ROUNDING = 1e-14
# Roundings of a logarithm of a probability, relative to its size and 1.
_LOG_ROUNDING = 1e-13


def gradients(game: AffineGame, world: World, logits: Ball, leader_slope: Ball) -> tuple[Ball, Ball]:
    """Direct gradient and what the total one adds, in the free logits.

    Args:
        game: the game's tables.
        world: the follower's at the leaders' equilibria.
        logits: the leaders' free ones, (K, k).
        leader_slope: of their reward in the mean field, (M, n, A, B), or at each box.

    Returns:
        (K, k) each.
    """
    size, gamma = world.field.mid.shape[1], game.discount
    coefficients, mixing = average_weights(world.phi), average_weights(world.policy)
    bonus, bonus_slope = _entropy(game, world.phi, logits)
    reward_ab = at_field(based(based(game.leader, 2), 1), world.field)
    reward = contract("ksa,ksa->ks", mixing, contract("ksb,ksab->ksa", coefficients, reward_ab))
    leader_value, visits = values_and_visits(game, world.chain, reward + bonus)
    gap = contract("ksb,ksacb->ksac", coefficients, at_field(based(pairs(game.leader, 1), 3), world.field))
    gap = gap + gamma * contract("ksact,kt->ksac", world.transition_gap, leader_value)
    responsive = contract("ks,kys->ky", visits, through_policy(world.weights, world.gap_slope, gap))
    differences = action_values(game, (game.leader, game.transition), world.field, leader_value)
    held = averaged(world.policy, slope_by_logits(game, world.phi, differences)) + bonus_slope
    direct = contract("ks,kys->ky", visits, held)
    by_field = contract("ks,kys->ky", visits, slope_by_field(game, leader_slope, coefficients, mixing, leader_value))
    by_state, by_logits = jacobian(world)
    known = size + world.chain.mid.shape[1] - 1
    right = stacked(responsive[:, :size] + by_field, responsive[:, size:known])
    # Forward, not by the adjoint: how little an equilibrium moves is known before what it is worth is.
    moved = solved(by_state, by_logits)
    return direct, responsive[:, known:] - contract("ki,kiy->ky", right, moved)


def values_and_visits(game: AffineGame, chain: Ball, reward: Ball) -> tuple[Ball, Ball]:
    r"""Leader's values relative to the last state's, and discounted visits, (K, n) each.

    Rows sum to one, so that $M_{st} = P_{st} - P_{last, t}$ moves both: $u = r - r_{last} + \gamma M u$ and, with
    $D = \sum_s \rho_s / (1 - \gamma)$ visits in all, $d = \rho + \gamma D P_{last} + \gamma M^T d$, the last state left
    out. $I - \gamma M$ is farther from singular than $I - \gamma P$. A law $\rho$ that is typed may miss one by 1e-6.
    """
    gamma, last = game.discount, chain[:, -1, :-1]
    every = float(np.sum(game.initial)) / (1.0 - gamma)
    size = last.mid.shape[1]
    system = relative_system(chain, gamma)
    relative = solved(system, reward[:, :-1] - reward[:, -1:])
    begun = last * (gamma * every) + game.initial[None, :-1]
    others = solved(system.moved(lambda x: np.swapaxes(x, 1, 2)), begun)
    visits_of_last = -contract("kt,ts->ks", others, np.ones((size, 1))) + np.full((1, 1), every)
    return with_last_value(relative), joined((others, visits_of_last), 1)


def _entropy(game: AffineGame, phi: Ball, logits: Ball) -> tuple[Ball, Ball]:
    r"""Leader's entropy bonus, (K, n), its slope $-\tau_l \phi_b \sum_e \phi_e (\omega_b - \omega_e)$, (K, k, n)."""
    weight = game.leader_temperature
    number, size = phi.mid.shape[:2]
    if weight == 0.0:
        return Ball.exact(np.zeros((number, size))), Ball.exact(np.zeros((number, game.num_free, size)))
    rows = logits.moved(game.full_logits)[:, game.observation]
    differences = rows.moved(lambda x: x[:, :, :, None]) - rows.moved(lambda x: x[:, :, None, :])
    if isinstance(phi, Form):
        bits, apart = _entropy_of_forms(phi, differences)
        return bits * weight, slope_by_logits(game, phi, apart) * (-weight)
    differences = differences * (1.0 - np.eye(game.num_leader_actions))
    low, high = np.clip(phi.lower, TINY, 1.0), np.clip(phi.upper, TINY, 1.0)
    ends = -low * np.log(low), -high * np.log(high)
    peak = np.where((low <= np.exp(-1.0)) & (high >= np.exp(-1.0)), np.exp(-1.0), np.maximum(*ends))
    each = Ball.of_ends(np.minimum(*ends), peak)
    bonus = Ball(weight * each.mid.sum(axis=2), weight * each.rad.sum(axis=2) + _ENTROPY_ROUNDING * weight)
    return bonus, slope_by_logits(game, phi, differences) * (-weight)


def _entropy_of_forms(phi: Form, differences: Ball) -> tuple[Form, Form]:
    r"""$-\sum_b \phi_b \log \phi_b$ and the differences of $\log \phi$, which lie where those of logits do.

    $\log \phi_b = -\log \sum_e e^{\omega_e - \omega_b}$.
    """
    low, high = (-np.log(np.sum(np.exp(-end), axis=3)) for end in (differences.lower, differences.upper))
    logs = logarithm(phi).within(low - _LOG_ROUNDING * (1.0 - low), high + _LOG_ROUNDING * (1.0 - low))
    apart = logs.moved(lambda x: x[:, :, :, None]) - logs.moved(lambda x: x[:, :, None, :])
    return form_of(-contract("ksb,ksb->ks", phi, logs)), form_of(apart).within(differences.lower, differences.upper)
