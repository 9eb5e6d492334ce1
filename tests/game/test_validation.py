import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.game import AbstractGame, TabularGame, validate
from tests.helpers.random_arrays import random_array_game

N, A, B = 3, 2, 2


def arguments(**changes) -> dict:
    arrays = random_array_game(np.random.default_rng(0), N, A, B).from_arrays_arguments()
    return {**arrays, **changes}


def bad_rows(scale):
    return arguments()["kernel"] * scale


def escaping() -> np.ndarray:
    """Mean-field terms that keep row sums but push an entry below zero at the second vertex only."""
    slope = np.zeros((N, N, A, B, N))
    slope[1, 0, 0, 0] = [-2.0, 1.0, 1.0]
    return slope


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(kernel=bad_rows(1.001)), r"row that sums to 1\.00\d* at .*expected 1"),
        (dict(kernel=bad_rows(1 + 1e-7)), "row that sums to 1.0000001"),
        (dict(kernel=arguments()["kernel"].transpose(3, 1, 2, 0)), "swapped axes"),
        (dict(kernel_mean_field=escaping()), r"probability of -1\.\d* at mean field vertex 1"),
        (dict(kernel_mean_field=arguments()["kernel_mean_field"] + 0.01), "row that sums to"),
        (dict(kernel=arguments()["kernel"][:2]), r"kernel: got shape \(2, 2, 2, 3\), expected \(n, A, B, n\)"),
        (dict(follower_rewards=np.full((N, A, B), np.nan)), "follower_reward: got NaN"),
        (dict(leader_rewards=np.full((N, A, B), np.inf)), "leader_reward: got NaN or an infinite"),
        (
            dict(follower_rewards=np.zeros((N, B + 1, A))),
            r"follower_rewards: got shape \(3, 3, 2\), expected \(3, 2, 2\)",
        ),
        (dict(leader_rewards_mean_field=np.zeros((N - 1, N, A, B))), r"leader_rewards_mean_field: got shape"),
        (dict(mean_field_support="state_actions"), r"expected \(6, 3, 2, 2, 3\)"),
        pytest.param(
            dict(mean_field_support="actions"), "mean_field_support: got 'actions'", marks=pytest.mark.wrong_types
        ),
        (dict(discount=1.0), r"discount: got 1, expected a number in \[0, 1\)"),
        (dict(discount=-0.1), "discount: got -0.1"),
        (dict(discount=np.nan), "discount: got nan"),
        (dict(temperature=0.0), "temperature: got 0, expected a positive number"),
        (dict(leader_temperature=-1.0), "leader_temperature: got -1"),
        (dict(initial_distribution=[0.5, 0.5, 0.0]), "initial_distribution: got minimum 0 .*full support"),
        (dict(initial_distribution=[0.5, 0.5, 0.5]), "initial_distribution: .*sum 1.5"),
        pytest.param(
            dict(initial_distribution=[0.5, 0.5]),
            r"initial_distribution: got shape \(2,\), expected \(3,\)",
            marks=pytest.mark.wrong_types,
        ),
        (dict(leader_observation=[0, 2, 2]), r"leader_observation: got the values \[0, 2\]"),
        (dict(leader_observation=[0, -1, 0]), r"leader_observation: got the values \[-1, 0\]"),
        pytest.param(
            dict(leader_observation=[0, 1]),
            r"leader_observation: .*expected integers of shape \(3,\)",
            marks=pytest.mark.wrong_types,
        ),
        pytest.param(
            dict(leader_observation=[0.0, 1.0, 2.0]), "leader_observation: got float64", marks=pytest.mark.wrong_types
        ),
    ],
)
def test_from_arrays_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        TabularGame.from_arrays(**arguments(**changes))


@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_a_valid_random_game_passes(support):
    arrays = random_array_game(np.random.default_rng(1), N, A, B, support=support, kernel_coupling=1.0, floor=0.0)
    validate(TabularGame.from_arrays(**arrays.from_arrays_arguments()))


class Congested(AbstractGame):
    """A user's game in the simplest words: class attributes for sizes, Python floats for parameters."""

    price: float = 1.0
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 1
    discount = 0.9
    temperature = 0.5

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -self.price * mean_field[state] ** 2

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0]


def test_a_user_game_in_the_simplest_words_is_valid():
    validate(Congested())


class DeclaresTooLittle(Congested):
    follower_reward_dependence = "none"


def test_a_new_game_is_looked_at_while_a_program_around_it_is_traced():
    """Its numbers are no part of that program: they are there, and wrong ones are refused there."""

    def shape_checked(game):
        return jax.jit(lambda x: (validate(game), x)[1])(1.0)

    assert shape_checked(Congested()) == 1.0
    with pytest.raises(ValueError, match="declared 'none'"):
        shape_checked(DeclaresTooLittle())


@pytest.mark.wrong_types
def test_what_is_no_game_is_refused():
    with pytest.raises(ValueError, match="game: got dict"):
        validate({})


class HalfAGame(AbstractGame):
    num_states = 2

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.ones(2) / 2


def test_a_game_that_leaves_out_part_of_the_contract_cannot_be_built():
    with pytest.raises(TypeError, match="abstract"):
        HalfAGame()


def test_a_second_look_is_free_and_a_changed_copy_is_looked_at_again():
    game = Congested()
    validate(game)
    with pytest.raises(ValueError, match="follower_reward: got NaN"):
        validate(eqx.tree_at(lambda g: g.price, game, float("nan")))
    validate(game)
