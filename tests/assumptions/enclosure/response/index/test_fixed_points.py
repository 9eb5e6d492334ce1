"""Cells without a fixed point and with one: on two states against zeros of a function of one variable."""

import itertools

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.cells import Cells
from smfg_verify.assumptions.enclosure.response.index.fixed_points import fixed_points_over
from smfg_verify.assumptions.enclosure.response.slopes import slopes_over
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.response_jacobian import at_equilibria
from tests.assumptions.crowds import crowd
from tests.assumptions.enclosure.response.test_slopes import random_game, small_cells
from tests.assumptions.uniqueness.test_findings import roots


def intervals(game, ends):
    """What is known of cells of two states, from the masses of state 0 at their ends."""
    tables = vertex_tables(game)
    vertices = np.array([[[a, 1.0 - a], [b, 1.0 - b]] for a, b in itertools.pairwise(ends)])
    return fixed_points_over(tables, Cells(vertices), slopes_over(tables, Cells(vertices)))


@pytest.mark.parametrize(("temperature", "bias"), [(0.2, 0.0), (0.4, 0.01), (0.2, 0.1), (0.05, 0.0), (3.0, 0.5)])
def test_intervals_without_and_with_a_zero(temperature, bias):
    expected = np.array(roots(1.0, temperature, inertia=0.1, bias=bias))
    game, ends = crowd(1.0, temperature, inertia=0.1, bias=bias), np.arange(1025) / 1024.0
    found = intervals(game, ends)
    inside = (expected >= ends[:-1, None] - 1e-12) & (expected <= ends[1:, None] + 1e-12)
    held = np.any(inside, axis=1)
    assert not np.any(found.none & held)
    assert not np.any(found.some & ~held)
    assert np.mean(found.none) > 0.9


def test_a_fixed_point_on_the_face_of_two_cells_and_at_a_vertex_belongs_to_both():
    """Without a bias half of the crowd in each state is an equilibrium, and a number without rounding."""
    found = intervals(crowd(1.0, 0.2, inertia=0.1), np.array([0.25, 0.5, 0.75]))
    assert not found.none.any()
    found = intervals(crowd(1.0, 0.2, inertia=0.1), np.array([0.5, 0.5 + 2.0**-30]))
    assert not found.none.any()


def test_a_crowd_that_follows_a_corner_has_its_fixed_point_near_the_boundary():
    found = intervals(crowd(0.0, 0.01, bias=1.0), np.array([0.0, 0.5, 1.0]))
    assert not found.none[1]
    assert not found.inner[1]
    inside = intervals(crowd(0.0, 0.01, bias=1.0, inertia=0.1), np.array([0.0, 0.5, 1.0]))
    assert inside.inner[1]


def test_no_cell_with_an_equilibrium_of_one_of_its_leaders_is_called_empty():
    game = random_game((3, 2, 2), 5, tau=0.15, reward_coupling=3.0)
    tables, rng = vertex_tables(game), np.random.default_rng(0)
    cells = small_cells(tables, 48, 24, rng)
    found = fixed_points_over(tables, cells, slopes_over(tables, cells))
    assert np.mean(found.none) > 0.5
    policies, begin = [], 3
    for _row in range(3):
        weights = rng.dirichlet(np.ones(2), len(cells.vertices))
        policies.append(np.einsum("kd,kdw->kw", weights, cells.vertices[:, begin : begin + 2, :2]))
        begin += 2
    logits = np.log(np.maximum(np.stack(policies, axis=1), 1e-300))
    at = at_equilibria(game, logits, np.full((len(logits), 3), 1.0 / 3.0))
    for k in np.flatnonzero(at.converged & found.none):
        corners = np.vstack([cells.vertices[k, :3, :3].T, np.ones(3)])
        assert np.linalg.lstsq(corners, np.append(at.mean_field[k], 1.0), rcond=None)[0].min() < 0.0
