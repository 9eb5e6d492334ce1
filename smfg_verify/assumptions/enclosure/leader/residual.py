r"""What an equilibrium makes zero, and its derivatives, over boxes of leaders."""

import numpy as np

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract, form_of, joined, soft_maximum_of
from smfg_verify.assumptions.enclosure.leader.world import AffineGame, World, at_field, based, faced_by, stacked


def jacobian(world: World) -> tuple[Ball, Ball]:
    """Derivatives of the residual in x = (m, V), (K, 2n-1, 2n-1), and in the free logits, (K, 2n-1, k)."""
    size = world.field.mid.shape[1]
    known = 2 * size - 1
    field = -contract("ks,kyst->kyt", world.field, world.chain_slope)
    field = stacked(field[:, :size] - world.chain + (np.eye(size) + 1.0 / size)[None], field[:, size:])
    relative = world.mean_slope[:, :, -1:] - world.mean_slope[:, :, :-1]
    identity = np.zeros((relative.mid.shape[1], size - 1))
    identity[size:known] = np.eye(size - 1)
    relative = relative + identity[None]
    whole = joined((field, relative), 2).moved(lambda x: np.swapaxes(x, 1, 2))
    return whole[:, :, :known], whole[:, :, known:]


def residual_of(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> Form:
    """Residual of m and of the relative V at forms, (K, 2n - 1)."""
    faced, size = faced_by(game, phi, field, value), field.mid.shape[1]
    image = contract("ks,kst->kt", field, faced.chain)
    mass = contract("ks,st->kt", field, np.full((size, size), 1.0 / size)) + np.full((1, size), -1.0 / size)
    reward = contract("ksb,ksab->ksa", faced.weights, at_field(based(game.follower, 2), field))
    values = reward + game.discount * contract("ksat,kt->ksa", faced.transition, faced.value)
    updated = soft_maximum_of(values, faced.gap, game.temperature)
    return form_of(stacked(field - image + mass, value - (updated[:, :-1] - updated[:, -1:])))
