"""Games of sparse matrices: the same as of dense arrays, without a table of all states."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

from smfg_verify import SparseTabularGame, TabularGame, solve_equilibrium
from smfg_verify.exact import tabulate
from smfg_verify.game import mean_field_shape


def random_arrays(support="states", size=6, actions=2, leaders=2):
    """Dense arrays with few next states a row, and the keyword arguments of both kinds of game."""
    rng = np.random.default_rng(0)
    kernel = (
        rng.dirichlet(np.full(size, 0.3), (size, actions, leaders)) * (rng.random((size, size)) < 0.6)[:, None, None]
    )
    kernel += 0.1 * np.roll(np.eye(size), 1, axis=1)[:, None, None]
    kernel /= kernel.sum(axis=-1, keepdims=True)
    fields = size if support == "states" else size * actions
    slopes = rng.normal(size=(fields, size, actions, leaders)) * (rng.random((fields, size, actions, leaders)) < 0.3)
    common = {
        "follower_rewards": rng.normal(size=(size, actions, leaders)),
        "leader_rewards": rng.normal(size=(size, actions, leaders)),
        "discount": 0.8,
        "temperature": 0.5,
        "initial_distribution": rng.dirichlet(np.full(size, 5.0)),
        "mean_field_support": support,
    }
    dense = {"kernel": kernel, "follower_rewards_mean_field": slopes, **common}
    matrices = [[sp.coo_array(kernel[:, a, b]) for b in range(leaders)] for a in range(actions)]
    rows = sp.csc_array(slopes.reshape(fields, -1).T)
    return dense, {"kernel": matrices, "follower_rewards_mean_field": rows, **common}


@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_tables_are_those_of_the_dense_game(support):
    dense, sparse = random_arrays(support)
    games = TabularGame.from_arrays(**dense), SparseTabularGame.from_arrays(**sparse)
    shape = mean_field_shape(games[0])
    field = jnp.asarray(np.random.default_rng(1).dirichlet(np.ones(np.prod(shape))).reshape(shape))
    for expected, found in zip(*(vars(tabulate(game, field)).values() for game in games), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-14)
    assert games[1].follower_reward_dependence == "affine"
    assert games[1].leader_reward_dependence == "none"


@pytest.mark.slow
def test_equilibria_by_either_side_are_the_same():
    dense, sparse = random_arrays()
    logits = np.random.default_rng(2).normal(size=(6, 2))
    expected = solve_equilibrium(TabularGame.from_arrays(**dense), logits)
    found = solve_equilibrium(SparseTabularGame.from_arrays(**sparse), logits, method="sparse")
    np.testing.assert_allclose(found.mean_field, expected.mean_field, atol=1e-10)
    np.testing.assert_allclose(found.follower_value, expected.follower_value, atol=1e-9)


@pytest.mark.slow
def test_a_ring_of_many_states_has_no_table():
    """A walk that is the same everywhere: uniform, whatever the policy is."""
    size = 20_000
    ahead, back = (sp.csr_array((np.ones(size), (np.arange(size), np.roll(np.arange(size), k)))) for k in (1, -1))
    crowd = sp.kron(-5.0 * size * sp.eye_array(size), np.ones((2, 1)))
    game = SparseTabularGame.from_arrays(
        kernel=[0.7 * ahead + 0.3 * back, 0.3 * ahead + 0.7 * back],
        follower_rewards=np.zeros((size, 2, 1)),
        leader_rewards=np.zeros((size, 2, 1)),
        follower_rewards_mean_field=crowd,
        discount=0.9,
        temperature=0.5,
        leader_observation=np.zeros(size, dtype=int),
    )
    assert sum(leaf.nbytes for leaf in vars(game).values() if hasattr(leaf, "nbytes")) < 50 * 8 * size
    found = solve_equilibrium(game, np.zeros((1, 1)))
    np.testing.assert_allclose(found.mean_field, 1.0 / size, rtol=1e-9)
    np.testing.assert_allclose(found.follower_value, (0.5 * np.log(2.0) - 5.0) / 0.1, rtol=1e-10)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kernel": [sp.eye_array(6)]}, "one for each of 2 follower actions"),
        ({"kernel": [[sp.eye_array(6)] * 3, sp.eye_array(6)]}, "one for each of 2 leader actions"),
        ({"kernel": [np.eye(6), np.eye(6)]}, "got ndarray, expected a matrix of scipy.sparse"),
        ({"kernel": [sp.eye_array(5), sp.eye_array(5)]}, r"shape \(6, 6\)"),
        ({"kernel": [0.5 * sp.eye_array(6)] * 2}, "sum"),
        ({"follower_rewards_mean_field": sp.eye_array(6)}, r"shape \(24, 6\)"),
        ({"leader_rewards": np.zeros((6, 2))}, "leader_rewards"),
        ({"kernel": sp.eye_array(6)}, "kernel: got one .*, expected a list of matrices"),
        ({"kernel": [None, sp.eye_array(6)]}, r"kernel\[0\]: got one NoneType"),
        ({"kernel": [(1.0 + 0.5j) * sp.eye_array(6)] * 2}, "complex128, expected real numbers"),
        ({"follower_rewards_mean_field": 1j * sp.eye_array(24, 6)}, "complex128, expected real numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, words):
    _, sparse = random_arrays()
    with pytest.raises(ValueError, match=words):
        SparseTabularGame.from_arrays(**{**sparse, **change})


@pytest.mark.parametrize("kind", [sp.coo_array, sp.csr_array])
def test_small_integers_given_twice_are_summed_and_do_not_wrap(kind):
    _, sparse = random_arrays()
    twice = sp.coo_array((np.full(2, 100, dtype=np.int8), (np.zeros(2, int), np.ones(2, int))), shape=(24, 6))
    rows = twice if kind is sp.coo_array else sp.csr_array((twice.data, twice.col, np.repeat([0, 2], [1, 24])), (24, 6))
    game = SparseTabularGame.from_arrays(**{**sparse, "follower_rewards_mean_field": rows})
    gain = game.follower_reward(0, 0, 0, np.eye(6)[1]) - game.follower_reward(0, 0, 0, np.eye(6)[0])
    assert float(gain) == pytest.approx(200.0, rel=1e-12)
