r"""Equilibria of all leaders of a box of logits as second-order forms of the leader.

With x the equilibrium of the leader in the middle and F the residual, $\hat x(z)$ is the polynomial at which F vanishes
to second order. Krawczyk's operator in the coordinates that it shifts, at every leader z of the box by itself, is
$-C F(\hat x(z), z) + (I - C F_x(\hat x(z) + [-\rho, \rho], z)) [-\rho, \rho]$. What it maps into the inside of
$[-\rho, \rho]$ proves that each leader has one equilibrium within $\rho$ of $\hat x(z)$; $\rho$ is of third order in
the width of the box.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball, approximate_inverse
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract
from smfg_verify.assumptions.enclosure.leader.policies import policies_over
from smfg_verify.assumptions.enclosure.leader.residual import jacobian, residual_of
from smfg_verify.assumptions.enclosure.leader.world import world_of
from smfg_verify.assumptions.enclosure.response.models import Model, Shape, nothing

# Krawczyk's operator maps a box into itself that is a little larger than its image, and no point.
_WIDER, _LEAST_RADIUS = 1.2, 1e-12
_STEPS = 3
# Each makes one more order right.
_CORRECTIONS = 2


class Equilibria(NamedTuple):
    """Equilibria of all leaders of K boxes.

    Attributes:
        phi: leaders' policies by state, (K, n, B).
        field: mean fields, flattened, (K, M).
        value: relative values, (K, n - 1).
        verified: whether each leader of a box is proved to have one within these, (K,).
    """

    phi: Form
    field: Form
    value: Form
    verified: Bool[np.ndarray, " K"]

    def at(self, boxes: Int[np.ndarray, " L"]) -> "Equilibria":
        """Those of some boxes."""
        phi, field, value = (part[boxes] for part in (self.phi, self.field, self.value))
        return Equilibria(phi, field, value, self.verified[boxes])


def equilibria_over(
    game: AffineGame,
    lower: Float[np.ndarray, "K k"],
    upper: Float[np.ndarray, "K k"],
    field: Float[np.ndarray, "K M"],
    value: Float[np.ndarray, "K n-1"],
) -> Equilibria:
    """Equilibria of all leaders of each box of free logits.

    Args:
        game: the game's tables.
        lower, upper: of the boxes.
        field, value: the equilibrium of the leader in the middle, about.

    Returns:
        The forms, and where they are proved.
    """
    return equilibria_of(game, policies_over(game, lower, upper), field, value)


def equilibria_of(
    game: AffineGame, phi: Form, field: Float[np.ndarray, "K n"], value: Float[np.ndarray, "K n-1"]
) -> Equilibria:
    """Equilibria of all leaders that forms stand for.

    Args:
        game: the game's tables.
        phi: leaders' policies by state, (K, n, B).
        field, value: the equilibrium of the leader in the middle, about.

    Returns:
        The forms, and where they are proved.
    """
    size = field.shape[1]
    point = Ball.exact(phi.mid)
    inverse = approximate_inverse(jacobian(world_of(game, point, Ball.exact(field), Ball.exact(value)))[0].mid)
    bent = _constant(np.concatenate([field, value], axis=1).T, phi.model.shape)
    for _ in range(_CORRECTIONS):
        bent = _corrected(bent, residual_of(game, phi, bent[:, :size], bent[:, size:]), inverse)
    start = contract("kij,kj->ki", inverse, residual_of(game, phi, bent[:, :size], bent[:, size:])).size
    radius, proved = _radii(game, phi, bent, inverse, start)
    found = bent.widened(np.where(proved[:, None], radius, 0.0))
    return Equilibria(phi, found[:, :size], found[:, size:], proved)


def _constant(centre: np.ndarray, shape: Shape) -> Form:
    linear = np.zeros((shape.dimension, *centre.shape))
    return Form(Model(centre, linear, nothing(shape, centre), np.zeros_like(centre), shape))


def _corrected(found: Form, missed: Form, inverse: np.ndarray) -> Form:
    """One step of Newton's method on the polynomials, as exact ones."""
    model, rest = found.model, missed.model
    step = [np.einsum("kij,...jk->...ik", inverse, part) for part in (rest.centre, rest.linear, rest.quadratic)]
    centre = model.centre - step[0]
    return Form(Model(centre, model.linear - step[1], model.quadratic - step[2], np.zeros_like(centre), model.shape))


def _radii(
    game: AffineGame, phi: Form, middle: Form, inverse: np.ndarray, start: Float[np.ndarray, "K d"]
) -> tuple[Float[np.ndarray, "K d"], Bool[np.ndarray, " K"]]:
    """Radii around the polynomials within which one equilibrium lies, and where they are proved."""
    size = middle.mid.shape[1] - phi.mid.shape[1] + 1
    radius, done = _WIDER * start + _LEAST_RADIUS, np.zeros(len(start), dtype=bool)
    found, at = np.full_like(radius, np.inf), np.arange(len(start))
    for _ in range(_STEPS):
        at = at[np.all(np.isfinite(radius[at]), axis=1)]
        if not len(at):
            break
        wide = middle[at].widened(radius[at])
        matrix = jacobian(world_of(game, phi[at], wide[:, :size], wide[:, size:]))[0]
        excess = (contract("kij,kjl->kil", inverse[at], matrix) - np.eye(inverse.shape[1])).size
        image = (start[at] + np.einsum("kij,kj->ki", excess, radius[at])) * OUTWARD
        # A mean field with a negative entry is none, and a game says nothing about it.
        inside = np.all(image < radius[at], axis=1) & np.all(
            middle[at][:, :size].lower - image[:, :size] >= 0.0, axis=1
        )
        found[at[inside]], done[at[inside]] = image[inside], True
        radius[at] = _WIDER * image + _LEAST_RADIUS
        at = at[~inside]
    return found, done
