"""Independent leader: what the followers cannot touch, and what they feel."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.games import IndependentLeader

FIRST, SECOND = np.random.default_rng(0).dirichlet(np.ones(3), 2)


def test_followers_touch_neither_the_moves_nor_the_leaders_reward():
    game = IndependentLeader()
    for s, b in np.ndindex(3, 2):
        np.testing.assert_array_equal(game.transition(s, 0, b, FIRST), game.transition(s, 1, b, SECOND))
        assert float(game.leader_reward(s, 0, b, FIRST)) == float(game.leader_reward(s, 1, b, SECOND))


def test_followers_feel_the_crowd_and_the_repair():
    game = IndependentLeader()
    crowd = game.follower_reward(1, 1, 0, FIRST) - game.follower_reward(1, 1, 0, SECOND)
    assert float(crowd) == pytest.approx(SECOND[1] - FIRST[1])
    assert float(game.follower_reward(1, 1, 0, FIRST) - game.follower_reward(1, 1, 1, FIRST)) == pytest.approx(0.3)
    assert float(game.follower_reward(1, 0, 1, FIRST)) == 0.0


def test_quality_is_a_birth_death_chain():
    game, uniform = IndependentLeader(inertia=0.0, num_states=4), jnp.full(4, 0.25)
    repaired = [game.transition(s, 0, 1, uniform) for s in range(4)]
    deferred = [game.transition(s, 0, 0, uniform) for s in range(4)]
    np.testing.assert_allclose(
        repaired, [[0.2, 0.8, 0, 0], [0, 0.2, 0.8, 0], [0, 0, 0.2, 0.8], [0, 0, 0, 1]], atol=1e-15
    )
    np.testing.assert_allclose(deferred, [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5]])
