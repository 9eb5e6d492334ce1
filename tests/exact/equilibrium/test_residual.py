"""The equations of the equilibrium."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from smfg_verify.exact import solve_equilibrium
from smfg_verify.exact.equilibrium.continuation import uniform_start
from smfg_verify.exact.equilibrium.residual import Setting, residual
from smfg_verify.game import traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import SUPPORTS_ONE_QUICK, pair


@SUPPORTS_ONE_QUICK
def test_residual_vanishes_only_with_total_mass_one(support):
    """The law has mass one whatever the mean field's: what is too much is left over."""
    coupled, _, logits = pair(2, support=support)
    slopes = lambda g: (g.kernel_mean_field, g.follower_rewards_mean_field)  # noqa: E731
    game = eqx.tree_at(slopes, coupled, replace_fn=jnp.zeros_like)
    found = solve_equilibrium(game, logits)
    setting = Setting(traced(game), softmax_policy(jnp.asarray(logits)), game.temperature)
    point = eqx.tree_at(
        lambda p: (p.mean_field, p.value),
        uniform_start(setting),
        (1.1 * jnp.ravel(found.mean_field), found.follower_value),
    )
    remainder = residual(setting, point).mean_field
    np.testing.assert_allclose(remainder, 0.1 * np.ravel(found.mean_field), atol=1e-12)
