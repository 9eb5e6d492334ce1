"""A comparison of methods as a job: resumable, with its table, compare.json and figure."""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from smfg_verify.comparison import CompareSettings, Comparison, Measures, compare, find_contender
from smfg_verify.comparison.compare import ContenderResult
from smfg_verify.comparison.tuning import Trial
from smfg_verify.game import AbstractGame, game_hash
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.pipeline import load_game
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.records.parts import T
from smfg_verify.records.plain import plain, versions

FORMAT, SCHEMA_VERSION = "smfg-verify compare", 1
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
    for name in methods:
        find_contender(name)
    store = store or Store(None)
    before = _finished_before(store, game, how)
    job = store.job("compare", game, {"how": how})

    def keep(name: str, make: Callable[[], T]) -> T:
        return cast(T, before[name]) if name in before else job(name, make)

    found = compare(game, methods, how, progress=lambda line: progress.say(f"  {line}"), keep=keep)
    return Compared(settings, game, found)


def _finished_before(store: Store, game: AbstractGame, how: CompareSettings) -> dict[str, ContenderResult]:
    """The results in a compare.json about the same game, settings and versions."""
    path = None if store.directory is None else store.directory / COMPARE_FILE
    if path is None or not store.resumed or not path.exists():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        about = (record["schema_version"], record["game"]["identity"], record["settings"], record["versions"])
        if about != (SCHEMA_VERSION, game_hash(game), plain(how), versions()):
            return {}
        found = {name: result_from(entry) for name, entry in record["results"].items()}
    except (ValueError, KeyError, TypeError):  # of another program
        return {}
    store.product(path)
    return found


def result_from(record: Mapping[str, Any]) -> ContenderResult:
    """The result in a plain record, NaN where it holds null."""
    arrays = {name: np.array(table, dtype=float) for name, table in record["measures"].items()}
    scores = [{**entry, "score": -math.inf if entry["score"] is None else entry["score"]} for entry in record["trials"]]
    return ContenderResult(
        **{
            **record,
            "trials": tuple(Trial(**entry) for entry in scores),
            "iterations": np.asarray(record["iterations"]),
            "diverged": np.asarray(record["diverged"], dtype=bool),
            "measures": Measures(**arrays),
        }
    )
