"""Symbolic games for the oracle of the exact side, which knows tables alone."""

import numpy as np
import sympy as sp

from smfg_verify.symbolic import SymbolicGame, symbols
from tests.helpers.array_games import CallableGame


def oracle_game(game: SymbolicGame) -> CallableGame:
    """The game's tables, printed by sympy's own printer for NumPy."""
    sizes = game.names.sizes
    shapes = {"transition": (*sizes, sizes[0]), "follower_reward": sizes, "leader_reward": sizes}
    entries = [list(game.tables[name].values()) for name in shapes]
    printed = sp.lambdify([game.names.field_symbols], [[e.subs(game.substitution) for e in table] for table in entries])

    def tables(mean_field: np.ndarray) -> tuple[np.ndarray, ...]:
        found = zip(printed(mean_field), shapes.values(), strict=True)
        return tuple(np.array(table, dtype=float).reshape(shape) for table, shape in found)

    return CallableGame(
        functions=tables,
        sizes=sizes,
        discount=game.discount,
        temperature=game.temperature,
        initial_distribution=np.asarray(game.initial_distribution),
        observation=np.asarray(game.observation),
    )


def two_state_game(
    follower_reward: sp.Expr,
    parameters: dict[sp.Symbol, float],
    *,
    leader_reward: sp.Expr | None = None,
    transition: sp.Expr | None = None,
) -> SymbolicGame:
    """Two states, actions and prices; the follower goes where it says unless told otherwise."""
    return SymbolicGame(
        name="two states",
        states=("0", "1"),
        follower_actions=("go to 0", "go to 1"),
        leader_actions=("free", "price"),
        transition=sp.KroneckerDelta(symbols.follower_action, symbols.next_state) if transition is None else transition,
        follower_reward=follower_reward,
        leader_reward=symbols.leader_action * symbols.mean_field[0] if leader_reward is None else leader_reward,
        parameters=parameters,
        discount=0.9,
        temperature=0.5,
        initial_distribution=(0.5, 0.5),
        leader_observation=(0, 0),
    )
