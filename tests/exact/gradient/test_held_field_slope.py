"""Slopes of the gradient whose mean field is held."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium, stackelberg_gradient
from smfg_verify.exact.gradient.held_field_slope import held_field_slope
from smfg_verify.game import traced
from tests.exact.cases import SUPPORTS_ONE_QUICK, pair
from tests.helpers import oracle


@SUPPORTS_ONE_QUICK
def test_the_slope_of_a_weighted_sum_is_that_of_differences(support):
    game, _, logits = pair(9, support=support, observations=2, tau=0.4)
    rng = np.random.default_rng(2)
    weights, direction = rng.normal(size=logits.shape), rng.normal(size=logits.shape)
    equilibrium = solve_equilibrium(game, logits)
    slope = jax.jit(held_field_slope)(
        traced(game), jnp.asarray(logits), equilibrium.mean_field, equilibrium.follower_value, jnp.asarray(weights)
    )

    def weighted(step):
        return float(np.sum(weights * np.asarray(stackelberg_gradient(game, logits + step * direction).held_field)))

    expected, error = oracle.central_difference(weighted, 1e-3)
    assert float(np.sum(np.asarray(slope) * direction)) == pytest.approx(expected, abs=1e-8 + 10 * float(error))
