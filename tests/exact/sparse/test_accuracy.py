"""Estimates of errors from products alone, against the inverse of the Jacobian."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.sparse.accuracy import _amplified
from smfg_verify.exact.sparse.equations.places import Pair
from smfg_verify.exact.sparse.equilibrium import sparse_equilibrium
from tests.support.local_games import Ring


@pytest.mark.parametrize("by_field", [0.0, 1e-18, 1e-12])
def test_errors_of_one_sign_do_not_hide_those_of_others(by_field):
    """Value's equations off alike lift it everywhere, which moves no mass; off by other signs they move it."""
    found = sparse_equilibrium(checked(Ring("crowd", discount=0.9999)), jnp.full((2, 2), 0.5), None)
    assert found.linear is not None
    doubt = Pair(by_field * found.linear.place.point.field, np.full(20, 1e-10))
    columns = [np.concatenate(found.linear.apply(Pair(unit[:20], unit[20:]))) for unit in np.eye(40)]
    errors = np.abs(np.linalg.inv(np.array(columns).T)) @ np.concatenate(doubt)
    field, value, _ = _amplified(found.linear, doubt)
    assert np.sum(errors[:20]) <= field <= 3.1 * np.sum(errors[:20])
    assert np.max(errors[20:]) * (1.0 - 1e-6) <= value <= 3.1 * np.max(errors[20:])
