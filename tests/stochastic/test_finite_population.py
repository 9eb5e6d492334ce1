"""Populations of N followers: players are conserved, the law of large numbers, and what is refused."""

import jax
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.game import AbstractGame, TabularGame, mean_field_shape
from smfg_verify.policies import checked_distribution
from smfg_verify.stochastic import simulate_population
from tests.helpers.oracle import softmax
from tests.helpers.random_arrays import random_array_game
from tests.stochastic.games_for_runs import array_game

# Standard errors that the largest of a few independent z-scores exceeds with probability below 1e-4.
LARGEST_Z = 5.0


def policies(arrays, seed=0):
    """A random follower policy and random leader logits."""
    rng = np.random.default_rng(seed)
    n, num_actions, num_leader_actions = arrays.sizes
    logits = rng.normal(size=(int(np.max(arrays.observation)) + 1, num_leader_actions))
    return softmax(rng.normal(size=(n, num_actions))), logits


def uniform(game):
    """Uniform policy and mean field of a game, which spare the search for its equilibrium."""
    n, num_actions = game.num_states, game.num_follower_actions
    field = np.full(mean_field_shape(game), 1.0 / np.prod(mean_field_shape(game)))
    return {"policy": np.full((n, num_actions), 1.0 / num_actions), "mean_field": field}


def assert_players_are_conserved(run):
    counts = run.num_players * run.mean_field
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-12)
    assert np.all(counts >= 0.0)
    np.testing.assert_array_equal(np.rint(counts).reshape(*run.distance.shape, -1).sum(axis=-1), float(run.num_players))
    assert np.all(np.isfinite(run.follower_return))
    assert np.all(np.isfinite(run.leader_return))


@pytest.mark.slow
def test_the_distance_falls_as_the_root_of_the_number_of_players():
    game, sizes = games.load("random-game"), (100, 10_000)
    found = [simulate_population(game, None, n, num_steps=16, seeds=range(16), deviation=False) for n in sizes]
    slope = np.log(np.mean(found[1].distance) / np.mean(found[0].distance)) / np.log(sizes[1] / sizes[0])
    # Over ten other sets of as many seeds the slope had mean -0.500 and standard deviation 0.005.
    assert -0.525 < slope < -0.475
    assert_players_are_conserved(found[1])
    np.testing.assert_allclose(found[0].scaled_distance, 10.0 * found[0].distance)


@pytest.mark.slow
def test_distance_of_independent_followers():
    """One state forgets nothing of this: where every row is the same law, followers are independent draws."""
    law = np.array([0.5, 0.3, 0.2])
    game = TabularGame.from_arrays(
        kernel=np.broadcast_to(law, (3, 2, 1, 3)),
        follower_rewards=np.zeros((3, 2, 1)),
        leader_rewards=np.zeros((3, 2, 1)),
        discount=0.9,
        temperature=1.0,
    )
    run = simulate_population(
        game, uniform(game)["policy"], 400, num_steps=50, seeds=range(20), mean_field=law, deviation=False
    )
    error = np.std(run.distance) / np.sqrt(run.distance.size)
    assert abs(np.mean(run.distance) - run.independent_distance) < LARGEST_Z * error + 0.01 * run.independent_distance


@pytest.mark.parametrize("name", ["congestion-pricing", pytest.param("equilibrium-pricing", marks=pytest.mark.slow)])
def test_players_are_conserved(name):
    game = games.load(name)
    assert_players_are_conserved(
        simulate_population(game, **uniform(game), num_players=37, num_steps=6, seeds=(3, 4), deviation=False)
    )


@pytest.mark.slow
def test_common_random_numbers_couple_two_leaders():
    arrays, game = array_game(4)
    _, logits = policies(arrays)
    other = logits + 0.1 * np.eye(*logits.shape)

    def returns(leader, seeds):
        return simulate_population(
            game, np.full((4, 3), 1 / 3), 20, leader_logits=leader, num_steps=30, seeds=seeds, deviation=False
        ).leader_return

    first, coupled, independent = (
        returns(logits, range(64)),
        returns(other, range(64)),
        returns(other, range(64, 128)),
    )
    assert np.var(first - coupled) < 0.3 * np.var(first - independent)
    # Sums of rewards may round differently in other company.
    np.testing.assert_allclose(returns(logits, range(10, 20)), first[10:20], rtol=1e-12)


def test_players_keep_their_random_numbers_when_others_join():
    arrays = random_array_game(np.random.default_rng(6), 4, 3, 2, kernel_coupling=0.0)
    game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    counts = [
        number
        * simulate_population(
            game, **uniform(game), num_players=number, num_steps=20, seeds=range(3), deviation=False
        ).mean_field
        for number in (5, 40)
    ]
    assert np.all(counts[1] - counts[0] >= -1e-12)


@pytest.mark.parametrize(
    ("sizes", "support"), [((1, 1, 1), "states"), pytest.param((3, 1, 2), "state_actions", marks=pytest.mark.slow)]
)
def test_odd_games(sizes, support):
    arrays = random_array_game(np.random.default_rng(7), *sizes, support=support)
    game = TabularGame.from_arrays(**{**arrays.from_arrays_arguments(), "discount": 0.0})
    run = simulate_population(game, **uniform(game), num_players=12, seeds=(1, 2))
    assert run.mean_field.shape[:2] == (2, 1)
    assert np.all(run.deviation.clairvoyant_gain >= -1e-12)
    if sizes == (1, 1, 1):
        _, follower, leader = arrays.tables(np.ones(1))
        np.testing.assert_allclose(run.follower_return, follower.item())
        np.testing.assert_allclose(run.leader_return, leader.item())
        np.testing.assert_allclose(run.distance, 0.0, atol=1e-15)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_players": 0}, r"num_players: got 0, expected an integer"),
        ({"num_players": 2.0}, r"num_players: got 2.0"),
        ({"num_steps": 0}, r"num_steps: got 0"),
        ({"policy": np.full((4, 3), 0.5)}, r"policy: got .* in every row"),
        ({"policy": np.ones((3, 3)) / 3}, r"policy: got shape \(3, 3\), expected \(4, 3\)"),
        ({"initial": [0.5, 0.5]}, r"initial: got shape"),
        ({"mean_field": [0.5, 0.5, 0.5, -0.5]}, r"mean_field: got minimum -0.5"),
        ({"seeds": ()}, r"seeds: got none"),
        ({"leader_logits": np.zeros((1, 1))}, r"leader_logits: got shape"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    _, game = array_game()
    with pytest.raises(ValueError, match=message):
        simulate_population(game, **{**uniform(game), "num_players": 4, **arguments})


def test_a_distribution_under_tracing_is_checked_for_its_shape_only():
    assert jax.jit(lambda law: checked_distribution("law", law, (2,), "a law"))(np.array([2.0, 3.0])).shape == (2,)


@pytest.mark.wrong_types
def test_something_else_than_a_game_is_refused():
    with pytest.raises(ValueError, match="expected an instance of a subclass"):
        simulate_population(AbstractGame, None, 3)
