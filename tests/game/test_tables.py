"""A game's functions as tables, against loops; successors that are listed twice add up."""

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.game import AbstractGame
from smfg_verify.game.tables import dense_transition, over_indices, reads


class Walk(AbstractGame):
    """Left, stay or right on a line of three, where whoever steps into a wall stays."""

    num_states = 3
    num_follower_actions = 2
    num_leader_actions = 4
    discount = 0.5
    temperature = 0.5

    def successors(self, state, follower_action, leader_action):
        return jnp.clip(jnp.array([state - 1, state, state + 1]), 0, 2)

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.array([0.25, 0.125, 0.625])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[state]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0]


def test_a_table_has_each_index_on_its_own_axis():
    found = over_indices(Walk(), lambda s, a, b: jnp.array([s, 10 * a, 100 * b]))
    assert found.shape == (3, 2, 4, 3)
    for s, a, b in np.ndindex(3, 2, 4):
        np.testing.assert_array_equal(found[s, a, b], [s, 10 * a, 100 * b])


def test_probabilities_of_a_state_that_is_listed_twice_add_up():
    rows = [dense_transition(Walk(), state, 0, 0, jnp.ones(3) / 3) for state in range(3)]
    np.testing.assert_array_equal(rows, [[0.375, 0.625, 0.0], [0.25, 0.125, 0.625], [0.0, 0.25, 0.75]])


def test_reads_is_what_a_program_reads_not_what_it_is_handed():
    field = jnp.ones(3)
    assert reads(lambda m: jnp.sum(m), field)
    assert reads(jax.jit(lambda m: jnp.ones(2) * m[0]), field)
    assert not reads(jax.jit(lambda m: jnp.zeros_like(m)), field)
    assert not reads(lambda m: jax.jit(lambda a, b: (a, b))(m, field)[1], field)
    # No value is looked at: what is multiplied by nothing is read all the same.
    assert reads(lambda m: 0.0 * m, field)
