r"""Where $\Gamma_\phi(m) = m$ is possible: cells without a fixed point, and cells with one for each leader.

With $F = \Gamma_\phi - id$ as a model over a cell, a fixed point makes every $\langle u, F \rangle$ zero. Two kinds of
u are tried: single entries, and Newton's, which take the slope of F along the cell's own coordinates to minus the
identity, so that $\langle u_i, F \rangle$ is about what Newton's step moves the i-th coordinate by.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.assumptions.enclosure.balls import approximate_inverse
from smfg_verify.assumptions.enclosure.response.cells import Cells, coordinates
from smfg_verify.assumptions.enclosure.response.index.orientation import determinant_signs
from smfg_verify.assumptions.enclosure.response.models import Model, apply, total
from smfg_verify.assumptions.enclosure.response.slopes import Slopes
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables

# What F may be moved by, in length, without a fixed point appearing in a cell without one or on the boundary.
ROOM = 1e-8


class FixedPoints(NamedTuple):
    """What is known of the fixed points in each of K cells.

    Attributes:
        excess: F, all entries but the last, (n - 1).
        none: whether there is none for any leader of the cell, also of maps within `ROOM`, (K,).
        some: whether there is one for every leader of the cell, (K,).
        inner: whether none lies on the boundary of the simplex, also of maps within `ROOM`, (K,).
    """

    excess: Model
    none: Bool[np.ndarray, " K"]
    some: Bool[np.ndarray, " K"]
    inner: Bool[np.ndarray, " K"]


def fixed_points_over(tables: Tables, cells: Cells, found: Slopes) -> FixedPoints:
    """What a law over cells says of fixed points.

    Args:
        tables: of the game.
        cells: K of them.
        found: the law over them, the only one of its chain wherever `mixing` is finite.

    Returns:
        Three answers a cell, false where nothing is known.
    """
    size = tables.num_states - 1
    with np.errstate(all="ignore"):
        excess = found.law - coordinates(tables, cells)[0].taken(np.arange(size), -1)
        newton = _newton(excess)
        known = np.isfinite(found.mixing)
        none = known & _keeps_a_sign(excess, newton)
        some = known & _maps_into_itself(excess, newton)
        return FixedPoints(excess, none, some, known & _inner(cells, found.law))


def newton_steps(excess: Model) -> Float[np.ndarray, "k K"]:
    """Newton's step from the centres, in the cells' coordinates of mean fields, in plain floats."""
    steps: Float[np.ndarray, "k K"] = np.einsum("utk,tk->uk", _newton(excess), excess.centre)
    return steps


def _newton(excess: Model) -> Float[np.ndarray, "k k K"]:
    """Directions u_i, (i, entry, K), with the slope of <u_i, F> along the cell's j-th coordinate about -1 at i = j."""
    size = len(excess.centre)
    inverse = approximate_inverse(np.moveaxis(excess.linear[:size], -1, 0))
    return -np.moveaxis(inverse, (0, 1, 2), (2, 1, 0))


def _keeps_a_sign(excess: Model, newton: Float[np.ndarray, "k k K"]) -> Bool[np.ndarray, " K"]:
    """Whether a functional of F is above, or below, zero all over the cell, by what `ROOM` may take from it."""
    size, number = excess.centre.shape
    entries = np.concatenate([np.eye(size), np.ones((1, size))])
    entries = np.broadcast_to(entries[..., None], (size + 1, size, number))
    directions = np.concatenate([entries, newton, newton.sum(axis=0, keepdims=True)])
    values = apply("t,ut->u", excess, directions)
    room = ROOM * np.linalg.norm(directions, axis=1)
    kept: Bool[np.ndarray, " K"] = np.any((values.lower > room) | (values.upper < -room), axis=0)
    return kept


def _maps_into_itself(excess: Model, newton: Float[np.ndarray, "k k K"]) -> Bool[np.ndarray, " K"]:
    r"""Whether $z + \langle u, F \rangle$ leads from the cell into it for every leader: F is zero somewhere (Brouwer).

    The directions have to be independent for that; the cell is where the z are at least -1/n and sum to 1/n at most.
    """
    size, number = excess.centre.shape
    linear = np.zeros_like(excess.linear)
    linear[np.arange(size), np.arange(size)] = 1.0
    moved = Model.affine(np.zeros((size, number)), linear, excess.shape) + apply("t,ut->u", excess, newton)
    share = 1.0 / (size + 1)
    within = np.all(moved.lower >= -share, axis=0) & (total(moved).upper <= share)
    independent = determinant_signs(np.moveaxis(newton, -1, 0)) != 0
    result: Bool[np.ndarray, " K"] = within & independent
    return result


def _inner(cells: Cells, law: Model) -> Bool[np.ndarray, " K"]:
    """Whether each entry is positive in the cell, or under the map: a fixed point there is in the interior."""
    n = len(law.centre) + 1
    least = np.min(cells.vertices[:, :n, :n], axis=1).T
    images = np.concatenate([law.lower, 1.0 - total(law).upper[None]])
    inside: Bool[np.ndarray, " K"] = np.all((least > 0.0) | (images > 2.0 * ROOM), axis=0)
    return inside
