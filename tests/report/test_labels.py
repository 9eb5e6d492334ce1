"""Names as tables show them: the game's own, numbers where it has none, and observations by the states they cover."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.games import load, names
from smfg_verify.report.labels import free_parameter_names, labels_of

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


def observing(observation):
    """What of a game the labels are made of."""
    nothing = {"follower_action_labels": None, "leader_action_labels": None}
    sizes = {"num_states": 6, "num_follower_actions": 2, "num_leader_actions": 3}
    return SimpleNamespace(state_labels=tuple("uvwxyz"), leader_observation=np.array(observation), **sizes, **nothing)


@pytest.mark.parametrize("name", names())
def test_there_is_one_name_for_each_thing_and_for_each_free_parameter(name):
    game, labels = load(name), labels_of(load(name))
    assert len(labels.states) == game.num_states
    assert len(labels.follower_actions) == game.num_follower_actions
    assert len(labels.leader_actions) == game.num_leader_actions
    free = free_parameter_names(game)
    assert len(free) == len(labels.observations) * (game.num_leader_actions - 1)
    assert len(set(free)) == len(free)


@given(st.lists(st.integers(0, 2), min_size=6, max_size=6).filter(lambda seen: set(seen) == set(range(max(seen) + 1))))
def test_an_observation_is_named_by_its_states(seen):
    labels = labels_of(observing(seen))
    for row, name in enumerate(labels.observations):
        members = [label for label, each in zip("uvwxyz", seen, strict=True) if each == row]
        if len(members) == 6:
            assert name == "any state"
        elif len(members) > 4:
            assert name == f"{members[0]} ... {members[-1]} ({len(members)} states)"
        else:
            assert name.split(", ") == members
    assert labels.leader_actions == ("0", "1", "2")
