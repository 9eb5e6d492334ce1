"""Games and iterates that several tests of the stochastic side share."""

import jax.numpy as jnp
import numpy as np

from smfg_verify.game import AbstractGame, TabularGame
from tests.helpers.random_arrays import random_array_game


def array_game(seed=0, sizes=(4, 3, 2), **parameters):
    """The same random game twice: as the oracle reads it, and as the package does."""
    arrays = random_array_game(np.random.default_rng(seed), *sizes, **parameters)
    return arrays, TabularGame.from_arrays(**arrays.from_arrays_arguments())


def interior_iterate(arrays, seed=0):
    """A random iterate in the interior: policies and mean field of full support, critics of size 1."""
    rng = np.random.default_rng(seed)
    n, num_actions, num_leader_actions = arrays.sizes
    rows = int(np.max(arrays.observation)) + 1
    size = n if arrays.support == "states" else n * num_actions
    shape = (n,) if arrays.support == "states" else (n, num_actions)
    return {
        "leader_logits": rng.normal(size=(rows, num_leader_actions)),
        "follower_logits": rng.normal(size=(n, num_actions)),
        "leader_critic": rng.normal(size=n),
        "follower_critic": rng.normal(size=n),
        "mean_field": rng.dirichlet(np.full(size, 3.0)).reshape(shape),
    }


def assert_same_bits(first, second):
    """Two traces are equal in every bit of every array and in their metadata."""
    for name in first.to_xarray().variables:
        field = {"seed": "seeds", "iteration": "iterations"}.get(name, name)
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field), err_msg=name)
    assert first.metadata == second.metadata


class Singular(AbstractGame):
    """A reward with a singularity at one mean field, which `validate` does not meet."""

    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    discount = 0.5
    temperature = 0.5

    def transition(self, state, follower_action, leader_action, mean_field):
        stays = 0.3 + 0.2 * follower_action + 0.1 * leader_action + 0.2 * mean_field[state]
        return jnp.where(jnp.arange(2) == state, stays, 1.0 - stays)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return 0.1 * jnp.log(jnp.abs(mean_field[0] - 0.375)) * follower_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0] * leader_action


# The singularity and two mean fields beside it.
SINGULAR_STARTS = np.array([[0.5, 0.5], [0.375, 0.625], [0.4, 0.6]])
