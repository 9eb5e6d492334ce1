r"""The sign of $\det(I - D\Gamma)$ on tangents of the simplex, over cells: the index of a fixed point there."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball
from smfg_verify.assumptions.enclosure.response.linear import near_inverse
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, apply

# Power iterations towards weights in which rows are compared with their diagonal entry.
_NUM_ITERATIONS = 4
# A share of the largest that every weight gets, so that none is zero.
_FLOOR = 1e-3
# What a dominated row has to have left of the identity: with less of it roundings would count for more.
_ROOM = 0.05


class Orientation(NamedTuple):
    r"""What is known of $A = I - D\Gamma$ over each of K cells.

    Attributes:
        sign: of its determinant on tangents, (K,); 0 where unknown.
        definite: whether its symmetric part on tangents is positive definite in the Euclidean norm, (K,).
        slack: $|A v|_1 \ge$ slack $|v|_1$ for tangents v, also of means of A over the cell, (K,); 0 where unknown.
    """

    sign: Int[np.ndarray, " K"]
    definite: Bool[np.ndarray, " K"]
    slack: Float[np.ndarray, " K"]


class _Signed(NamedTuple):
    """What one test tells, as `Orientation`."""

    sign: Int[np.ndarray, " K"]
    slack: Float[np.ndarray, " K"]


class _Dominated(NamedTuple):
    """Matrices whose rows are compared with their diagonal entries.

    Attributes:
        room: smallest diagonal entry less the others of its row, in the weights; positive where all are, (K,).
        spread: largest over smallest weight, (K,).
    """

    room: Float[np.ndarray, " K"]
    spread: Float[np.ndarray, " K"]


def orientation_of(jacobian: Model) -> Orientation:
    r"""The sign over cells, by two tests of which either is enough.

    With W the Euclidean inner product, a positive definite symmetric part of $W A$ leaves A no real eigenvalue at or
    below zero. And where the rows of $Y A$, Y near the centre's inverse of A, are dominated by positive diagonal
    entries, its determinant is positive, as on the way to its diagonal, so that A has the sign of Y.

    Args:
        jacobian: over K cells, of the law's entries but the last.

    Returns:
        The signs.
    """
    with np.errstate(all="ignore"):
        matrix = -jacobian + np.eye(len(jacobian.centre))[..., None]
        first, second = _by_symmetric_part(matrix), _by_inverse(matrix)
        sign = np.where(first.sign != 0, first.sign, second.sign)
        return Orientation(sign, first.sign > 0, np.maximum(first.slack, second.slack))


def _by_symmetric_part(matrix: Model) -> _Signed:
    """Positive where the symmetric part is, in the centre's eigenvectors, scaled to make it the identity there."""
    size = len(matrix.centre)
    weighted = apply("jt,tu->ju", matrix, (np.eye(size) + 1.0)[..., None])
    symmetric = (weighted + weighted.moved(lambda part: np.swapaxes(part, -3, -2))).scaled(0.5)
    frame = _whitening(symmetric.centre)
    turned = apply("av,vb->ab", apply("uv,ua->av", symmetric, frame), frame)
    # Of a symmetric matrix no weights are asked: its eigenvalues lie in the discs as they are.
    room = _dominated(turned, plain=True).room
    # |x|_2 <= |V|_F |y|_2 and room |y|^2 <= y^T V^T W A V y; of n entries the l1 norm is at most twice that of n - 1.
    norms = _norm(frame) * _norm(np.einsum("uk...,uv->vk...", frame, np.eye(size) + 1.0)) * np.sqrt(size)
    return _known(room > _ROOM, np.ones(room.shape, int), room / (2.0 * norms * OUTWARD))


def _whitening(centre: Float[np.ndarray, "k k K"]) -> Float[np.ndarray, "k k K"]:
    """Eigenvectors over the roots of their eigenvalues, columns; zero where a matrix has none that are positive."""
    matrices = np.moveaxis(centre, -1, 0)
    finite = np.all(np.isfinite(matrices), axis=(1, 2))
    values, vectors = np.linalg.eigh(np.where(finite[:, None, None], matrices, np.eye(len(centre))))
    good = finite & (values[:, 0] > 0.0)
    scaled = vectors / np.sqrt(np.where(good[:, None], values, 1.0))[:, None, :]
    frame: Float[np.ndarray, "k k K"] = np.moveaxis(np.where(good[:, None, None], scaled, 0.0), 0, -1)
    return frame


