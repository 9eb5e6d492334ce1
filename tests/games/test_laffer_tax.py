"""The Laffer curve: values, and what the leader sees with the population held fixed."""

import jax.numpy as jnp
import numpy as np

from smfg_verify.games import LafferTax


def test_reward_values():
    game, mean_field = LafferTax(taxes=(0.0, 0.4, 1.0), wage=2.0), jnp.asarray([0.25, 0.75])
    follower = [[float(game.follower_reward(s, 0, b, mean_field)) for b in range(3)] for s in range(2)]
    leader = [[float(game.leader_reward(s, 1, b, mean_field)) for b in range(3)] for s in range(2)]
    np.testing.assert_allclose(follower, [[2.0, 1.2, 0.0], [0.5 - 0.3 * 0.75] * 3])
    np.testing.assert_allclose(leader, [[0.0, 0.2, 0.5]] * 2)


def test_inertia_draws_the_next_sector():
    rows = [LafferTax().transition(s, 1, 0, jnp.asarray([0.5, 0.5])) for s in range(2)]
    np.testing.assert_allclose(rows, [[0.05, 0.95]] * 2)


def test_follower_indifference_sets_the_share_of_the_informal_sector():
    """At the mean tax where both sectors pay the same, wage (1 - t) = outside - kappa m_informal."""
    game, mean_field = LafferTax(taxes=[0.5 + 0.3 * 0.4]), jnp.asarray([0.6, 0.4])
    assert np.isclose(game.follower_reward(0, 0, 0, mean_field), game.follower_reward(1, 0, 0, mean_field), atol=1e-15)
