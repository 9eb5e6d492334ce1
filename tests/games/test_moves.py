"""Moves that games share: mixtures with the uniform law and laws of one state."""

import jax
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.games._moves import point_mass, with_inertia
from tests.support.strategies import distributions

MIXED = jax.jit(with_inertia)


@given(distributions(5), st.floats(0.0, 1.0), st.permutations(range(5)))
def test_inertia_mixes_with_the_uniform_law(move, inertia, order):
    found = np.asarray(MIXED(move, inertia))
    assert np.all(found >= inertia / 5.0 - 1e-16)
    np.testing.assert_allclose(found.sum(), 1.0, atol=1e-14)
    # Total variation from the move shrinks to the inertia's share, and from the uniform law to the rest.
    np.testing.assert_allclose(np.abs(found - 0.2).sum(), (1.0 - inertia) * np.abs(move - 0.2).sum(), atol=1e-14)
    np.testing.assert_allclose(MIXED(move[np.array(order)], inertia), found[np.array(order)], atol=1e-16)


@given(st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_a_point_mass_is_a_row_of_the_identity(states):
    np.testing.assert_array_equal(point_mass(np.array(states), 5), np.eye(5)[states])
