"""Finished parts of a job that is not finished: on the disk as soon as there is one, taken up again by --resume."""

import contextlib
import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from smfg_verify.errors import InputError
from smfg_verify.files import remove_leftovers, write_atomically
from smfg_verify.records.entries import Entries, Record

if TYPE_CHECKING:
    from smfg_verify.game import AbstractGame

FORMAT, SCHEMA_VERSION = "smfg-verify part", 2
FOLDER = "unfinished"

T = TypeVar("T")


class Store:
    """What a command leaves behind while it works, in a directory of results, or nowhere.

    Attributes:
        directory: of the results, which exists; None where nothing is to be written.
        resumed: whether finished parts are taken up again; otherwise those of the same job are removed.
    """

    def __init__(self, directory: Path | None, *, resumed: bool = False) -> None:
        if resumed and directory is None:
            raise InputError("--resume: got no --out, expected the directory of the job that was interrupted.")
        self.directory, self.resumed = directory, resumed
        self._jobs: list[Finished] = []
        self._products: list[Path] = []

    @property
    def folder(self) -> Path:
        """The directory, of a store that has one."""
        assert self.directory is not None
        return self.directory

    def job(self, command: str, game: "AbstractGame | None", settings: Entries) -> "Finished":
        """The parts of one job: the same command, game, settings and versions, and no other's."""
        job = Finished(self.directory, _key(command, game, settings))
        if self.directory is not None:
            job.take_up(starts_again=not self._any_product()) if self.resumed else job.start_anew()
        self._jobs.append(job)
        return job

    def product(self, path: Path) -> Path:
        """Note a file that is useful by itself before the job has ended; returns its path."""
        self._products.append(path)
        return path

    def saved(self) -> Path | None:
        """Where there is something to go on from; None if there is nothing."""
        folders = (job.folder for job in self._jobs if job.folder is not None and job.names())
        return next((path for path in (*self._products, *folders) if path.exists()), None)

    def _any_product(self) -> bool:
        return any(path.exists() for path in self._products)

    def clear(self) -> None:
        """Remove the parts of jobs that have ended: their results hold them."""
        for job in self._jobs:
            job.remove()


class Finished:
    """The finished parts of one job, one file each; called with a part's name and what makes it.

    Attributes:
        folder: of the parts, whose name carries the digest of the key; None where nothing is kept.
        key: command, game and settings with which a part must have been made.
    """

    def __init__(self, directory: Path | None, key: Entries) -> None:
        self.key = key
        self.folder = None if directory is None else directory / FOLDER / f"{key['command']}-{_digest(key)}"

    def __call__(self, name: str, make: Callable[[], T]) -> T:
        """The part of that name: read back if it is finished, else made and written at once."""
        from smfg_verify.records.codec import encode
        from smfg_verify.records.documents import document, headed

        if self.folder is None:
            return make()
        path = self.folder / f"{name}.json"
        found = self._read_back(path)
        if found:
            result: T = found[0]
            return result
        part = make()
        record = headed(FORMAT, SCHEMA_VERSION, {"key": self.key, "part": encode(part)})
        self._write(path, document(record).encode())
        return part

    def checkpoint_file(self, name: str) -> Path | None:
        """Where a run of that name keeps its checkpoint file; None where nothing is kept."""
        if self.folder is None:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{name}.nc"

    def names(self) -> list[str]:
        """Names of the files that are kept, in order."""
        folder = self.folder
        if folder is None or not folder.is_dir():
            return []
        return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))

    def take_up(self, *, starts_again: bool = True) -> None:
        """Say what there is to go on from; `starts_again`: whether the job starts again where there is nothing."""
        names, folder = self.names(), self.folder
        if folder is None:
            return
        if names:
            remove_leftovers(folder)
            return _say(f"Taking up {folder}: {', '.join(Path(name).stem for name in names)}.")
        others = sorted(other.name for other in folder.parent.glob(f"{self.key['command']}-*") if other != folder)
        if others:
            which = f"another game, other settings or another version ({', '.join(others)} in {folder.parent})"
            return _say(f"--resume: what is unfinished here is of {which}; this job starts again, and leaves it there.")
        if starts_again:
            _say(f"--resume: nothing of this job is unfinished in {folder.parent.parent}; it starts again.")

    def start_anew(self) -> None:
        """Remove what an interrupted job of the same key had finished."""
        if self.names():
            _say(f"Starting again: --resume would have taken up {self.folder}, which is removed.")
        self.remove()

    def remove(self) -> None:
        """Remove all parts."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # parts of other jobs are in it
                self.folder.parent.rmdir()

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)

    def _read_back(self, path: Path) -> list[Any]:
        """The part in a file, alone in a list; empty if there is none or it is about something else."""
        from smfg_verify.records.codec import decode
        from smfg_verify.records.documents import opened, read_text

        if not path.exists():
            return []
        try:
            record = opened(read_text(path, "a finished part"), FORMAT, SCHEMA_VERSION)
            if record["key"] != self.key:
                raise InputError("of another game, other settings or another version")
            return [decode(record["part"])]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _say(f"{path}: not taken up ({error}); {path.stem} starts again.")
            return []


def _key(command: str, game: "AbstractGame | None", settings: Entries) -> Record:
    from smfg_verify.game import game_hash
    from smfg_verify.records.codec import plain
    from smfg_verify.records.versions import versions

    identity = "" if game is None else game_hash(game)
    return {"command": command, "game": identity, "settings": plain(settings), "versions": versions()}


def _digest(key: Entries) -> str:
    from smfg_verify.records.documents import line

    return hashlib.sha256(line(key).encode()).hexdigest()[:12]


def _say(line: str) -> None:
    print(line, file=sys.stderr)
