"""Sampled transitions at evenly spread uniforms, which meet every law up to the grid."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from smfg_verify.game import traced
from smfg_verify.stochastic.baselines._transitions import continued, initial_states, transition
from smfg_verify.stochastic.iterate import Iterate
from tests.helpers import oracle
from tests.stochastic.games_for_runs import array_game, interior_iterate

GRID = 2000
EVEN = (np.arange(GRID) + 0.5) / GRID


def test_each_draw_follows_its_own_law_given_those_before_it():
    arrays, game = array_game(0, observations=2)
    parts = interior_iterate(arrays)
    many = {name: jnp.repeat(jnp.asarray(part)[..., None], GRID, axis=-1) for name, part in parts.items()}
    still = jnp.zeros(GRID, int)
    uniforms = jnp.asarray(np.stack([EVEN, np.full(GRID, 0.3), EVEN[::-1]])[:, None])
    drawn = eqx.filter_jit(transition)(
        traced(game), Iterate(**many, occupancy_state=still, population_state=still), jnp.full((1, GRID), 2), uniforms
    )
    policy, phi = oracle.softmax(parts["follower_logits"])[2], oracle.leader_rows(arrays, parts["leader_logits"])[2]
    actions = np.asarray(drawn.follower_action[0])
    np.testing.assert_allclose(np.bincount(actions, minlength=3) / GRID, policy, atol=2.0 / GRID)
    leader_action = int(np.searchsorted(np.cumsum(phi), 0.3))
    np.testing.assert_array_equal(drawn.leader_action, leader_action)
    np.testing.assert_allclose(np.exp(drawn.leader.logarithms[:, 0, 0]), phi, rtol=1e-12)
    kernel = arrays.tables(parts["mean_field"])[0][2, :, leader_action]
    # The next state's uniform runs against the action's, so that the two are dependent: by action, and evenly spread.
    for action in range(3):
        own = np.sort(EVEN[::-1][actions == action])
        expected = np.searchsorted(np.cumsum(kernel[action]), own)
        np.testing.assert_array_equal(np.sort(drawn.next_state[0, actions == action]), expected)


def test_a_chain_goes_on_with_the_discount_and_else_begins_anew():
    arrays, game = array_game(0, gamma=0.7)
    moved = jnp.full(GRID, 3)
    law = np.asarray(arrays.initial_distribution)
    np.testing.assert_allclose(
        np.bincount(initial_states(game, jnp.asarray(EVEN)), minlength=4) / GRID, law, atol=2.0 / GRID
    )
    found = continued(game, moved, jnp.asarray(np.stack([np.full(GRID, 0.69), EVEN])))
    np.testing.assert_array_equal(found, moved)
    anew = continued(game, moved, jnp.asarray(np.stack([np.full(GRID, 0.71), EVEN])))
    np.testing.assert_array_equal(anew, initial_states(game, jnp.asarray(EVEN)))
