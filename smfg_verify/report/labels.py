"""Names of games, states, actions, observations, measures and methods, as tables and figures show them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from smfg_verify.game import AbstractGame, num_leader_observations

_MANY = 4


# Units of what is measured. "reward" is the unit of the game's rewards, whatever it is; 1 is no unit.
REWARD, SQUARED_REWARD, NO_UNIT = "reward", "reward$^2$", "1"


class Measure(NamedTuple):
    """What figures write for a number of a record: words, the symbol of the theory, and a unit."""

    words: str
    symbol: str
    unit: str

    @property
    def axis(self) -> str:
        """Symbol and unit, for an axis."""
        return f"{self.symbol} [{self.unit}]"


MEASURES = {
    "e_omega": Measure("Leader's gradient", r"$\|\nabla\Phi(\omega_k)\|_2^2$", SQUARED_REWARD),
    "policy_gap": Measure(
        "Leader's policy-space gap", r"$\mathrm{max}_\phi\langle\phi-\phi_k,\nabla_{\!\phi}\Phi\rangle$", REWARD
    ),
    "e_theta": Measure("Follower's policy", r"$J_f(\pi^*)-J_f(\pi_k)$", REWARD),
    "e_mu": Measure("Mean field", r"$\|\hat\mu_k-\mu^*(\phi_k)\|_2^2$", NO_UNIT),
    "e_Vf": Measure("Follower's critic", r"$\|V_{f,k}-V_f^{\pi_k}\|_2^2$", SQUARED_REWARD),
    "e_Vl": Measure("Leader's critic", r"$\|V_{l,k}-V_l^{\pi_k}\|_2^2$", SQUARED_REWARD),
    "objective": Measure("Leader's objective", r"$\Phi(\omega_k)$", REWARD),
    "exploitability": Measure("Follower's exploitability", r"$\mathrm{max}_\pi J_f(\pi)-J_f(\pi_k)$", REWARD),
}
_METHODS = {"ac-smfg": "AC-SMFG", "adage": "ADAGE"}


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


def game_title(name: str) -> str:
    """A game's name as a title: "Laffer tax" of laffer-tax, LafferTax and games.py:LafferTax."""
    inside = name.rpartition(":")[2]
    return _in_words(Path(inside).stem if inside.endswith(".py") else inside)


def method_title(name: str) -> str:
    """A method's name as a title: its authors' where it is an acronym, else its words."""
    return _METHODS.get(name, _in_words(name))


def _in_words(name: str) -> str:
    """An identifier as words; what has spaces is in words already."""
    if re.search(r"\s", name):
        return name
    parts = re.split(r"[-_]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", name)
    words = [part.lower() if part[1:].islower() or len(part) == 1 else part for part in parts if part]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


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
