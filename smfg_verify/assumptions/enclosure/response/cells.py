"""Cells of leader policies and mean fields: products of simplices, halved along edges, so that none leaves it."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.response.models import Model, Shape
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables

# Edges as short as this are not cut: halves would soon be what floats make of them, and where cells of that size do not
# decide, no smaller ones will.
NARROWEST = 2.0**-40
# Cells that fill a vector of any processor.
_FULL = 16


class Cells(NamedTuple):
    """Cells by their vertices, each in barycentric coordinates of the whole simplex that it is part of.

    Halving is exact: coordinates are multiples of a power of two.

    Attributes:
        vertices: of the mean field's simplex and then of each leader row's, (N, D, W); what a simplex does not need is
            zero.
    """

    vertices: Float[np.ndarray, "N D W"]

    @classmethod
    def whole(cls, shape: Shape) -> "Cells":
        """The domain as one cell."""
        vertices = np.zeros((1, sum(shape.sizes), max(shape.sizes)))
        for begin, size in zip(np.cumsum((0, *shape.sizes)), shape.sizes, strict=False):
            vertices[0, begin : begin + size, :size] = np.eye(size)
        return cls(vertices)

    def lengths(self, edges: Int[np.ndarray, "N 2"]) -> Float[np.ndarray, " N"]:
        """Of one edge of each cell, the largest difference of an entry."""
        at = np.arange(len(edges))
        lengths: Float[np.ndarray, " N"] = np.max(
            np.abs(self.vertices[at, edges[:, 0]] - self.vertices[at, edges[:, 1]]), axis=1
        )
        return lengths

    def halved(self, edges: Int[np.ndarray, "N 2"]) -> "Cells":
        """Both halves of each cell, cut at the middle of an edge: all first halves, then all second ones."""
        at = np.arange(len(edges))
        middles = 0.5 * (self.vertices[at, edges[:, 0]] + self.vertices[at, edges[:, 1]])
        halves = []
        for replaced in edges.T:
            half = self.vertices.copy()
            half[at, replaced] = middles
            halves.append(half)
        return Cells(np.concatenate(halves))


def edges_of(shape: Shape) -> Int[np.ndarray, "E 2"]:
    """All edges of a cell, as pairs of vertices."""
    begins = np.cumsum((0, *shape.sizes))
    pairs = zip(begins, shape.sizes, strict=False)
    return np.concatenate([np.stack(np.triu_indices(size, 1), axis=1) + begin for begin, size in pairs])


def coordinates(tables: Tables, cells: Cells) -> tuple[Model, Model]:
    """Mean fields (n) and leader rows by state (n, W) as models over cells."""
    shape, vertices = tables.shape, np.ascontiguousarray(np.moveaxis(cells.vertices, 0, -1))
    n, width, number = tables.num_states, tables.width, vertices.shape[-1]
    linear = np.zeros((shape.dimension, n, number))
    linear[: n - 1] = vertices[1:n, :n] - vertices[:1, :n]
    mean_field = Model.affine(vertices[:n, :n].mean(axis=0), linear, shape)
    centre, linear = np.zeros((n, width, number)), np.zeros((shape.dimension, n, width, number))
    acting, corners = np.cumsum(tables.row_sizes > 1), np.cumsum((0, *shape.sizes))
    for s, row in enumerate(tables.observation):
        if tables.row_sizes[row] == 1:
            centre[s, 0] = 1.0
            continue
        k = acting[row]
        size, begin = shape.sizes[k], shape.begins[k]
        corner = vertices[corners[k] : corners[k] + size, :size]
        centre[s, :size] = corner.mean(axis=0)
        linear[begin : begin + size - 1, s, :size] = corner[1:] - corner[:1]
    return mean_field, Model.affine(centre, linear, shape)


def centre_of(tables: Tables, vertices: Float[np.ndarray, "D W"]) -> tuple[np.ndarray, np.ndarray]:
    """The leader's policy, by row, (O, B), and the mean field, (n,), at the centre of a cell."""
    corners = np.cumsum((0, *tables.shape.sizes))
    middles = [vertices[a:b, : b - a].mean(axis=0) for a, b in itertools.pairwise(corners)]
    policy = np.full((len(tables.row_sizes), tables.num_leader_actions), 1.0 / tables.num_leader_actions)
    acting = iter(middles[1:])
    for row, actions in enumerate(tables.row_actions):
        if len(actions) > 1:
            policy[row] = 0.0
            policy[row, actions] = next(acting)
    return policy, middles[0]


def filled(indices: Int[np.ndarray, " K"]) -> Int[np.ndarray, " L"]:
    """Indices of cells, the last one again and again until they fill whole vectors.

    What is left over of a vector processors round in another way; so a cell's numbers do not depend on those beside it.
    """
    last = np.minimum(np.arange(-(-len(indices) // _FULL) * _FULL), len(indices) - 1)
    result: Int[np.ndarray, " L"] = indices[last]
    return result
