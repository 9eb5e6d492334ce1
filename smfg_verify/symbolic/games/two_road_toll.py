"""Two roads and a toll as formulas."""

import numpy as np
import sympy as sp

from smfg_verify.games import TwoRoadToll
from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.games.shared import contract_of, with_inertia
from smfg_verify.symbolic.symbols import follower_action, leader_action, mean_field, next_state

kappa = sp.IndexedBase("kappa", nonnegative=True)
tolls = sp.IndexedBase("tolls", real=True)
inertia = sp.Symbol("inertia", nonnegative=True)


def two_road_toll(game: TwoRoadToll) -> SymbolicGame:
    """The formulas of `TwoRoadToll`, with the numbers of a game.

    Args:
        game: gives the numbers and the number of tariffs.

    Returns:
        The same game as formulas.
    """
    toll = tolls[leader_action, follower_action]
    return SymbolicGame(
        transition=with_inertia(sp.KroneckerDelta(follower_action, next_state), inertia, game.num_states),
        follower_reward=-kappa[follower_action] * mean_field[follower_action] - toll,
        leader_reward=toll,
        parameters={kappa: np.asarray(game.kappa), tolls: np.asarray(game.tolls), inertia: float(game.inertia)},
        **contract_of("two-road-toll", game),
    )
