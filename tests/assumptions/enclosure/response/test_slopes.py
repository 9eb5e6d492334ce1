"""The Jacobian and the law over cells hold those that automatic differentiation finds at points of the cells."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.budget import tables_of
from smfg_verify.assumptions.enclosure.response.cells import Cells, centre_of, edges_of
from smfg_verify.assumptions.enclosure.response.slopes import slopes_over
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import at_mean_fields, tangent_norms
from smfg_verify.game import TabularGame
from smfg_verify.games import load
from tests.assumptions.enclosure.response.test_models import form
from tests.helpers.random_arrays import random_array_game


def random_game(sizes, seed, **options):
    arrays = random_array_game(np.random.default_rng(seed), *sizes, **options)
    return checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))


def small_cells(tables, number, halvings, rng):
    """Cells cut along random edges."""
    cells, edges = Cells(np.repeat(Cells.whole(tables.shape).vertices, number, axis=0)), edges_of(tables.shape)
    for _ in range(halvings):
        both = cells.halved(edges[rng.integers(len(edges), size=number)]).vertices
        cells = Cells(np.where(rng.random(number)[:, None, None] < 0.5, both[:number], both[number:]))
    return cells


def a_point_of_each(tables, cells, rng):
    """Cells of single points, and their coordinates in the cells that they were drawn from."""
    corners = np.cumsum((0, *tables.shape.sizes))
    points, z = np.zeros_like(cells.vertices), []
    for begin, size in zip(corners, tables.shape.sizes, strict=False):
        weights = rng.dirichlet(np.full(size, 0.5), len(cells.vertices))
        at = np.einsum("kd,kdw->kw", weights, cells.vertices[:, begin : begin + size])
        points[:, begin : begin + size] = at[:, None]
        z.append(weights[:, 1:] - 1.0 / size)
    return points, np.concatenate(z, axis=1)


def assert_enclosed(game, halvings, seed, number=24):
    tables, rng = tables_of(game)[0], np.random.default_rng(seed)
    cells = small_cells(tables, number, halvings, rng)
    points, z = a_point_of_each(tables, cells, rng)
    found = slopes_over(tables, cells)
    policies, fields = zip(*(centre_of(tables, point) for point in points), strict=True)
    exact = at_mean_fields(game, np.log(np.maximum(policies, 1e-300)), np.array(fields))
    jacobian = np.moveaxis(exact.response[:, :-1, :-1] - exact.response[:, :-1, -1:], (0, 1, 2), (2, 1, 0))
    assert np.all(tangent_norms(exact.response) <= found.modulus)
    for k in range(number):
        for model, value in ((found.jacobian, jacobian[..., k]), (found.law, exact.image[k, :-1])):
            miss = np.abs(value - form(model, z[k])[..., k])
            assert not np.any(miss > model.radius[..., k] + 1e-13)
    return found


@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ((2, 2, 2), {}),
        ((3, 3, 2), {"tau": 0.1, "reward_coupling": 3.0}),
        pytest.param((3, 1, 2), {"kernel_coupling": 0.9}, marks=pytest.mark.slow),
        pytest.param((4, 2, 1), {"gamma": 0.0}, marks=pytest.mark.slow),
    ],
)
def test_random_games(sizes, options):
    game = random_game(sizes, sum(sizes), **options)
    for halvings in (0, 8, 25):
        found = assert_enclosed(game, halvings, halvings)
    assert np.all(np.isfinite(found.jacobian.radius))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["market-entrance", *(pytest.param(name, marks=pytest.mark.slow) for name in ("epidemic", "advertising"))]
)
def test_shipped_games(name):
    game = checked(load(name))
    for halvings in (0, 10, 30):
        found = assert_enclosed(game, halvings, halvings)
    assert np.median(found.jacobian.radius) < 0.5


def test_the_radius_falls_with_the_cube_of_the_width():
    game = checked(load("laffer-tax"))
    tables = vertex_tables(game)
    cells, largest = Cells.whole(tables.shape), []
    for k in range(20):
        edge = edges_of(tables.shape)[k % 2]
        cells = Cells(cells.halved(edge[None]).vertices[k % 2 : k % 2 + 1])
        largest.append(float(np.max(slopes_over(tables, cells).jacobian.radius)))
    factors = np.array(largest[12:-2:2]) / np.array(largest[14::2])
    np.testing.assert_allclose(factors, 8.0, atol=1.5)


def test_plain_numbers_at_the_centre_are_those_of_automatic_differentiation():
    game = random_game((3, 3, 2), 3)
    tables = vertex_tables(game)
    cells = Cells.whole(tables.shape)
    policy, field = centre_of(tables, cells.vertices[0])
    exact = at_mean_fields(game, np.log(policy)[None], field[None]).response[0]
    found = slopes_over(tables, cells).plain[..., 0]
    np.testing.assert_allclose(found, (exact[:-1, :-1] - exact[:-1, -1:]).T, atol=1e-12)
