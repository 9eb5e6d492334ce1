"""Finished cells on the disk, one file each, and the log of who began which cell and how that ended."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from smfg_verify.errors import InputError
from smfg_verify.files import write_atomically
from smfg_verify.records.codec import decode, encode, kept, plain
from smfg_verify.records.documents import document, headed, line, opened, read_text
from smfg_verify.sweep.cells import Bundle, Cell
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome

FORMAT, SCHEMA_VERSION = "smfg-verify sweep cell", 1
CELLS, ATTEMPTS = "cells", "attempts.jsonl"


@kept
@dataclasses.dataclass(frozen=True)
class CellRecord:
    """A finished cell.

    Attributes:
        cell: which.
        outcome: what it came to.
        attempts: how often it was begun, those included whose worker died.
        seconds: it took, its share of what was computed with it, compilation included.
        versions: of the packages that computed it.
    """

    cell: Cell
    outcome: Outcome
    attempts: int = 1
    seconds: float = 0.0
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Store:
    """The cells of one directory of results.

    A cell is a file `cells/ab/KEY.json`, written whole or not at all, and never written again once the computation
    answered. Every attempt is a line of `attempts.jsonl`: who began which cells, and how it ended.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._log = directory / ATTEMPTS

    def path(self, key: str) -> Path:
        """Where a cell is kept: a folder for each two first digits, since a folder of 10^5 files is slow."""
        return self.directory / CELLS / key[:2] / f"{key}.json"

    def write(self, record: CellRecord) -> None:
        """Keep a finished cell.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        path = self.path(record.cell.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = {
            "about": plain(record.cell.about),
            "outcome": encode(record.outcome),
            "attempts": record.attempts,
            "seconds": record.seconds,
            "versions": dict(record.versions),
        }
        write_atomically(path, document(headed(FORMAT, SCHEMA_VERSION, entries)).encode())

    def read(self, cell: Cell, say: Callable[[str], None]) -> CellRecord | None:
        """The finished cell; None if there is none, or what is there is about something else, which is said.

        Args:
            cell: which.
            say: told why a file is not taken.
        """
        path = self.path(cell.key)
        if not path.exists():
            return None
        try:
            entries = opened(read_text(path, "a finished cell"), FORMAT, SCHEMA_VERSION)
            if entries["about"] != plain(cell.about):
                raise InputError("it is about another cell")
            outcome = decode(entries["outcome"])
            if not isinstance(outcome, Outcome):
                raise InputError("it holds no outcome")
            return CellRecord(cell, outcome, entries["attempts"], float(entries["seconds"]), entries["versions"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            say(f"{path}: not taken up ({error}); the cell is computed again.")
            return None

    def log(self, event: str, bundles: Iterable[Bundle], worker: str, attempts: Mapping[str, int]) -> None:
        """Add a line to the log of attempts.

        Args:
            event: "begun", "finished", "lost" (the worker died) or "interrupted".
            bundles: about which.
            worker: who.
            attempts: key of each cell -> number of this attempt.
        """
        keys = [cell.key for bundle in bundles for cell in bundle.cells]
        entry = {
            "time": round(time.time(), 3),
            "event": event,
            "worker": worker,
            "cells": {key: attempts.get(key, 1) for key in keys},
        }
        with self._log.open("a", encoding="utf-8") as file:
            file.write(line(entry) + "\n")  # one write: a process that dies leaves whole lines

    def attempts(self) -> list[dict[str, object]]:
        """The lines of the log, oldest first; one that a power cut left unfinished is left out."""
        if not self._log.exists():
            return []
        found = []
        for text in self._log.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(text))
            except json.JSONDecodeError:
                continue
        return found


def died(cell: Cell, attempts: int) -> CellRecord:
    """The record of a cell whose worker died each time."""
    reason = f"its worker died each time, {attempts} times; likely cause: memory, or a crash of compiled code"
    return CellRecord(cell, Outcome(CellStatus.WORKER_DIED, reason), attempts)
