"""Two roads and a toll: values, and the closed form of its equilibrium."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from smfg_verify.games import TwoRoadToll


def test_reward_values():
    game, mean_field = TwoRoadToll(), jnp.asarray([0.25, 0.75])
    follower = [[float(game.follower_reward(0, a, b, mean_field)) for b in range(2)] for a in range(2)]
    leader = [[float(game.leader_reward(1, a, b, mean_field)) for b in range(2)] for a in range(2)]
    np.testing.assert_allclose(follower, [[-0.25, -0.75], [-1.5, -1.5]])
    np.testing.assert_allclose(leader, [[0.0, 0.5], [0.0, 0.0]])


def test_next_state_is_the_road_taken():
    mean_field = jnp.asarray([0.5, 0.5])
    np.testing.assert_array_equal(TwoRoadToll().transition(0, 1, 0, mean_field), [0.0, 1.0])
    np.testing.assert_allclose(TwoRoadToll(inertia=0.2).transition(0, 1, 0, mean_field), [0.1, 0.9])


@pytest.mark.parametrize("temperature", [0.05, 0.3, 2.0])
def test_closed_form_is_consistent_with_the_game(temperature):
    """Rewards and moves do not depend on the state, so a soft best response is the softmax of the mean reward."""
    leader, tolls = np.asarray([0.3, 0.7]), np.asarray([[0.0, 0.1], [0.5, 0.2]])
    game = TwoRoadToll(kappa=(1.2, 0.7), tolls=tolls, temperature=temperature)
    toll = leader @ tolls

    def gap(mass):
        return mass - expit(((0.7 * (1 - mass) + toll[1]) - (1.2 * mass + toll[0])) / temperature)

    mass = brentq(gap, 0.0, 1.0, xtol=1e-15)
    mean_field = jnp.asarray([mass, 1 - mass])
    reward = np.asarray(
        [
            [sum(leader[b] * game.follower_reward(s, a, b, mean_field) for b in range(2)) for a in range(2)]
            for s in range(2)
        ]
    )
    np.testing.assert_array_equal(reward[0], reward[1])
    policy = np.exp(reward[0] / temperature) / np.exp(reward[0] / temperature).sum()
    moved = sum(policy[a] * np.asarray(game.transition(0, a, 0, mean_field)) for a in range(2))
    np.testing.assert_allclose(moved, mean_field, atol=1e-13)


def test_one_tariff_for_all_by_default():
    np.testing.assert_array_equal(TwoRoadToll().leader_observation, [0, 0])
    np.testing.assert_array_equal(TwoRoadToll(observation=[1, 0]).leader_observation, [1, 0])
