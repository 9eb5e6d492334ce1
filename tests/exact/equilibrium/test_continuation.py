"""Following the temperature down, against Newton's method."""

import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import EquilibriumMethod, solve_equilibrium
from smfg_verify.exact.equilibrium.continuation import follow_path, follow_temperature, uniform_start
from smfg_verify.exact.equilibrium.newton import begin
from smfg_verify.exact.equilibrium.residual import Setting
from smfg_verify.game import TabularGame, traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import HARD_SIZES, SUPPORTS_ONE_QUICK, hard_games, pair


@pytest.mark.slow
@SUPPORTS_ONE_QUICK
def test_continuation_alone_reaches_the_newton_solution(support):
    game, _, logits = pair(3, support=support, tau=0.2)
    setting = Setting(traced(game), softmax_policy(jnp.asarray(logits)), game.temperature)
    start = begin(setting, uniform_start(setting))
    followed = eqx.filter_jit(follow_temperature)(setting, start, max_steps=500)
    direct = solve_equilibrium(game, logits)
    assert int(direct.method) == EquilibriumMethod.NEWTON
    np.testing.assert_allclose(followed.point.mean_field, np.ravel(direct.mean_field), atol=1e-10)


@pytest.mark.slow
def test_a_walk_in_long_steps_passes_the_folds_that_one_in_short_steps_passes():
    """A corrector that is let go far from its tangent leaps to another branch here, and that one leads back up."""
    arrays, logits = next(itertools.islice(hard_games(HARD_SIZES), 919, None))
    game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    setting = Setting(traced(game), softmax_policy(jnp.asarray(logits)), game.temperature)
    start = begin(setting, uniform_start(setting))
    walk = eqx.filter_jit(follow_path)
    found = [walk(setting, start, max_steps=500, largest_step=jnp.asarray(longest)) for longest in (0.7, 0.1)]
    assert [int(walked.folds) for walked in found] == [2, 2]
    assert int(found[0].steps) < int(found[1].steps)
    fields = [walked.search.point.mean_field for walked in found]
    np.testing.assert_allclose(*fields, atol=1e-10)
    assert max(float(walked.search.norm) for walked in found) < 1e-9
