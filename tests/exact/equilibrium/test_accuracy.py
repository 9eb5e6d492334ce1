"""How far an equilibrium is off, against the oracle's in extended precision; its stability against complex steps."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium
from smfg_verify.exact.equilibrium.accuracy import tangent
from tests.exact.cases import SUPPORTS, pair
from tests.helpers import oracle

OPTIONS = {"tau_l": 0.1}


def response(arrays, phi, field):
    _, policy = oracle.best_response(arrays, phi, field)
    return oracle.population(arrays, phi, policy, field)


@SUPPORTS
def test_the_bound_holds_the_error_and_the_spectral_radius_is_that_of_the_oracles_map(support):
    game, arrays, logits = pair(0, support=support, **OPTIONS)
    found, expected = solve_equilibrium(game, logits), oracle.equilibrium(arrays, logits)
    assert np.sum(np.abs(found.mean_field - expected.mean_field)) <= float(found.error_bound) <= 1e-10
    assert np.max(np.abs(found.follower_value - expected.follower_value)) <= float(found.value_error_bound)
    phi, field = oracle.leader_rows(arrays, logits), np.ravel(expected.mean_field)
    columns = [response(arrays, phi, field + 1e-30j * unit).imag / 1e-30 for unit in np.eye(field.size)]
    radius = np.max(np.abs(np.linalg.eigvals(np.array(columns).T)))
    assert float(found.spectral_radius) == pytest.approx(radius, rel=1e-8)


def test_a_tangent_keeps_the_mass_has_largest_entry_one_and_leaves_empty_entries_empty():
    found = tangent(jnp.array([0.5, 0.0, 0.2, 0.3]))
    assert float(jnp.sum(found)) == pytest.approx(0.0, abs=1e-15)
    assert float(jnp.max(jnp.abs(found))) == 1.0
    assert float(found[1]) == 0.0
    np.testing.assert_array_equal(tangent(jnp.array([0.0, 1.0])), 0.0)
