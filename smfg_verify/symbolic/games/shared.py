"""What formulas of shipped games share."""

from typing import TypedDict

import numpy as np
import sympy as sp

from smfg_verify.game import AbstractGame, MeanFieldSupport


class Contract(TypedDict):
    """The fields of a symbolic game that are no formulas."""

    name: str
    states: tuple[str, ...]
    follower_actions: tuple[str, ...]
    leader_actions: tuple[str, ...]
    discount: float
    temperature: float
    leader_temperature: float
    initial_distribution: list[float]
    leader_observation: tuple[int, ...]
    mean_field_support: MeanFieldSupport


def contract_of(name: str, game: AbstractGame) -> Contract:
    """What a class says beside its three functions.

    Args:
        name: of the game.
        game: an instance of the class.

    Returns:
        Arguments of `SymbolicGame`.
    """
    return Contract(
        name=name,
        states=tuple(game.state_labels or ()),
        follower_actions=tuple(game.follower_action_labels or ()),
        leader_actions=tuple(game.leader_action_labels or ()),
        discount=float(game.discount),
        temperature=float(game.temperature),
        leader_temperature=float(game.leader_temperature),
        initial_distribution=np.asarray(game.initial_distribution).tolist(),
        leader_observation=tuple(np.asarray(game.leader_observation).tolist()),
        mean_field_support=game.mean_field_support,
    )


def with_inertia(move: sp.Expr, inertia: sp.Expr, num_states: int) -> sp.Expr:
    """The move with probability 1 - e, a uniformly drawn state with probability e."""
    return (1 - inertia) * move + inertia / num_states
