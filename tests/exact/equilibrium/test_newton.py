"""Searches for a zero of the residual."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact.equilibrium.continuation import uniform_start
from smfg_verify.exact.equilibrium.newton import begin, damped_iteration, newton, respond, unevaluated
from smfg_verify.exact.equilibrium.residual import Point, Setting
from smfg_verify.game import TabularGame, traced
from tests.exact.equilibrium.test_solve import crowd_aversion


def test_period_two_cycle_is_detected_and_damped():
    game = crowd_aversion(0.02)
    setting = Setting(traced(game), jnp.ones((2, 1)), game.temperature)
    uniform = uniform_start(setting)
    tilted = eqx.tree_at(lambda p: p.mean_field, uniform, jnp.array([0.9, 0.1]))
    best, cycled = eqx.filter_jit(damped_iteration)(setting, begin(setting, tilted), max_steps=200)
    assert bool(cycled)
    assert float(best.norm) <= 1e-3


def way_to_a_prize(level, num_states=12):
    """All end in the last state, at a rate of 1e-4; before it stands a prize that is one only where they are there."""
    prize, end, states = num_states - 2, num_states - 1, np.arange(num_states)
    kernel = np.stack([np.eye(num_states), np.eye(num_states)[np.minimum(states + 1, prize)]], axis=1)
    kernel = (1.0 - 1e-4) * kernel + 1e-4 * (states == end)
    kernel[end] = states == end
    rewards = np.full((num_states, 2), level) + np.where(states[:, None] < prize, [0.1, 0.0], 0.0)
    rewards[prize] -= 1.0
    by_field = np.zeros((num_states, num_states, 2, 1))
    by_field[end, prize] = 2.0
    return TabularGame.from_arrays(
        kernel=kernel[:, :, None, :],
        follower_rewards=rewards[..., None],
        follower_rewards_mean_field=by_field,
        leader_rewards=np.zeros((num_states, 2, 1)),
        discount=0.9999,
        temperature=1e-3,
    )


@pytest.mark.parametrize("level", [1e2, 1e5, 1e6, -1e6, 1e7])
def test_news_that_is_small_beside_the_values_is_passed_on_to_the_last_state(level):
    """What is added to all rewards moves no policy: as many steps, one a state, whatever the residual is beside V."""
    game = way_to_a_prize(level)
    setting = Setting(traced(game), jnp.ones((12, 1)), game.temperature)
    uniform = jnp.full((12,), 1.0 / 12.0)
    start = unevaluated(Point(uniform, respond(setting, uniform)[1].value))
    found = eqx.filter_jit(newton)(setting, start).search
    assert float(found.norm) < 1e-13
    above = np.asarray(found.point.value) - float(found.point.value[-1])
    # A reward of 1 for as long as neither discount nor rate ends it; each state on the way costs a period. Of values
    # up to 1e11 rounding, 1e-16 of them over 1 - gamma, leaves 0.1 or 2e-5 of the prize.
    assert above[-2] == pytest.approx(1.0 / (1.0 - 0.9999**2), rel=1e-4)
    assert above[0] == pytest.approx(0.9999 ** (2 * 10) * above[-2], rel=1e-4)
