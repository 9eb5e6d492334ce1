"""Cells around laws: every law that near lies in them, none outside the simplex does, and coordinates are exact."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.around import cells_around, lower_ends, simplices_above
from smfg_verify.assumptions.enclosure.response.cells import centre_of
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.games import load

LAWS = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [1e-14, 0.5, 0.5 - 1e-14], [1 / 3, 1 / 3, 1 / 3]])


@pytest.mark.parametrize("radius", [0.0, 1e-9, 0.01, 0.25, 1.0])
def test_all_laws_within_the_radius_lie_in_the_simplex_and_its_vertices_are_laws_exactly(radius):
    rng = np.random.default_rng(0)
    corners = simplices_above(lower_ends(LAWS, np.full(4, radius)))
    for law, vertices in zip(LAWS, corners, strict=True):
        for vertex in vertices:
            assert sum(map(Fraction, vertex)) == 1
            assert min(vertex) >= 0.0
        for _ in range(50):
            # Mass moved from the first entries of a random order to the last.
            order, other, left = rng.permutation(3), law.copy(), radius
            for i in order[:2]:
                part = min(other[i], left)
                other[i], other[order[2]], left = other[i] - part, other[order[2]] + part, left - part
            # In the simplex above l where no entry is below l; l are the vertices' least entries.
            assert np.all(other >= vertices.min(axis=0) - 1e-16)
        # And little more: no vertex is farther than what its entry can gain.
        assert np.max(np.abs(vertices - law)) <= 3.0 * radius + 1e-11


def test_a_cell_holds_the_images_of_leaders_in_the_coordinates_of_the_tables():
    """In shop-positioning the five actions lie on a segment, so that each row has two vertices."""
    game = checked(load("shop-positioning"))
    tables = vertex_tables(game)
    rng = np.random.default_rng(1)
    rows, number = len(tables.row_weights), tables.num_leader_actions
    policy = rng.dirichlet(np.full(number, 0.4), (1, rows))
    policy[0, 0] = np.eye(number)[2]
    field = rng.dirichlet(np.ones(tables.num_states), 1)
    cells = cells_around(tables, policy, np.array([0.02]), lower_ends(field, np.array([0.02])))
    ends = np.cumsum((0, *tables.shape.sizes))
    for k, weights in enumerate(tables.row_weights):
        assert weights.shape == (2, number)
        lowest = cells.vertices[0, ends[k + 1] : ends[k + 2], :2].min(axis=0)
        for _ in range(20):
            other = 0.98 * policy[0, k] + 0.02 * rng.dirichlet(np.full(number, 0.1))
            assert np.all(weights @ other >= lowest)
        # The mean of all actions' rows and rewards is that of the two vertices'.
        state = int(np.flatnonzero(tables.observation == k)[0])
        rewards = [float(game.follower_reward(state, 1, b, jnp.eye(tables.num_states)[0])) for b in range(number)]
        spanned = (weights @ other) @ tables.reward[0, state, 1]
        np.testing.assert_allclose(spanned, other @ rewards, rtol=1e-12)
    np.testing.assert_allclose(centre_of(tables, cells.vertices[0])[1], field[0], atol=0.05)
