"""Searches for a zero of the residual."""

import equinox as eqx
import jax.numpy as jnp

from smfg_verify.exact.equilibrium.continuation import uniform_start
from smfg_verify.exact.equilibrium.newton import begin, damped_iteration
from smfg_verify.exact.equilibrium.residual import Setting
from smfg_verify.game import traced
from tests.exact.equilibrium.test_solve import crowd_aversion


def test_period_two_cycle_is_detected_and_damped():
    game = crowd_aversion(0.02)
    setting = Setting(traced(game), jnp.ones((2, 1)), game.temperature)
    uniform = uniform_start(setting)
    tilted = eqx.tree_at(lambda p: p.mean_field, uniform, jnp.array([0.9, 0.1]))
    best, cycled = eqx.filter_jit(damped_iteration)(setting, begin(setting, tilted), max_steps=200)
    assert bool(cycled)
    assert float(best.norm) <= 1e-3
