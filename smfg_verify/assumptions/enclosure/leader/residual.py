r"""What an equilibrium makes zero, and its derivatives, over boxes of leaders.

With $q_t = \sum_s \mu_s P_\pi(s, t)$, $\mu$ the law of states under m, it is $m - q + (\sum_j m_j - 1) / M$ where the
mean field is one of states, and $m(t, c) - q_t \pi(c|t) + (\sum_j m_j - 1) / M$ where it is one of pairs; beneath, the
follower's relative optimality equation. Rows sum to one, so that the last term vanishes where all do.
"""

import numpy as np

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract, form_of, joined, soft_maximum_of
from smfg_verify.assumptions.enclosure.leader.world import World, faced_by, stacked, states_of, values_of_actions


def jacobian(world: World) -> tuple[Ball, Ball]:
    """Derivatives of the residual in x = (m, V), (K, d, d), and in the free logits, (K, d, k), d = M + n - 1."""
    size, states = world.field.mid.shape[1], world.chain.mid.shape[1]
    known = size + states - 1
    field = -_image_slope(world)
    field = stacked(field[:, :size] + (np.eye(size) + 1.0 / size)[None], field[:, size:])
    relative = world.mean_slope[:, :, -1:] - world.mean_slope[:, :, :-1]
    identity = np.zeros((relative.mid.shape[1], states - 1))
    identity[size:known] = np.eye(states - 1)
    relative = relative + identity[None]
    whole = joined((field, relative), 2).moved(lambda x: np.swapaxes(x, 1, 2))
    return whole[:, :, :known], whole[:, :, known:]


def _image_slope(world: World) -> Ball:
    r"""Derivative in (m, V, logits) of $q = \sum_s m_s P_\pi(s, .)$, or of $q_t \pi(c|t)$ for mean fields on pairs."""
    size, states = world.field.mid.shape[1], world.chain.mid.shape[1]
    held = contract("ks,kyst->kyt", states_of(world.field, states), world.chain_slope)
    own = world.chain[:, np.repeat(np.arange(states), size // states)]
    moved = stacked(held[:, :size] + own, held[:, size:])
    if size == states:
        return moved
    # d pi_a = sum_c (pi_a pi_c / tau) d(Q_a - Q_c).
    turned = contract("ksac,kysac->kysa", world.weights, world.gap_slope)
    image = contract("ks,kst->kt", states_of(world.field, states), world.chain)
    slope = contract("kyt,ktc->kytc", moved, world.policy) + contract("kt,kytc->kytc", image, turned)
    return slope.moved(lambda x: x.reshape(*x.shape[:2], size))


def residual_of(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> Form:
    """Residual of m and of the relative V at forms, (K, M + n - 1)."""
    faced, size = faced_by(game, phi, field, value), field.mid.shape[1]
    image = contract("ks,kst->kt", states_of(field, faced.chain.mid.shape[1]), faced.chain)
    if size > image.mid.shape[1]:
        image = contract("kt,ktc->ktc", image, faced.policy).moved(lambda x: x.reshape(len(x), size))
    mass = contract("ks,st->kt", field, np.full((size, size), 1.0 / size)) + np.full((1, size), -1.0 / size)
    updated = soft_maximum_of(values_of_actions(game, faced, field), faced.gap, game.temperature)
    return form_of(stacked(field - image + mass, value - (updated[:, :-1] - updated[:, -1:])))
