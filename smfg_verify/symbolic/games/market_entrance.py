"""Market entrance as formulas."""

import numpy as np
import sympy as sp

from smfg_verify.games import MarketEntrance
from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.games.shared import contract_of
from smfg_verify.symbolic.symbols import follower_action, leader_action, mean_field, next_state, state

kappa = sp.IndexedBase("kappa", nonnegative=True)
target = sp.IndexedBase("target", positive=True)
rebate, cost, weight, inertia = sp.symbols("rebate cost weight inertia", nonnegative=True)
floor = sp.Symbol("floor", positive=True)


def market_entrance(game: MarketEntrance) -> SymbolicGame:
    """The formulas of `MarketEntrance`, with the numbers of a game.

    Args:
        game: gives the numbers, the number of sides and the kind of scarcity.

    Returns:
        The same game as formulas.
    """
    sides, side = game.num_states, sp.Symbol("k", integer=True)
    favoured = sp.Piecewise((1, sp.Eq(leader_action, follower_action + 1)), (0, True))
    favours = sp.Piecewise((1, leader_action > 0), (0, True))
    placed = sp.Piecewise(
        (sp.KroneckerDelta(leader_action - 1, next_state), leader_action > 0), (sp.Rational(1, sides), True)
    )
    chosen = sp.KroneckerDelta(follower_action, next_state)
    numbers = {kappa: game.kappa, target: game.target, rebate: game.rebate, cost: game.cost, weight: game.weight}
    if game.scarcity == "log":
        scarcity = sp.log(target[state] / sp.Max(mean_field[state], floor))
        numbers[floor] = game.floor
    else:
        scarcity = -sp.Sum((mean_field[side] - target[side]) ** 2, (side, 0, sides - 1))
    return SymbolicGame(
        transition=(1 - inertia) * chosen + inertia * placed,
        follower_reward=-kappa[state] * mean_field[state] + rebate * favoured,
        leader_reward=weight * scarcity - cost * favours,
        parameters={symbol: np.asarray(value) for symbol, value in {**numbers, inertia: game.inertia}.items()},
        **contract_of("market-entrance", game),
    )
