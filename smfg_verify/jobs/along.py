"""Properties at the iterates of a run that is on the disk, as a job."""

import dataclasses
from pathlib import Path

from smfg_verify.assumptions import AlongRun, check_along
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, game_hash
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.one_game import load_game
from smfg_verify.jobs.pipeline import TRACE_FILE
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import CheckSettings, GameSettings
from smfg_verify.stochastic import Trace


@dataclasses.dataclass(frozen=True)
class Along:
    """What was found along a run, with its game and the run's file."""

    settings: GameSettings
    game: AbstractGame
    run: Path
    method: str
    found: AlongRun


def find_along(settings: GameSettings, place: Path, check: CheckSettings, store: Store | None = None) -> Along:
    """Hold properties against the iterates of a run.

    Args:
        settings: the game.
        place: the run's file, or the directory that a command wrote it to.
        check: which properties; nothing else of it is used.
        store: keeps what is finished; nothing is kept if None.

    Returns:
        What was found.

    Raises:
        ValueError: bad settings, no run there, or the run of another game or of other parameters.
    """
    game, progress = load_game(settings), Progress()
    path = place / TRACE_FILE if place.is_dir() and place.suffix != ".zarr" else place
    trace = Trace.load(path)
    if trace.metadata.game_hash != game_hash(game):
        raise InputError(
            f"--along: got a run of {trace.game}, which is another game or has other parameters than {settings.name}; "
            "expected a run of this game. Likely cause: the --set options of the run are missing."
        )
    job = (store or Store(None)).job("along", game, {"run": trace.metadata, "properties": check.properties})
    title = f"Checking along {len(trace.seeds)} seeds at {len(trace.iterations)} checkpoints"
    with progress.stage("along", title):
        found = check_along(game, trace, check.properties, keep=job)
    return Along(settings, game, path, trace.method, found)
