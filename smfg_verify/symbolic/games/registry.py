"""Shipped games with formulas, by the name of their class."""

from collections.abc import Callable
from typing import Any

from smfg_verify import games
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.suggestions import closest
from smfg_verify.symbolic.formula_game import FormulaGame
from smfg_verify.symbolic.game import SymbolicGame, from_game
from smfg_verify.symbolic.games.laffer_tax import laffer_tax
from smfg_verify.symbolic.games.market_entrance import market_entrance
from smfg_verify.symbolic.games.two_road_toll import two_road_toll

_BUILT: dict[str, Callable[[Any], SymbolicGame]] = {
    "laffer-tax": laffer_tax,
    "two-road-toll": two_road_toll,
    "market-entrance": market_entrance,
}


def names() -> tuple[str, ...]:
    """Names of the shipped games that have formulas.

    Returns:
        The names, a part of `smfg_verify.games.names()`.

    Examples:
        >>> from smfg_verify import symbolic
        >>> symbolic.names()
        ('laffer-tax', 'two-road-toll', 'market-entrance')
    """
    return tuple(_BUILT)


def load(name: str, **parameters: Any) -> SymbolicGame:
    """A game as formulas, by name.

    Args:
        name: a name out of `names()`, or a file that holds a game made by `SymbolicGame.to_game`, as
            `smfg_verify.games.load` takes it.
        **parameters: of the class of the same name.

    Returns:
        The game.

    Raises:
        ValueError: a game without formulas, or anything `smfg_verify.games.load` refuses.

    Examples:
        >>> from smfg_verify import symbolic
        >>> game = symbolic.load("laffer-tax", kappa=0.2)
        >>> game.tables["leader_reward"][0, 0, 1]
        m_0*taxes_1*wage
    """
    game = games.load(name, **parameters)
    if name in _BUILT:
        return _BUILT[name](game)
    return _of_own(name, game)


def _of_own(name: str, game: AbstractGame) -> SymbolicGame:
    if isinstance(game, FormulaGame):
        return from_game(game)
    raise InputError(
        f"{name}: got a game without formulas{closest(name, _BUILT)}; expected one of {', '.join(_BUILT)}, or a file "
        "with a game made by SymbolicGame.to_game."
    )
