"""What is there: the games, and one of them."""

from typing import Annotated, Literal

from cyclopts import Parameter

from smfg_verify.cli.config import gather
from smfg_verify.cli.endings import FINISHED
from smfg_verify.cli.options import GameName, GameOptions
from smfg_verify.cli.precision import use_float64
from smfg_verify.cli.screen import screen


def games() -> int:
    """List the games with their sizes and sources."""
    from smfg_verify.games import describe, names
    from smfg_verify.report.tables.game import games_table

    screen().print(games_table(describe(name) for name in names()))
    return FINISHED


def show(game: GameName, /, parameters: GameOptions = GameOptions()) -> int:
    """Show a game: sizes, parameters, formula, and its equilibrium and gradient under a uniform leader."""
    use_float64()
    from smfg_verify.jobs import pipeline
    from smfg_verify.report import show

    settings = gather(game, parameters, command="show").game
    loaded = pipeline.load_game(settings)
    show.show_game(screen(), loaded, settings, pipeline.at_uniform_leader(loaded))
    return FINISHED


def derive(
    game: GameName,
    /,
    *,
    format: Annotated[
        Literal["text", "latex"], Parameter(help="Plain text, or LaTeX for a document with amsmath.")
    ] = "text",
    parameters: GameOptions = GameOptions(),
) -> int:
    """Derive formulas of a small game: its gradient in closed form, when its best response contracts, its alignment."""
    use_float64()
    from smfg_verify.jobs.derive import derive_game
    from smfg_verify.report.tables.derivation import latex_lines, text_lines

    derivation = derive_game(gather(game, parameters, command="derive").game)
    console = screen()
    for line in (latex_lines if format == "latex" else text_lines)(derivation):
        console.print(line, soft_wrap=format == "latex", markup=False, highlight=False)
    return FINISHED
