"""What is there: the games, one of them, and a new one of one's own."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from smfg_verify.cli.computing import prepare
from smfg_verify.cli.config import assigned_texts, gather
from smfg_verify.cli.endings import FINISHED, PROGRAM
from smfg_verify.cli.options import GameName, GameOptions, ProgramOptions
from smfg_verify.cli.screen import say_written_to, screen
from smfg_verify.errors import InputError
from smfg_verify.jobs.new_game import Kind
from smfg_verify.jobs.settings import GameSettings

# The parts that `derive` knows, as smfg_verify.symbolic.derivation has them: sympy is not loaded for the command line.
PartName = Literal["formulas", "contraction", "alignment", "rates", "constants"]


def games() -> int:
    """List the games with their sizes and sources."""
    from smfg_verify.games import describe, names
    from smfg_verify.report.tables.game import games_table

    screen().print(games_table(describe(name) for name in names()))
    return FINISHED


def show(
    game: GameName, /, parameters: GameOptions = GameOptions(), programs: ProgramOptions = ProgramOptions()
) -> int:
    """Show a game: sizes, parameters, formula, and its equilibrium and gradient under a uniform leader."""
    prepare(programs)
    from smfg_verify.jobs import one_game
    from smfg_verify.jobs.progress import Progress
    from smfg_verify.report.show_game import show_game

    settings = gather(game, parameters, command="show").game
    loaded = one_game.load_game(settings)
    show_game(screen(), loaded, settings, one_game.at_uniform_leader(loaded, Progress()))
    return FINISHED


def new(
    file: Annotated[Path, Parameter("FILE", metavar="PATH", help="The file to write, such as my_beach.py.")],
    /,
    *,
    kind: Annotated[
        Kind,
        Parameter(
            "--from", help="How the game is written: a class, arrays, formulas, or an MFGLib environment with a leader."
        ),
    ] = "class",
    overwrite: Annotated[bool, Parameter(help="Replace a file that is there.", show_default=False)] = False,
) -> int:
    """Write a file with a small game that works, for you to change into yours."""
    from smfg_verify.jobs.new_game import plan_game, write_game

    planned = plan_game(file, kind)
    say_written_to(write_game(planned, overwrite=overwrite))
    console = screen()
    console.print(f"It holds {planned.inside}; each CHANGE in it marks what is yours. Next:", markup=False)
    for command in planned.next_commands:
        console.print(f"  {PROGRAM} {command}", soft_wrap=True, markup=False, highlight=False)
    return FINISHED


def derive(
    game: GameName,
    /,
    *,
    format: Annotated[
        Literal["text", "latex"], Parameter(help="Plain text, or LaTeX for a document with amsmath and booktabs.")
    ] = "text",
    about: Annotated[
        tuple[PartName, ...] | None,
        Parameter(
            negative=(),
            help="Only this part; repeatable [all]. Formulas with the gradient, contraction and alignment are of "
            "small games that have formulas; rates of learning, from exponents of the step sizes, are the same for "
            "every game; certified constants of any game come as expressions, with the share of each term.",
        ),
    ] = None,
    exponent: Annotated[
        tuple[str, ...] | None,
        Parameter(
            metavar="LEARNER=S",
            help="For the rates: steps k^(-S) of a learner, S a rational or a symbol; repeatable [symbols].",
        ),
    ] = None,
    parameters: GameOptions = GameOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Derive all that can be of a game: its gradient in closed form, contraction, alignment, rates, constants."""
    prepare(programs)
    settings = gather(game, parameters, command="derive").game
    exponents = assigned_texts("--exponent", exponent or ())
    if exponents and about and "rates" not in about:
        raise InputError(f"--exponent: got it beside --about {' --about '.join(about)}, expected --about rates.")
    console = screen()
    for line in _derived(settings, about or (), exponents, latex=format == "latex"):
        console.print(line, soft_wrap=format == "latex", markup=False, highlight=False)
    return FINISHED


def _derived(
    settings: GameSettings, about: Iterable[PartName], exponents: Mapping[str, str], *, latex: bool
) -> Iterator[str]:
    """The lines that `derive` prints, those of each part as soon as it is there."""
    from smfg_verify.jobs.derive import derive_parts
    from smfg_verify.report.tables.derivation import latex_lines, text_lines

    for found in derive_parts(settings, about, exponents):
        yield from (latex_lines if latex else text_lines)(found)
