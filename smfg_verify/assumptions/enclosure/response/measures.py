r"""Upper bounds over cells of what is asked of $D\Gamma$, its values at their centres, and the edges worth cutting."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.response.cells import Cells, edges_of, filled
from smfg_verify.assumptions.enclosure.response.coarse import differences, half_norms
from smfg_verify.assumptions.enclosure.response.models import Model, apply
from smfg_verify.assumptions.enclosure.response.slopes import Slopes, slopes_over
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables

# Entries of a frame and of its inverse are off by less, relative to the largest.
_FRAMED = 1e-12
# All signs of so many entries are looked at.
_MOST_SIGNS = 10
# A part of a Jacobian as small as this counts for nothing beside its largest entry when an edge is chosen.
_FLOOR = 0.05
# What a slope of an action value counts for, over the temperature, as a part of a Jacobian.
_CURVED = 0.075
# Bytes that are kept of a game's cells.
_MEMORY = 2**27


class Bounds(NamedTuple):
    """One number of each of K cells.

    Attributes:
        upper: certified, (K,); infinite where nothing is known.
        centre: at the cell's centre, in plain floats, (K,).
        edge: the edge along which the cell should be cut, (K, 2).
        mixing, gained: of `Slopes`, (K,).
    """

    upper: Float[np.ndarray, " K"]
    centre: Float[np.ndarray, " K"]
    edge: Int[np.ndarray, "K 2"]
    mixing: Float[np.ndarray, " K"]
    gained: Float[np.ndarray, " K"]


class Seen(NamedTuple):
    """What is kept of K cells, for any measure.

    Attributes:
        jacobian, plain, mixing, modulus, gained: of `Slopes`.
        edge: the edge along which each cell should be cut, (K, 2).
        apart: Euclidean norm, at most, of what the Jacobian adds to its centre on tangents, (K,); infinite where it was
            not looked for.
    """

    jacobian: Model
    plain: Float[np.ndarray, "k k K"]
    mixing: Float[np.ndarray, " K"]
    modulus: Float[np.ndarray, " K"]
    gained: Float[np.ndarray, " K"]
    edge: Int[np.ndarray, "K 2"]
    apart: Float[np.ndarray, " K"]


def seen_over(tables: Tables, cells: Cells, by_rows: bool) -> Seen:
    """What measures need to know of cells; of those that were met before, from memory."""
    keys = [(by_rows, cell.tobytes()) for cell in cells.vertices]
    known = {key: tables.seen[key] for key in keys if key in tables.seen}
    new = np.array([k for k, key in enumerate(keys) if key not in known], dtype=int)
    if len(new):
        rows = _rows_of(_looked_at(tables, Cells(cells.vertices[filled(new)]), by_rows))[: len(new)]
        found = dict(zip([keys[k] for k in new], rows, strict=True))
        known |= found
        if (len(tables.seen) + len(new)) * rows[0].nbytes <= _MEMORY:
            tables.seen.update(found)
    return _from_rows(np.stack([known[key] for key in keys]), tables)


def _looked_at(tables: Tables, cells: Cells, by_rows: bool) -> Seen:
    found = slopes_over(tables, cells, by_rows=by_rows)
    with np.errstate(all="ignore"):
        edges = edges_to_cut(tables, found)
        unknown = np.full_like(found.mixing, np.inf)
        return Seen(found.jacobian, found.plain, found.mixing, found.modulus, found.gained, edges, unknown)


def _rows_of(seen: Seen) -> Float[np.ndarray, "K F"]:
    """All numbers of each cell in a row."""
    model = seen.jacobian
    parts = (
        model.centre,
        model.linear,
        model.quadratic,
        model.radius,
        seen.plain,
        seen.mixing,
        seen.modulus,
        seen.gained,
        seen.edge.T,
    )
    rows: Float[np.ndarray, "K F"] = np.concatenate([part.reshape(-1, len(seen.mixing)) for part in parts]).T.copy()
    return rows


def _from_rows(rows: Float[np.ndarray, "K F"], tables: Tables) -> Seen:
    shape, size = tables.shape, tables.num_states - 1
    lead = ((), (shape.dimension,), (len(shape.first),), (), ())
    shapes = [(*first, size, size) for first in lead]
    ends = np.cumsum([int(np.prod(part)) for part in shapes])
    columns = np.ascontiguousarray(rows.T)
    parts = np.split(columns, ends)
    centre, linear, quadratic, radius, plain = (
        part.reshape(*form, -1) for part, form in zip(parts, shapes, strict=False)
    )
    mixing, modulus, gained, *edge = parts[-1]
    jacobian = Model(centre, linear, quadratic, radius, shape)
    edges = np.array(edge, dtype=int).T
    return Seen(jacobian, plain, mixing, modulus, gained, edges, np.full_like(mixing, np.inf))


def growth_over(
    tables: Tables,
    cells: Cells,
    left: Float[np.ndarray, "k n"],
    right: Float[np.ndarray, "n k"],
    *,
    by_rows: bool = True,
) -> Bounds:
    """Growth of D Gamma over cells, in the norm of a frame (see `one_sided.growth`).

    Args:
        tables: of the game.
        cells: K of them.
        left, right: the frame.
        by_rows: of `slopes_over`.

    Returns:
        Bounds of the largest eigenvalue of the symmetric part, by Gershgorin's discs in the centre's eigenvectors.
    """
    return growth_of(seen_over(tables, cells, by_rows), left, right)


def growth_of(found: Seen, left: Float[np.ndarray, "k n"], right: Float[np.ndarray, "n k"]) -> Bounds:
    """The same of cells that were looked at before."""
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
        upper = np.minimum(np.where(np.isnan(upper), np.inf, upper), found.modulus * _grown(left, right))
        if np.isfinite(found.apart).any():
            upper = np.fmin(upper, _by_distance(found, left, right))
        known = np.isfinite(upper)
        mixing = np.where(known, found.mixing, np.inf)
        values = _centred_growth(found.plain, left, right)
        return Bounds(np.where(known, upper, np.inf), values, found.edge, mixing, found.gained)


def _centred_growth(
    matrices: Float[np.ndarray, "k k K"], left: Float[np.ndarray, "k n"], right: Float[np.ndarray, "n k"]
) -> Float[np.ndarray, " K"]:
    """Growth of single Jacobians in a frame, in plain floats."""
    plain = np.einsum("ut,jtk,jv->uvk", left[:, :-1] - left[:, -1:], matrices, right[:-1])
    return _turned(0.5 * (plain + np.swapaxes(plain, 0, 1)))[0]


def _by_distance(
    found: Seen, left: Float[np.ndarray, "k n"], right: Float[np.ndarray, "n k"]
) -> Float[np.ndarray, " K"]:
    """Growth of the centre, and the norm of all that is apart from it."""
    norm = np.linalg.norm(left, 2) * np.linalg.norm(right, 2) * (1.0 + _FRAMED * len(right))
    centre = found.jacobian.centre
    rounding = _FRAMED * len(right) * (1.0 + norm * np.sum(np.abs(centre), axis=(0, 1)))
    upper: Float[np.ndarray, " K"] = _centred_growth(centre, left, right) + found.apart * norm + rounding
    return upper


def modulus_over(tables: Tables, cells: Cells, *, by_rows: bool = True) -> Bounds:
    r"""Tangent l1 norm of D Gamma over cells, $\max_{ij} \frac12 \|D(e_i - e_j)\|_1$.

    A difference of columns sums to zero, so that half its l1 norm is the largest sum of some of its entries.

    Args:
        tables: of the game.
        cells: K of them.
        by_rows: of `slopes_over`.

    Returns:
        Bounds of the norm.
    """
    return modulus_of(seen_over(tables, cells, by_rows))


def modulus_of(found: Seen) -> Bounds:
    """The same of cells that were looked at before."""
    with np.errstate(all="ignore"):
        # Columns less the last one, and the last one less itself.
        upper = np.max(half_norms(differences(found.jacobian, -2)), axis=0)
        upper = np.fmin(upper, found.modulus)
        first, second = np.triu_indices(len(found.plain) + 1, 1)
        plain = np.concatenate([found.plain, np.zeros_like(found.plain[:1])])
        sides = plain[first] - plain[second]
        centre = 0.5 * np.max(np.abs(sides).sum(axis=1) + np.abs(sides.sum(axis=1)), axis=0)
        known = np.isfinite(upper)
        mixing = np.where(known, found.mixing, np.inf)
        centre = np.where(np.isfinite(centre), centre, -np.inf)
        return Bounds(np.where(known, upper, np.inf), centre, found.edge, mixing, found.gained)


def _grown(left: Float[np.ndarray, "k n"], right: Float[np.ndarray, "n k"]) -> float:
    r"""Growth in a frame for a modulus of 1: $x^T L J R x \le \frac12 \max_{tu} |(L_t - L_u) x|\ |R x|_1$."""
    rows = np.max(np.linalg.norm(left[:, :, None] - left[:, None], axis=0))
    size = len(right)
    if size > _MOST_SIGNS:
        return float(0.5 * rows * np.sqrt(size) * np.linalg.norm(right)) * (1.0 + _FRAMED * size)
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=size)))
    return float(0.5 * rows * np.max(np.linalg.norm(signs @ right, axis=1))) * (1.0 + _FRAMED * size)


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
    return np.where(good, values[:, -1], -np.inf), np.ascontiguousarray(np.moveaxis(vectors, 0, -1))


def edges_to_cut(tables: Tables, found: Slopes) -> Int[np.ndarray, "K 2"]:
    """The edge along which action values and Jacobian change most: what bends there makes the bound loose."""
    edges = edges_of(tables.shape)
    scale = np.max(np.abs(found.jacobian.centre), axis=(0, 1)) + _FLOOR
    changes = (_change(found.steep[0], edges) / tables.temperature, _change(found.steep[1], edges) / scale)
    score = sum(np.where(np.isfinite(change), change, 0.0) for change in changes)
    score = score + _CURVED * found.rough / (tables.temperature * scale)
    result: Int[np.ndarray, "K 2"] = edges[np.argmax(score, axis=0)]
    return result


def _change(model: Model, edges: Int[np.ndarray, "E 2"]) -> Float[np.ndarray, "E K"]:
    corners = model.shape.at_vertices(model.linear)
    moved = np.abs(corners[edges[:, 0]] - corners[edges[:, 1]])
    largest: Float[np.ndarray, "E K"] = np.max(moved, axis=tuple(range(1, moved.ndim - 1)), initial=0.0)
    return largest
