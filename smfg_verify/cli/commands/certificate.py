"""Is a certificate one: what it claims, proved again from the file alone."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smfg_verify.certificates import load_verifier
from smfg_verify.cli.computing import prepare
from smfg_verify.cli.config import gather
from smfg_verify.cli.endings import FINISHED, STRICT_FAILURE
from smfg_verify.cli.options import GameOptions, ProgramOptions
from smfg_verify.cli.screen import screen
from smfg_verify.errors import InputError
from smfg_verify.records.entries import Record


def verify(
    file: Annotated[Path, Parameter("FILE", metavar="PATH", help="A certificate, as check --certificates writes it.")],
    /,
    *,
    game: Annotated[
        str | None,
        Parameter(
            metavar="GAME", show_default=False, help="Also hold the file's tables against this game, as it is here."
        ),
    ] = None,
    parameters: GameOptions = GameOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Prove a certificate again, by one short program that imports neither JAX nor this package. Exit code 1 if not."""
    verifier = load_verifier("verify")
    with file.open("rb") as opened:
        data = opened.read(verifier.MOST_BYTES + 1)
    try:
        content = verifier.read(data)
        lines = verifier.proved(content)
    except verifier.NotVerified as error:
        return _say([f"not verified: {error}"], STRICT_FAILURE)
    except verifier.NotACertificate as error:
        raise InputError(f"{file}: no certificate: {error}.") from error
    if game is None:
        if parameters.assignments or parameters.config:
            raise InputError("verify: got parameters of a game without --game, expected --game GAME beside them.")
        return _say(lines, FINISHED)
    if not _covered(content["game"], game, parameters, programs):
        return _say(
            [f"not verified: the claim is proved, but of another game than {game} as it is here"], STRICT_FAILURE
        )
    return _say([*lines, f"  The game {game}, as it is here, is one of these."], FINISHED)


def _covered(tables: Record, game: str, parameters: GameOptions, programs: ProgramOptions) -> bool:
    settings = gather(game, parameters, command="verify").game
    prepare(programs)
    from smfg_verify.assumptions.certificates.tables import covers
    from smfg_verify.jobs.one_game import load_game

    return covers(tables, load_game(settings))


def _say(lines: list[str], code: int) -> int:
    for line in lines:
        screen().print(line, soft_wrap=True, markup=False, highlight=False)
    return code
