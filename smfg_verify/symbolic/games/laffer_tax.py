"""The Laffer curve as formulas."""

import numpy as np
import sympy as sp

from smfg_verify.games import LafferTax
from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.games.shared import contract_of, with_inertia
from smfg_verify.symbolic.symbols import follower_action, leader_action, mean_field, next_state, state

taxes = sp.IndexedBase("taxes", nonnegative=True)
wage = sp.Symbol("wage", positive=True)
outside, kappa, inertia = sp.symbols("outside kappa inertia", nonnegative=True)


def laffer_tax(game: LafferTax) -> SymbolicGame:
    """The formulas of `LafferTax`, with the numbers of a game.

    Args:
        game: gives the numbers and the number of taxes.

    Returns:
        The same game as formulas.
    """
    formal = wage * (1 - taxes[leader_action])
    informal = outside - kappa * mean_field[1]
    return SymbolicGame(
        transition=with_inertia(sp.KroneckerDelta(follower_action, next_state), inertia, game.num_states),
        follower_reward=sp.Piecewise((formal, sp.Eq(state, 0)), (informal, True)),
        leader_reward=taxes[leader_action] * mean_field[0] * wage,
        parameters={
            taxes: np.asarray(game.taxes),
            wage: float(game.wage),
            outside: float(game.outside),
            kappa: float(game.kappa),
            inertia: float(game.inertia),
        },
        **contract_of("laffer-tax", game),
    )
