"""A game on the screen."""

from rich.console import Console

from smfg_verify.exact import StackelbergGradient
from smfg_verify.game import AbstractGame, game_hash
from smfg_verify.games import describe, names
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.report.tables import game as game_tables


def show_game(console: Console, game: AbstractGame, settings: GameSettings, uniform: StackelbergGradient) -> None:
    """Print all there is to know about a game before anything is run."""
    allowed = {}
    if settings.name in names():
        allowed = {entry.name: entry.values for entry in describe(settings.name).parameters}
    console.print(game_tables.sizes_table(game, settings.name, game_hash(game)))
    console.print(game_tables.parameters_table(game, allowed))
    console.print(game_tables.documentation(game))
    console.print(game_tables.gradient_table(uniform, "\nUnder the uniform leader"))
    console.print(game_tables.equilibrium_tables(game, uniform))
