import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact import tabulate
from smfg_verify.game import TabularGame, mean_field_shape
from smfg_verify.interop import to_arrays
from tests.stochastic.games_for_runs import array_game


def assert_same_tables(first, second, seed=0):
    """Two games have the same tables at a random mean field, and agree in all else that a contract names."""
    shape = mean_field_shape(first)
    field = jnp.asarray(np.random.default_rng(seed).dirichlet(np.ones(int(np.prod(shape)))).reshape(shape))
    for name in ("transition", "follower_reward", "leader_reward"):
        found, expected = (np.asarray(getattr(tabulate(game, field), name)) for game in (first, second))
        np.testing.assert_allclose(found, expected, atol=1e-13, err_msg=name)
        assert getattr(first, f"{name}_dependence") == getattr(second, f"{name}_dependence")
    for name in ("discount", "temperature", "leader_temperature", "initial_distribution", "leader_observation"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_a_game_of_arrays_comes_back(support):
    _, game = array_game(1, support=support, observations=2, tau_l=0.2)
    assert_same_tables(TabularGame.from_arrays(**to_arrays(game)), game)


@pytest.mark.slow
def test_a_shipped_game_with_local_moves_comes_back_dense():
    game = games.load("congestion-pricing")
    assert_same_tables(TabularGame.from_arrays(**to_arrays(game)), game)


def test_a_general_game_has_no_arrays():
    with pytest.raises(ValueError, match=r"is not proved affine in the mean field .* is 'general'"):
        to_arrays(games.load("market-entrance"))
