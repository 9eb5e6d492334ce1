"""Whose code an error comes from: a game of the user's, or this package."""

import contextlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame
from smfg_verify.game.reach.libraries import is_installed

_PACKAGE = Path(__file__).resolve().parent.parent


def place_in_user_code(error: BaseException) -> traceback.FrameSummary | None:
    """Where the user's own code raised an error, itself or inside a library that it called.

    Args:
        error: as caught.

    Returns:
        The innermost line that is no library's, if it is the user's; None where it is a line of this package.
    """
    games = _files_of_games()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if not frame.filename.startswith("<"):
            if file.resolve().is_relative_to(_PACKAGE):
                return None
            if file.resolve() in games or not is_installed(frame.filename):
                return frame
    return None


def in_words(error: BaseException, place: traceback.FrameSummary) -> str:
    """The error of a user's code in one line, with file, line and likely cause."""
    reason = (str(error).strip() or "no message").splitlines()[0]
    return (
        f"{place.filename}, line {place.lineno}, in {place.name}: {type(error).__name__}: {reason}. Likely cause: an "
        "error in that code; it runs on traced arrays of JAX."
    )


@contextlib.contextmanager
def blamed_on_user_code() -> Iterator[None]:
    """What a user's code raises inside it becomes an `InputError` with its place; an error of ours stays as it is."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        place = place_in_user_code(error)
        if place is None:
            raise
        raise InputError(f"game: {in_words(error, place)}") from error


def _files_of_games() -> set[Path]:
    """Files that define games: an installed package of games is the user's code too, the shipped games are ours."""
    found, waiting = set(), list(AbstractGame.__subclasses__())
    while waiting:
        game_class = waiting.pop()
        waiting += game_class.__subclasses__()
        file = getattr(sys.modules.get(game_class.__module__), "__file__", None)
        if file is not None:
            found.add(Path(file).resolve())
    return found
