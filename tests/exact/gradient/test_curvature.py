"""The objective about a known equilibrium: its slopes are the total gradient and the direct one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import stackelberg_gradient
from smfg_verify.exact.equilibrium.residual import Point
from smfg_verify.exact.gradient.curvature import objective_through
from smfg_verify.game import traced
from tests.exact.cases import pair
from tests.helpers import oracle


def test_moving_leader_and_followers_gives_the_total_gradient_and_the_leader_alone_the_direct_one():
    game, arrays, logits = pair(0, observations=2, tau_l=0.1)
    gradient = stackelberg_gradient(game, logits)
    equilibrium, omega = gradient.equilibrium, jnp.asarray(logits)
    known = Point(jnp.ravel(equilibrium.mean_field), equilibrium.follower_value)
    slopes = jax.jit(jax.value_and_grad(objective_through, argnums=(1, 2), has_aux=True))
    (value, field), (by_leader, by_followers) = slopes(traced(game), omega, omega, known)
    assert float(value) == pytest.approx(oracle.objective(arrays, logits), rel=1e-12)
    np.testing.assert_array_equal(field, known.mean_field)
    np.testing.assert_allclose(by_leader, gradient.direct, atol=1e-12)
    np.testing.assert_allclose(by_leader + by_followers, gradient.total, atol=1e-11)
