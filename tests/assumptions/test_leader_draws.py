"""The leaders that are looked at: as many as asked for, a function of the seed, and a run's own whatever its axes."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.assumptions import search_settings
from smfg_verify.assumptions.leader_draws import random_leaders, trajectory_leaders
from tests.support.strategies import tables

pytestmark = pytest.mark.wrong_types  # a namespace stands for a game

GAME = SimpleNamespace(num_leader_actions=3, leader_observation=np.array([0, 1, 1]), num_states=3)
SETTINGS = search_settings("quick")


@given(st.integers(0, 10**6), st.integers(1, 40), st.floats(0.1, 10.0))
def test_random_leaders_scale_and_more_of_them_begin_with_the_same(seed, number, scale):
    asked = dataclasses.replace(SETTINGS, seed=seed, num_leaders=number, leader_scale=1.0)
    leaders = random_leaders(GAME, asked)
    assert leaders.shape == (number, 2, 3)
    wide = random_leaders(GAME, dataclasses.replace(asked, leader_scale=scale))
    np.testing.assert_allclose(wide, scale * leaders, rtol=1e-15)
    more = random_leaders(GAME, dataclasses.replace(asked, num_leaders=number + 5))
    np.testing.assert_array_equal(more[:number], leaders)
    assert not np.array_equal(random_leaders(GAME, dataclasses.replace(asked, seed=seed + 1)), leaders)


@given(tables((4, 5, 2, 3), 9.0), st.integers(0, 119), st.sampled_from([np.nan, np.inf]))
def test_a_run_is_one_list_of_its_leaders_and_is_refused_with_any_that_is_no_number(logits, place, what):
    np.testing.assert_array_equal(trajectory_leaders(GAME, logits), logits.reshape(20, 2, 3))
    np.testing.assert_array_equal(trajectory_leaders(GAME, logits[0, 0]), logits[:1, 0])
    spoilt = logits.copy()
    spoilt.flat[place] = what
    with pytest.raises(ValueError, match="NaN or infinite"):
        trajectory_leaders(GAME, spoilt)
    for other in (logits[..., :2], logits[..., 0], logits[:0]):
        with pytest.raises(ValueError, match="trajectory: got shape"):
            trajectory_leaders(GAME, other)
