r"""Upper bounds over cells of what is asked of $D\Gamma$, its values at their centres, and the edges worth cutting."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.cells import Cells, edges_of
from smfg_verify.assumptions.enclosure.response.models import Model, apply, total
from smfg_verify.assumptions.enclosure.response.slopes import Slopes, slopes_over
from smfg_verify.assumptions.enclosure.response.vertex_tables import VertexTables

# Entries of a frame and of its inverse are off by less, relative to the largest.
_FRAMED = 1e-12
# Sums of all subsets of so many entries are looked at, and of more their sizes.
_MOST_SUBSETS = 7
# A part of a Jacobian as small as this counts for nothing beside its largest entry when an edge is chosen.
_FLOOR = 0.05


class Bounds(NamedTuple):
    """One number of each of K cells.

    Attributes:
        upper: certified, (K,); infinite where nothing is known.
        centre: at the cell's centre, in plain floats, (K,).
        edge: the edge along which the cell should be cut, (K, 2).
        mixing: of `Slopes`, (K,).
    """

    upper: Float[np.ndarray, " K"]
    centre: Float[np.ndarray, " K"]
    edge: Int[np.ndarray, "K 2"]
    mixing: Float[np.ndarray, " K"]


def growth_over(
    tables: VertexTables, cells: Cells, left: Float[np.ndarray, "k n"], right: Float[np.ndarray, "n k"]
) -> Bounds:
    """Growth of D Gamma over cells, in the norm of a frame (see `one_sided.growth`).

    Args:
        tables: of the game.
        cells: K of them.
        left, right: the frame.

    Returns:
        Bounds of the largest eigenvalue of the symmetric part, by Gershgorin's discs in the centre's eigenvectors.
    """
    found = slopes_over(tables, cells)
    with np.errstate(all="ignore"):
        inner = _symmetric(_framed(found.jacobian, left, right))
        turn = _turned(inner.centre)[1]
        turned = apply("av,vb->ab", apply("uv,ua->av", inner, turn), turn)
        size = turned.largest
        diagonal = np.arange(len(size))
        discs = turned.upper[diagonal, diagonal] + np.sum(size, axis=1) - size[diagonal, diagonal]
        upper = np.max(discs, axis=0)
        # The eigenvectors are orthogonal up to rounding.
        upper = upper + _FRAMED * (np.abs(upper) + np.max(size, axis=(0, 1)))
        known = np.isfinite(upper)
        mixing = np.where(known, found.mixing, np.inf)
        before, after = left[:, :-1] - left[:, -1:], right[:-1]
        plain = np.einsum("ut,jtk,jv->uvk", before, found.plain, after)
        values = _turned(0.5 * (plain + np.swapaxes(plain, 0, 1)))[0]
        return Bounds(np.where(known, upper, np.inf), values, edges_to_cut(tables, found), mixing)


def modulus_over(tables: VertexTables, cells: Cells) -> Bounds:
    r"""Tangent l1 norm of D Gamma over cells, $\max_{ij} \frac12 \|D(e_i - e_j)\|_1$.

    A difference of columns sums to zero, so that half its l1 norm is the largest sum of some of its entries.

    Args:
        tables: of the game.
        cells: K of them.

    Returns:
        Bounds of the norm.
    """
    found = slopes_over(tables, cells)
    with np.errstate(all="ignore"):
        # Columns less the last one, and the last one less itself.
        columns = found.jacobian.moved(lambda part: np.concatenate([part, np.zeros_like(part[..., :1, :, :])], axis=-3))
        first, second = np.triu_indices(columns.centre.shape[0], 1)
        apart = columns.taken(first, -2) - columns.taken(second, -2)
        upper = np.max(_half_norms(apart), axis=0)
        plain = np.concatenate([found.plain, np.zeros_like(found.plain[:1])])
        sides = plain[first] - plain[second]
        centre = 0.5 * np.max(np.abs(sides).sum(axis=1) + np.abs(sides.sum(axis=1)), axis=0)
        known = np.isfinite(upper)
        mixing = np.where(known, found.mixing, np.inf)
        centre = np.where(np.isfinite(centre), centre, -np.inf)
        return Bounds(np.where(known, upper, np.inf), centre, edges_to_cut(tables, found), mixing)


def _half_norms(vectors: Model) -> Float[np.ndarray, "pairs K"]:
    """Bounds of half the l1 norm of vectors that sum to zero with their last entry, which is not told."""
    size = vectors.centre.shape[-2]
    if size > _MOST_SUBSETS:
        entries = np.sum(vectors.largest, axis=-2) + total(vectors).largest
        norms: Float[np.ndarray, "pairs K"] = 0.5 * OUTWARD * entries
        return norms
    chosen = np.array(list(itertools.product((0.0, 1.0), repeat=size)))[1:]
    sums: Float[np.ndarray, "pairs K"] = np.max(apply("pt,st->ps", vectors, chosen[..., None]).largest, axis=1)
    return sums


def _framed(jacobian: Model, left: Float[np.ndarray, "k n"], right: Float[np.ndarray, "n k"]) -> Model:
    """The Jacobian in a frame: images without their last entry, which is what the others lack of zero."""
    before, after = (left[:, :-1] - left[:, -1:])[..., None], right[:-1][..., None]
    errors = (np.full_like(part, _FRAMED * np.max(np.abs(part))) for part in (before, after))
    image = apply("jt,ut->ju", jacobian, before, next(errors))
    return apply("ju,jv->uv", image, after, next(errors))


def _symmetric(model: Model) -> Model:
    return (model + model.moved(lambda part: np.swapaxes(part, -3, -2))).scaled(0.5)


def _turned(centre: Float[np.ndarray, "k k K"]) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, "k k K"]]:
    """Largest eigenvalues and all eigenvectors; the identity where a matrix has none."""
    matrices = np.moveaxis(centre, -1, 0)
    good = np.all(np.isfinite(matrices), axis=(1, 2))
    values, vectors = np.linalg.eigh(np.where(good[:, None, None], matrices, np.eye(len(centre))))
    return np.where(good, values[:, -1], -np.inf), np.moveaxis(vectors, 0, -1)


def edges_to_cut(tables: VertexTables, found: Slopes) -> Int[np.ndarray, "K 2"]:
    """The edge along which action values and Jacobian change most: what bends there makes the bound loose."""
    edges = edges_of(tables.shape)
    scale = np.max(np.abs(found.jacobian.centre), axis=(0, 1)) + _FLOOR
    changes = (_change(found.gaps, edges) / tables.temperature, _change(found.jacobian, edges) / scale)
    score = sum(np.where(np.isfinite(change), change, 0.0) for change in changes)
    result: Int[np.ndarray, "K 2"] = edges[np.argmax(score, axis=0)]
    return result


def _change(model: Model, edges: Int[np.ndarray, "E 2"]) -> Float[np.ndarray, "E K"]:
    corners = model.shape.at_vertices(model.linear)
    moved = np.abs(corners[edges[:, 0]] - corners[edges[:, 1]])
    largest: Float[np.ndarray, "E K"] = np.max(moved, axis=tuple(range(1, moved.ndim - 1)), initial=0.0)
    return largest
