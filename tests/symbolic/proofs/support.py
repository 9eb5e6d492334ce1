"""Symbolic games for the oracle of the exact side, which knows tables alone."""

import numpy as np
import sympy as sp

from smfg_verify.symbolic import SymbolicGame
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
