"""What a worker does with a bundle: make the game, see that it is the one that was meant, compute, and report."""

import functools
import time
import traceback
import warnings

from smfg_verify.errors import InputError, NumericalError
from smfg_verify.game import AbstractGame, game_hash
from smfg_verify.game.user_code import in_words, place_in_user_code
from smfg_verify.games import load
from smfg_verify.records.versions import versions
from smfg_verify.sweep.cells import Bundle
from smfg_verify.sweep.kinds.kind import KINDS
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.store import CellRecord
from smfg_verify.version import __version__


def compute_bundle(bundle: Bundle) -> list[CellRecord]:
    """Compute the cells of a bundle.

    Args:
        bundle: of one kind, game and settings.

    Returns:
        One record for each of its cells. Bad input, numbers that are not found and faults of this package are records
        too, each with its own status: the other cells of a sweep do not fall with one.

    Raises:
        ValueError: this process has another version of the package, or another game of that name: every cell would be
            computed wrongly here.
    """
    game = _the_game(bundle)
    begun = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # thousands of cells would say the same; the files have statuses
        outcomes = _outcomes(bundle, game)
    seconds = (time.monotonic() - begun) / len(bundle.cells)
    return [
        CellRecord(cell, outcome, seconds=seconds, versions=_versions_here())
        for cell, outcome in zip(bundle.cells, outcomes, strict=True)
    ]


@functools.cache
def _versions_here() -> dict[str, str]:
    """Of this process: looking them up takes longer than a small cell."""
    return versions()


def _the_game(bundle: Bundle) -> AbstractGame:
    needed = bundle.cells[0].about["package_version"]
    if needed != __version__:
        raise InputError(
            f"worker: got smfg-verify {__version__}, expected {needed} as in the sweep; install one version on all "
            "machines."
        )
    game = load(bundle.game.name, **bundle.game.parameters)
    found = game_hash(game)
    if found != bundle.identity:
        raise InputError(
            f"worker: got another game as {bundle.game.name}, with the digest {found[:8]}, expected "
            f"{bundle.identity[:8]}; likely cause: its file was changed since the sweep began, or differs on that "
            "machine, or Python does."
        )
    return game


def _outcomes(bundle: Bundle, game: AbstractGame) -> list[Outcome]:
    try:
        return KINDS.find(bundle.kind).compute(game, bundle.settings, bundle.seeds)
    except Exception as error:
        return [_failure(error)] * len(bundle.cells)


def _failure(error: Exception) -> Outcome:
    """Whose an error is: of the input, of the numbers, of a user's code, or of this package."""
    if isinstance(error, InputError):
        return Outcome(CellStatus.REFUSED, str(error))
    if isinstance(error, NumericalError):
        return Outcome(CellStatus.NOT_CONVERGED, str(error))
    place = place_in_user_code(error)
    if place is not None:
        return Outcome(CellStatus.REFUSED, in_words(error, place))
    return Outcome(CellStatus.FAULT, "".join(traceback.format_exception(error)))
