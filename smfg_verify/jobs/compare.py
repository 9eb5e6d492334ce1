"""A comparison of methods as a job, resumable."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

from smfg_verify.comparison import CompareSettings, Comparison, compare
from smfg_verify.comparison.compare import ContenderResult, checked_contenders
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, game_hash
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.one_game import load_game
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import opened, read_text
from smfg_verify.records.parts import T
from smfg_verify.records.typed import structured
from smfg_verify.records.versions import versions

FORMAT, SCHEMA_VERSION = "smfg-verify compare", 2
COMPARE_FILE, COMPARE_FIGURE = "compare.json", "compare"


@dataclasses.dataclass(frozen=True)
class Compared:
    """A comparison with its game."""

    settings: GameSettings
    game: AbstractGame
    comparison: Comparison


def make_comparison(
    settings: GameSettings, methods: Sequence[str], how: CompareSettings, store: Store | None = None
) -> Compared:
    """Compare methods; each method's result is kept before the next one begins.

    Args:
        settings: the game.
        methods: names of contenders.
        how: samples, seeds, tuning.
        store: keeps what is finished, and takes it back where it is resumed, also out of a finished comparison of the
            same game and settings; nothing is kept if None.

    Returns:
        The comparison.

    Raises:
        ValueError: bad settings, before anything is run.
        OSError: the disk is full, or the directory cannot be written.
    """
    game, progress = load_game(settings), Progress()
    checked_contenders(game, methods, how)
    store = store or Store(None)
    before = _finished_before(store, game, how)
    job = store.job("compare", game, {"how": how})

    def keep(name: str, make: Callable[[], T]) -> T:
        return cast(T, before[name]) if name in before else job(name, make)

    title = f"Comparing {len(methods)} methods, {how.seeds} seeds, {how.samples:,} samples each"
    with progress.stage("compare", title):
        found = compare(game, methods, how, progress=lambda line: progress.say(f"  {line}"), keep=keep)
    return Compared(settings, game, found)


def _finished_before(store: Store, game: AbstractGame, how: CompareSettings) -> dict[str, ContenderResult]:
    """The results in a compare.json about the same game, settings and versions."""
    path = None if store.directory is None else store.directory / COMPARE_FILE
    if path is None or not store.resumed or not path.exists():
        return {}
    try:
        record = opened(read_text(path, "a comparison"), FORMAT, SCHEMA_VERSION)
        about = (record["game"]["identity"], record["settings"], record["versions"])
        if about != (game_hash(game), plain(how), versions()):
            return {}
        found = {name: structured(ContenderResult, entry) for name, entry in record["results"].items()}
    except (InputError, KeyError, TypeError) as error:
        Progress().say(f"{path}: not taken up ({error}).")
        return {}
    store.product(path)
    return found
