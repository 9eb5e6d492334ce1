import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import tabulate
from smfg_verify.game import TabularGame, leader_logits_shape, mean_field_shape
from tests.helpers.random_arrays import random_array_game


@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_tables_are_the_arrays_at_a_mean_field(support):
    rng = np.random.default_rng(2)
    arrays = random_array_game(rng, 3, 2, 2, support=support)
    game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    field = rng.dirichlet(np.ones(np.prod(mean_field_shape(game))))
    found = tabulate(game, jnp.asarray(field.reshape(mean_field_shape(game))))
    for table, expected in zip(
        (found.transition, found.follower_reward, found.leader_reward), arrays.tables(field), strict=True
    ):
        np.testing.assert_allclose(table, expected, atol=1e-14)


def test_dependences_follow_the_arrays_given():
    arrays = random_array_game(np.random.default_rng(3), 3, 2, 2, kernel_coupling=0.0, leader_coupling=0.0)
    game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    found = (game.transition_dependence, game.follower_reward_dependence, game.leader_reward_dependence)
    assert found == ("none", "affine", "none")


def test_defaults_of_the_contract():
    arrays = random_array_game(np.random.default_rng(3), 3, 2, 2).from_arrays_arguments()
    arrays.update(initial_distribution=None, leader_observation=None)
    game = TabularGame.from_arrays(**arrays)
    np.testing.assert_allclose(game.initial_distribution, np.full(3, 1 / 3))
    np.testing.assert_array_equal(game.leader_observation, np.arange(3))
    assert leader_logits_shape(game) == (3, 2)
    assert float(game.leader_temperature) == 0.0
    assert game.state_labels is None
