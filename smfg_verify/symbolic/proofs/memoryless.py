r"""Games of two states in which the follower's choice does not depend on the state: the equilibrium as one equation.

Where the moves depend on the action alone and the reward is $u_s + w_a$, the values differ by $V_0 - V_1 = u_0 - u_1$,
and with $p = \pi(0 | s)$ the equilibrium is $\tau \log(p / (1 - p)) = $ the advantage of action 0.
"""

import dataclasses

import sympy as sp

from smfg_verify.symbolic import symbols
from smfg_verify.symbolic.proofs.signs import vanishes
from smfg_verify.symbolic.responses import Responses

choice = sp.Symbol("p", positive=True)


@dataclasses.dataclass(frozen=True)
class Memoryless:
    """The equilibrium of a memoryless game.

    Attributes:
        advantage: of action 0 over action 1 in the follower's soft Q, in mean field, phi and parameters.
        share: mass of state 0 that the choice p brings about.
        substitution: the equilibrium's pi and m in terms of p.
    """

    advantage: sp.Expr
    share: sp.Expr
    substitution: dict[sp.Symbol, sp.Expr]

    def at_equilibrium(self, expression: sp.Expr) -> sp.Expr:
        """An expression with pi and m by the choice p.

        Args:
            expression: in the symbols of the equilibrium.

        Returns:
            The same in p.
        """
        return expression.subs(self.substitution)


def memoryless(responses: Responses) -> Memoryless | None:
    """The equilibrium as one equation, where the game is of that kind.

    Args:
        responses: of the game.

    Returns:
        The equation; None where sympy does not find that the choice is the same in both states.
    """
    game = responses.game
    if game.names.sizes[:2] != (2, 2) or len(responses.rows) != 1:
        return None
    reward = {
        (s, a): responses.mean_over_leader("follower_reward", s, a) for s in responses.states for a in responses.actions
    }
    rows = responses.averaged.rows
    same_moves = all(vanishes(rows[0, a][t] - rows[1, a][t]) for a in (0, 1) for t in (0, 1))
    if not same_moves or not vanishes(reward[0, 0] - reward[0, 1] - reward[1, 0] + reward[1, 1]):
        return None
    to_first = [rows[0, a][0] for a in (0, 1)]
    value_gap = reward[0, 0] - reward[1, 0]  # V_0 - V_1: what follows the first period is the same in both states
    advantage = reward[0, 0] - reward[0, 1] + symbols.discount * (to_first[0] - to_first[1]) * value_gap
    share = choice * to_first[0] + (1 - choice) * to_first[1]
    if share.free_symbols & set(responses.m):
        return None
    by_choice = {responses.pi[s, a]: (choice, 1 - choice)[a] for s in (0, 1) for a in (0, 1)}
    by_choice |= {responses.m[0]: share, responses.m[1]: 1 - share}
    return Memoryless(sp.expand(advantage), sp.expand(share), by_choice)