def _by_inverse(matrix: Model) -> _Signed:
    """The sign of the centre's inverse, where this takes all of the cell near the identity."""
    size = len(matrix.centre)
    inverse = near_inverse(np.eye(size)[..., None] - matrix.centre, 1.0)
    dominated = _dominated(apply("jt,sj->st", matrix, inverse), plain=False)
    signs = determinant_signs(np.moveaxis(inverse, -1, 0))
    # In l1 a map is as large as its transpose, which stands here, by rows: A^-1 = (Y A)^-1 Y.
    largest = np.max(np.abs(inverse), axis=(0, 1))
    slack = dominated.room / (2.0 * size * largest * dominated.spread * OUTWARD)
    return _known((dominated.room > _ROOM) & (signs != 0), signs, slack)


def _dominated(matrix: Model, *, plain: bool) -> _Dominated:
    """Rows against their diagonal entries, in weights that make the worst of them as good as may be."""
    size, diagonal = matrix.largest, np.arange(len(matrix.centre))
    off = size.copy()
    off[diagonal, diagonal] = 0.0
    weights = np.ones(size.shape[1:])
    # What the diagonal lacks of one belongs to the row, too.
    missed = off.copy()
    missed[diagonal, diagonal] = np.abs(1.0 - matrix.lower[diagonal, diagonal])
    for _ in range(0 if plain else _NUM_ITERATIONS):
        weights = np.einsum("stk,tk->sk", missed, weights)
        weights = weights / np.max(weights, axis=0) + _FLOOR
    weights = np.where(np.isfinite(weights), weights, 1.0)
    others = OUTWARD * np.einsum("stk,tk->sk", off, weights) / weights
    room = np.min(matrix.lower[diagonal, diagonal] - others, axis=0)
    return _Dominated(room, np.max(weights, axis=0) / np.min(weights, axis=0))


def _known(known: Bool[np.ndarray, " K"], sign: Int[np.ndarray, " K"], slack: Float[np.ndarray, " K"]) -> _Signed:
    return _Signed(np.where(known, sign, 0), np.where(known, slack, 0.0))


def _norm(matrices: Float[np.ndarray, "k k K"]) -> Float[np.ndarray, " K"]:
    norms: Float[np.ndarray, " K"] = np.sqrt(np.sum(matrices**2, axis=(0, 1)))
    return norms


def determinant_signs(matrices: Float[np.ndarray, "K k k"]) -> Int[np.ndarray, " K"]:
    """The signs of determinants by elimination with row exchanges, all roundings counted; 0 where a pivot may be zero.

    Args:
        matrices: exact as they are.

    Returns:
        1, -1 or 0.
    """
    rest, at = Ball.exact(matrices), np.arange(len(matrices))
    signs = np.where(np.all(np.isfinite(matrices), axis=(1, 2)), 1, 0)
    with np.errstate(all="ignore"):
        while rest.mid.shape[1]:
            best = np.argmax(np.abs(rest.mid[:, :, 0]), axis=1)
            order = np.tile(np.arange(rest.mid.shape[1]), (len(at), 1))
            order[at, best], order[:, 0] = 0, best
            rest = rest[at[:, None], order]
            pivot = rest[:, 0, 0]
            certain = np.abs(pivot.mid) > OUTWARD * pivot.rad
            signs = signs * np.where(certain, np.sign(pivot.mid), 0).astype(int) * np.where(best == 0, 1, -1)
            factors = rest[:, 1:, 0] * _reciprocal(pivot)[:, None]
            rest = rest[:, 1:, 1:] - factors[:, :, None] * rest[:, :1, 1:]
    return signs


def _reciprocal(numbers: Ball) -> Ball:
    """One over numbers of which none is zero."""
    middle = 1.0 / numbers.mid
    radius = numbers.rad * np.abs(middle) / (np.abs(numbers.mid) - numbers.rad)
    return Ball(middle, OUTWARD * radius + 4.0 * EPSILON * np.abs(middle))
