import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify import games
from smfg_verify.exact import tabulate
from smfg_verify.game import AbstractGame, mean_field_shape, traced
from smfg_verify.stochastic import sample_index, sample_transition

DRAWS = 4000
# The largest of the z-scores of all cells of one game exceeds this with probability below 1e-4.
LARGEST_Z = 5.5


@given(
    weights=st.lists(st.sampled_from([0.0, 1e-300, 1e-17, 1e-3, 0.1, 0.3, 0.7]), min_size=1, max_size=6).filter(any),
    uniform=st.sampled_from([0.0, 1e-300, 0.25, 0.5, 1.0 - 2.0**-24, 1.0 - 2.0**-53]),
)
def test_an_index_of_weight_zero_is_never_drawn(weights, uniform):
    assert weights[int(sample_index(jnp.asarray(weights), jnp.asarray(uniform)))] > 0.0


def test_the_inverse_of_the_cumulative_distribution():
    weights = np.random.default_rng(0).dirichlet(np.ones(7), size=5).T
    uniforms = np.random.default_rng(1).random(5)
    expected = [np.searchsorted(np.cumsum(weights[:, j]), uniforms[j], side="right") for j in range(5)]
    np.testing.assert_array_equal(sample_index(jnp.asarray(weights), jnp.asarray(uniforms)), expected)


def test_single_precision_rounding_at_the_upper_end_stays_on_the_support():
    weights = jnp.asarray([0.1] * 10 + [0.0] * 3, jnp.float32)
    last = jnp.asarray(np.nextafter(np.float32(1.0), np.float32(0.0)))
    assert int(sample_index(weights, last)) == 9


@eqx.filter_jit
def _frequencies(game, uniforms, mean_field):
    n, actions, leader_actions = game.num_states, game.num_follower_actions, game.num_leader_actions
    triples = jnp.stack(jnp.meshgrid(jnp.arange(n), jnp.arange(actions), jnp.arange(leader_actions), indexing="ij"))

    def count(triple, row):
        drawn = jax.vmap(lambda u: sample_transition(game, u, *triple, mean_field))(row)
        return jnp.zeros(n).at[drawn].add(1.0) / DRAWS

    return jax.vmap(count)(triples.reshape(3, -1).T, uniforms).reshape(n, actions, leader_actions, n)


def assert_frequencies_match(game, seed):
    game = traced(game)
    rng = np.random.default_rng(seed)
    size = int(np.prod(mean_field_shape(game)))
    mean_field = jnp.asarray(rng.dirichlet(np.ones(size)).reshape(mean_field_shape(game)))
    rows = game.num_states * game.num_follower_actions * game.num_leader_actions
    kernel = np.asarray(tabulate(game, mean_field).transition)
    frequencies = np.asarray(_frequencies(game, jnp.asarray(rng.random((rows, DRAWS))), mean_field))
    assert np.all(frequencies[kernel < 1e-15] == 0.0)
    spread = np.sqrt(np.maximum(kernel * (1.0 - kernel), 0.0) / DRAWS)
    # One draw is the smallest visible deviation of a rare cell.
    assert np.max(np.abs(frequencies - kernel) / np.maximum(spread, 1.0 / DRAWS)) < LARGEST_Z


@pytest.mark.parametrize("name", games.names())
def test_sampled_frequencies_match_the_tabulated_kernel(name):
    assert_frequencies_match(games.load(name), seed=1)


class Ring(AbstractGame):
    """Local moves on a ring, given by successors: left, stay, right."""

    num_states = 7
    num_follower_actions = 2
    num_leader_actions = 2
    discount = 0.9
    temperature = 0.5

    def transition(self, state, follower_action, leader_action, mean_field):
        pull = mean_field[state]
        return jnp.stack([0.5 * pull, 0.5 - 0.2 * leader_action * pull, 0.5 - (0.5 - 0.2 * leader_action) * pull])

    def successors(self, state, follower_action, leader_action):
        return (state + (1 + follower_action) * jnp.arange(-1, 2)) % self.num_states

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -mean_field[state]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0] - 0.1 * leader_action


def test_sampled_frequencies_match_where_moves_are_given_by_successors():
    assert_frequencies_match(Ring(), seed=2)
