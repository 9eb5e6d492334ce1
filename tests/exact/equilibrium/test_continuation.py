"""Following the temperature down, against Newton's method."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from smfg_verify.exact import EquilibriumMethod, solve_equilibrium
from smfg_verify.exact.equilibrium.continuation import follow_temperature, uniform_start
from smfg_verify.exact.equilibrium.newton import begin
from smfg_verify.exact.equilibrium.residual import Setting
from smfg_verify.game import traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import SUPPORTS_ONE_QUICK, pair


@SUPPORTS_ONE_QUICK
def test_continuation_alone_reaches_the_newton_solution(support):
    game, _, logits = pair(3, support=support, tau=0.2)
    setting = Setting(traced(game), softmax_policy(jnp.asarray(logits)), game.temperature)
    start = begin(setting, uniform_start(setting))
    followed = eqx.filter_jit(follow_temperature)(setting, start, max_steps=500)
    direct = solve_equilibrium(game, logits)
    assert int(direct.method) == EquilibriumMethod.NEWTON
    np.testing.assert_allclose(followed.point.mean_field, np.ravel(direct.mean_field), atol=1e-10)
