"""Random games: the draw, its knobs, and its memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.games import RandomGame, load

INDEX = (1, 2, 0)


def game_with(**parameters):
    return load("random-game", seed=7, **parameters)


def random_mean_field(game, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(game.mean_field_size, 0.3))


def test_seed_names_the_game():
    assert bool(game_with() == game_with())
    assert not np.array_equal(game_with().base_kernel, load("random-game", seed=8).base_kernel)


def test_seed_names_the_same_game_in_single_precision():
    double = jax.tree.leaves(game_with(branching=2))
    with jax.enable_x64(False):
        single = jax.tree.leaves(game_with(branching=2))
    assert {leaf.dtype for leaf in double} == {jnp.dtype("float64")}
    assert {leaf.dtype for leaf in single} == {jnp.dtype("float32")}
    for first, second in zip(double, single, strict=True):
        np.testing.assert_allclose(first, second, rtol=2e-6)


@pytest.mark.parametrize("branching", [1, 2, 5])
def test_branching_counts_the_successors(branching):
    game = game_with(branching=branching, ergodicity=0.0, transition_coupling=0.0)
    rows = np.asarray(game.base_kernel)
    assert np.all((rows > 0).sum(axis=-1) == branching)
    assert np.all((np.asarray(game.coupled_kernel) > 0).sum(axis=-1) == branching)
    np.testing.assert_array_equal(game.transition(*INDEX, random_mean_field(game)), rows[INDEX])


@pytest.mark.parametrize("dependence", ["affine", "general"])
@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_ergodicity_is_a_floor_of_every_row(dependence, support):
    game = game_with(
        branching=1, ergodicity=0.2, transition_coupling=1, dependence=dependence, mean_field_support=support
    )
    for vertex in np.eye(game.mean_field_size):
        assert float(jnp.min(game.transition(*INDEX, vertex))) >= 0.2 / 5 - 1e-15


@pytest.mark.parametrize("dependence", ["affine", "general"])
def test_couplings_scale_the_mean_field_terms_and_nothing_else(dependence):
    """At coupling zero nothing depends on the mean field; the term then grows in proportion to the knob."""
    knobs = {
        "transition": "transition_coupling",
        "follower_reward": "follower_coupling",
        "leader_reward": "leader_coupling",
    }
    off = game_with(dependence=dependence, **dict.fromkeys(knobs.values(), 0.0))
    first, second = random_mean_field(off, 0), random_mean_field(off, 1)
    for function, knob in knobs.items():
        base = getattr(off, function)(*INDEX, first)
        np.testing.assert_array_equal(base, getattr(off, function)(*INDEX, second))
        weak, strong = (
            getattr(game_with(dependence=dependence, **{knob: strength}), function)(*INDEX, first) - base
            for strength in (0.25, 1.0)
        )
        np.testing.assert_allclose(4 * weak, strong, rtol=1e-12)
        assert np.max(np.abs(strong)) > 1e-3


def test_general_dependence_follows_its_formula():
    game = game_with(dependence="general", ergodicity=0.0, transition_coupling=1.0, follower_coupling=2.0)
    mean_field = random_mean_field(game)
    share = np.sin(0.5 * np.pi * (np.asarray(game.mixing[INDEX]) @ mean_field)) ** 2
    row = (1 - share) * np.asarray(game.base_kernel[INDEX]) + share * np.asarray(game.coupled_kernel[INDEX])
    np.testing.assert_allclose(game.transition(*INDEX, mean_field), row, rtol=1e-12)
    response = np.sin(np.pi * (np.asarray(game.follower_slope[INDEX]) @ mean_field))
    expected = float(game.follower_base[INDEX]) + 2 * response
    assert float(game.follower_reward(*INDEX, mean_field)) == pytest.approx(expected, rel=1e-12)


def test_stack_of_keys_gives_the_single_games():
    sizes = {"num_states": 3, "num_follower_actions": 2, "num_leader_actions": 2, "branching": 2}
    keys = jax.random.split(jax.random.key(0), 4)
    stack = jax.jit(jax.vmap(lambda key: RandomGame.from_key(key, **sizes)))(keys)
    single = RandomGame.from_key(keys[2], **sizes)
    for many, one in zip(jax.tree.leaves(stack), jax.tree.leaves(single), strict=True):
        np.testing.assert_allclose(many[2], one, rtol=1e-14)


@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_large_game_stays_within_its_memory(support):
    """O(n A B (n + M)): 200 states and 4 actions a side, in bytes of its tables."""
    game = game_with(num_states=200, num_follower_actions=4, num_leader_actions=4, mean_field_support=support)
    triple, size = 200 * 4 * 4, 200 * (4 if support == "state_actions" else 1)
    tables = 8 * triple * (2 * 200 + 3 * size + 2)
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(game)) <= tables + 8 * 300
    assert float(jnp.sum(game.transition(199, 3, 3, random_mean_field(game)))) == pytest.approx(1.0)


def test_tables_that_are_no_distributions_are_refused():
    tables = {name: value for name, value in vars(game_with()).items() if name != "base_kernel"}
    with pytest.raises(ValueError, match="rows that miss the sum one"):
        RandomGame(base_kernel=jnp.full((5, 3, 3, 5), 0.3), **tables)
