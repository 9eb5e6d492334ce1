"""Facts that are proved of a game when a theorem asks."""

import numpy as np
import pytest

from smfg_verify.assumptions import search_settings
from smfg_verify.game import TabularGame
from smfg_verify.theorems import Facts, power_steps
from tests.helpers.random_arrays import random_array_game
from tests.report.records import assumptions
from tests.support.certified_games import MILD


def facts(change, **options):
    arrays = random_array_game(np.random.default_rng(0), 2, 2, 2, **{**MILD, **options})
    change(arrays)
    game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    return Facts(game, assumptions(game=game), power_steps(), search_settings("quick", num_boxes=50))


def same_for_all_actions(arrays):
    arrays.leader_rewards[:] = arrays.leader_rewards[:, :1]


def crossing(arrays):
    """One action is better where everybody is in the first state, the other where everybody is in the second."""
    same_for_all_actions(arrays)
    arrays.leader_rewards_mean_field[1] = -arrays.leader_rewards_mean_field[0]


def slopes_too(arrays):
    same_for_all_actions(arrays)
    arrays.leader_rewards_mean_field[:] = arrays.leader_rewards_mean_field[:, :, :1]


def better_by(gap):
    def change(arrays):
        same_for_all_actions(arrays)
        arrays.leader_rewards[1, 1, 0] += gap

    return change


@pytest.mark.parametrize(
    ("change", "options", "known"),
    [
        (same_for_all_actions, {"leader_coupling": 0.0}, False),
        (better_by(1e-6), {"leader_coupling": 0.0}, True),
        # Within rounding of equal neither is proved.
        (better_by(1e-16), {"leader_coupling": 0.0}, None),
        # The same table for all actions, but read by an index that the action is part of.
        (slopes_too, {"leader_coupling": 0.5}, None),
        (crossing, {"leader_coupling": 0.5}, True),
        (better_by(10.0), {"leader_coupling": 0.5}, True),
    ],
)
def test_whether_the_leaders_reward_follows_the_followers_action(change, options, known):
    assert facts(change, **options).leader_reward_follows is known


def test_what_was_not_checked_is_not_known():
    found = facts(same_for_all_actions)
    assert found.coupled is None
    assert found.verdict("lipschitz") is None
    assert found.finding("lipschitz", "transition") is None
