"""The digest of a prepared game."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.game import TabularGame, game_hash
from tests.helpers.random_arrays import random_array_game

ARRAYS = dataclasses.replace(random_array_game(np.random.default_rng(0), 3, 2, 2), observation=np.arange(3))


CHANGEABLE = ("follower_rewards", "leader_rewards", "follower_rewards_mean_field", "leader_rewards_mean_field")


def game_of(arrays):
    return TabularGame.from_arrays(**arrays.from_arrays_arguments())


SAME = game_hash(game_of(ARRAYS))


@pytest.mark.untyped
@settings(max_examples=25)
@given(st.sampled_from(CHANGEABLE), st.integers(0, 11), st.sampled_from(["none", "one rounding", "a lot"]))
def test_the_digest_of_a_game_changes_exactly_when_a_number_does(name, place, how):
    table = getattr(ARRAYS, name).copy()
    entry = table.ravel()[place : place + 1]
    entry[0] = {"none": entry[0], "one rounding": np.nextafter(entry[0], np.inf), "a lot": entry[0] + 1.0}[how]
    assert (game_hash(game_of(dataclasses.replace(ARRAYS, **{name: table}))) == SAME) == (how == "none")


@settings(max_examples=10)
@given(st.sampled_from(["discount", "temperature", "leader_temperature"]), st.floats(0.05, 0.9))
def test_the_digest_tells_scalars_apart_too(name, value):
    other = dataclasses.replace(ARRAYS, **{name: value})
    assert (game_hash(game_of(other)) == SAME) == (value == getattr(ARRAYS, name))
    rewards = {"follower_rewards": ARRAYS.leader_rewards, "leader_rewards": ARRAYS.follower_rewards}
    swapped = dataclasses.replace(ARRAYS, **rewards)
    assert game_hash(game_of(swapped)) != SAME
