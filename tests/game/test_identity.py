import dataclasses
import functools
import subprocess
import sys
import textwrap

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.game import TabularGame, game_hash, traced
from smfg_verify.game.identity import GameKey
from tests.helpers.random_arrays import random_array_game

NAMES = games.names()


@pytest.mark.untyped
@pytest.mark.parametrize("name", NAMES)
def test_equal_games_have_equal_hashes_in_every_process(name):
    code = f"""
        import jax; jax.config.update("jax_enable_x64", True)
        from smfg_verify import games
        from smfg_verify.game import game_hash
        print([game_hash(games.load(name)) for name in {NAMES}])
    """
    if name == NAMES[0]:
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str([game_hash(games.load(each)) for each in NAMES])
    assert game_hash(games.load(name)) == game_hash(games.load(name))


def test_another_number_another_word_or_another_game_is_another_hash():
    found = [
        games.load("market-entrance"),
        games.load("market-entrance", rebate=0.3 + 1e-15),
        games.load("market-entrance", scarcity="quadratic"),
        games.load("market-entrance", configuration="buy_skew"),
        *(games.load(name) for name in NAMES if name != "market-entrance"),
    ]
    assert len({game_hash(game) for game in found}) == len(found)


def write_game(folder, reward: str):
    path = folder / "mine.py"
    path.write_text(
        textwrap.dedent(f'''
            import jax.numpy as jnp
            from smfg_verify.game import AbstractGame

            class Mine(AbstractGame):
                """A note."""  # and another
                num_states = 2
                num_follower_actions = 2
                num_leader_actions = 1
                discount = 0.9
                temperature = 0.5

                def transition(self, state, follower_action, leader_action, mean_field):
                    return jnp.array([0.5, 0.5])

                def follower_reward(self, state, follower_action, leader_action, mean_field):
                    return {reward}

                def leader_reward(self, state, follower_action, leader_action, mean_field):
                    return mean_field[0]
        ''')
    )
    return path


def test_another_formula_is_another_hash_and_another_comment_is_not(tmp_path):
    path = write_game(tmp_path, "-mean_field[state]")
    plain = game_hash(games.load(f"{path}:Mine"))
    path.write_text(path.read_text().replace('"""A note."""  # and another', '"""Another note."""'))
    assert game_hash(games.load(f"{path}:Mine")) == plain
    write_game(tmp_path, "-2.0 * mean_field[state]")
    assert game_hash(games.load(f"{path}:Mine")) != plain


def test_a_python_float_and_the_array_of_it_are_the_same_parameter():
    game = games.load("laffer-tax")
    assert game_hash(eqx.tree_at(lambda g: g.discount, game, 0.9)) == game_hash(game)
    assert game_hash(eqx.tree_at(lambda g: g.discount, game, jnp.asarray(0.91))) != game_hash(game)


def test_a_class_attribute_is_part_of_the_hash():
    base = type(games.load("two-road-toll"))
    other = type(base.__name__, (base,), {"transition_dependence": "general"})
    assert game_hash(other()) != game_hash(base())


def test_the_arrays_of_a_tabular_game_are_part_of_the_hash():
    arrays = random_array_game(np.random.default_rng(0), 3, 2, 2)
    changed = [
        arrays,
        *(dataclasses.replace(arrays, **change) for change in (dict(temperature=0.31), dict(leader_temperature=0.1))),
        dataclasses.replace(arrays, observation=np.array([0, 1, 1])),
        dataclasses.replace(arrays, kernel_mean_field=None),
    ]
    hashes = {game_hash(TabularGame.from_arrays(**each.from_arrays_arguments())) for each in changed}
    assert len(hashes) == len(changed)


def scaled(factor):
    def reward(state):
        return factor * state

    return reward


def with_function(function):
    """A game with a function among its fields."""
    base = type(games.load("two-road-toll"))
    kind = eqx.field(static=True, default=function)
    return type("WithFunction", (base,), {"__annotations__": {"extra": object}, "extra": kind})()


def test_functions_in_fields_count_by_code_defaults_and_closures():
    def double(state, offset=0):
        return 2 * state + offset

    def double_with_offset(state, offset=1):
        return 2 * state + offset

    functions = [scaled(2), scaled(3), double, double_with_offset, functools.partial(double, offset=2)]
    functions += [functools.partial(double, offset=3), lambda state: state, lambda state: -state]
    assert len({game_hash(with_function(function)) for function in functions}) == len(functions)


def test_two_functions_of_one_factory_and_one_argument_are_the_same_parameter():
    assert game_hash(with_function(scaled(2))) == game_hash(with_function(scaled(2)))


def test_a_key_of_memory_is_that_of_a_games_content():
    first, same, other = (games.load("laffer-tax", discount=d) for d in (0.9, 0.9, 0.8))
    assert GameKey.of(traced(first)) == GameKey.of(traced(same))
    assert hash(GameKey.of(traced(first))) == hash(GameKey.of(traced(same)))
    assert GameKey.of(traced(first)) != GameKey.of(traced(other))
