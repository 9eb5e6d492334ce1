"""Cells of leader policies and mean fields: products of simplices, halved along edges, so that none leaves the domain."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.response.models import Model
from smfg_verify.assumptions.enclosure.response.vertex_tables import VertexTables


class Cells(NamedTuple):
    """Cells by their vertices, each in barycentric coordinates of the whole simplex that it is part of.

    Halving is exact: coordinates are multiples of a power of two.

    Attributes:
        vertices: of the mean field's simplex and then of each leader row's, (N, D, W); what a simplex does not need is
            zero.
    """

    vertices: Float[np.ndarray, "N D W"]

    @classmethod
    def whole(cls, tables: VertexTables) -> "Cells":
        """The domain as one cell."""
        sizes = np.diff([*tables.groups, tables.num_vertices])
        vertices = np.zeros((1, tables.num_vertices, int(sizes.max())))
        for begin, size in zip(tables.groups, sizes, strict=True):
            vertices[0, begin : begin + size, :size] = np.eye(size)
        return cls(vertices)

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


def edges_of(tables: VertexTables) -> Int[np.ndarray, "E 2"]:
    """All edges of a cell, as pairs of vertices."""
    bounds = [*tables.groups, tables.num_vertices]
    pairs = [np.argwhere(np.triu(np.ones((b - a, b - a)), 1)) + a for a, b in zip(bounds, bounds[1:], strict=False)]
    return np.concatenate(pairs)


def coordinates(tables: VertexTables, cells: Cells) -> tuple[Model, Model]:
    """Mean fields (n) and leader rows by state (n, W) as models over cells."""
    vertices = np.moveaxis(cells.vertices, 0, -1)
    n, (width, number) = len(tables.reward), (tables.reward.shape[3], vertices.shape[-1])
    bounds = [*tables.groups, tables.num_vertices]
    field = vertices[:n, :n].mean(axis=0)
    slopes = np.zeros((tables.num_vertices, n, number))
    slopes[:n] = vertices[:n, :n] - field
    mean_field = Model.rounded(field, slopes, np.zeros_like(field), tables.groups)
    centre = np.zeros((n, width, number))
    slopes = np.zeros((tables.num_vertices, n, width, number))
    acting = np.cumsum(tables.row_sizes > 1)
    for s, row in enumerate(tables.observation):
        if tables.row_sizes[row] == 1:
            centre[s, 0] = 1.0
            continue
        begin, end = bounds[acting[row]], bounds[acting[row] + 1]
        corner = vertices[begin:end, : end - begin]
        centre[s, : end - begin] = corner.mean(axis=0)
        slopes[begin:end, s, : end - begin] = corner - centre[s, : end - begin]
    return mean_field, Model.rounded(centre, slopes, np.zeros_like(centre), tables.groups)
