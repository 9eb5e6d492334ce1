"""Names of states, actions and observations, as tables and figures show them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from smfg_verify.game import AbstractGame, num_leader_observations

_MANY = 4


class Labels(NamedTuple):
    """A name for each state, follower action, leader action and observation of the leader."""

    states: tuple[str, ...]
    follower_actions: tuple[str, ...]
    leader_actions: tuple[str, ...]
    observations: tuple[str, ...]


def labels_of(game: AbstractGame) -> Labels:
    """The game's labels, numbers where it has none; an observation is named by the states it covers."""
    states = _named(game.state_labels, game.num_states)
    observed = np.asarray(game.leader_observation)
    groups = [[states[s] for s in np.flatnonzero(observed == row)] for row in range(num_leader_observations(game))]
    return Labels(
        states=states,
        follower_actions=_named(game.follower_action_labels, game.num_follower_actions),
        leader_actions=_named(game.leader_action_labels, game.num_leader_actions),
        observations=tuple(_group(members, game.num_states) for members in groups),
    )


def free_parameter_names(game: AbstractGame) -> tuple[str, ...]:
    """Names of the leader's free parameters: every action but the first, at every observation."""
    labels = labels_of(game)
    several = len(labels.observations) > 1
    return tuple(
        f"{action} at {observation}" if several else action
        for observation in labels.observations
        for action in labels.leader_actions[1:]
    )


def _named(labels: Sequence[str] | None, size: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(size)) if labels is None else tuple(str(label) for label in labels)


def _group(members: list[str], num_states: int) -> str:
    if len(members) == num_states and num_states > 1:
        return "any state"
    if len(members) > _MANY:
        return f"{members[0]} ... {members[-1]} ({len(members)} states)"
    return ", ".join(members) if members else "no state"
