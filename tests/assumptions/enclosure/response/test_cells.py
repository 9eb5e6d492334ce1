"""Cells: halves cover the whole, nothing leaves the domain, and coordinates lead back to policies and mean fields."""

import numpy as np

from smfg_verify.assumptions.enclosure.response.cells import Cells, centre_of, coordinates, edges_of
from smfg_verify.assumptions.enclosure.response.models import Shape
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.games import load

SHAPE = Shape((3, 2))


def weights_in(corners, point):
    """Barycentric weights of a point in a simplex."""
    return np.linalg.lstsq(np.vstack([corners.T, np.ones(len(corners))]), np.append(point, 1.0), rcond=None)[0]


def test_every_point_of_a_cell_lies_in_one_of_its_halves():
    rng = np.random.default_rng(0)
    cells = Cells.whole(SHAPE)
    for _ in range(12):
        edge = edges_of(SHAPE)[rng.integers(len(edges_of(SHAPE)))]
        halves = cells.halved(edge[None])
        field = rng.dirichlet(np.ones(3)) @ cells.vertices[0, :3, :3]
        row = rng.dirichlet(np.ones(2)) @ cells.vertices[0, 3:, :2]
        inside = [
            min(weights_in(half[:3, :3], field).min(), weights_in(half[3:, :2], row).min()) >= -1e-9
            for half in halves.vertices
        ]
        assert any(inside)
        cells = Cells(halves.vertices[inside.index(True)][None])
        np.testing.assert_array_equal(cells.vertices.sum(axis=2), 1.0)
        assert cells.vertices.min() >= 0.0


def test_coordinates_are_those_of_the_cell_s_points():
    tables = vertex_tables(checked(load("shop-positioning")))
    rng, cells = np.random.default_rng(1), Cells.whole(tables.shape)
    for edge in edges_of(tables.shape)[::7]:
        cells = Cells(cells.halved(edge[None]).vertices[:1])
    field, rows = coordinates(tables, cells)
    policy, middle = centre_of(tables, cells.vertices[0])
    np.testing.assert_allclose(field.centre[:, 0], middle, atol=1e-15)
    for s, row in enumerate(tables.observation):
        np.testing.assert_allclose(rows.centre[s, :, 0], policy[row, list(tables.row_actions[row])], atol=1e-15)
    weights = rng.dirichlet(np.ones(len(middle)))
    point = weights @ cells.vertices[0, : len(middle), : len(middle)]
    z = weights[1:] - 1.0 / len(weights)
    np.testing.assert_allclose(field.centre[:, 0] + z @ field.linear[: len(z), :, 0], point, atol=1e-14)
