"""A folder of compiled programs that outlives the process: whole files or none, bounded, and never a reason to fail."""

import contextlib
import hashlib
import os
import secrets
import stat
import time
import zlib
from collections.abc import Callable
from pathlib import Path

_SUFFIX, _PARTIAL = ".program", ".partial"
_DIGEST_BYTES = hashlib.sha256().digest_size
# Files of the commands below, compressed: a quick check of a game with 3 states keeps 4 MiB in some thirty of them.
_LIMIT = 256 * 2**20
# Of the limit, what is left after programs were removed: the folder is listed once for many programs.
_KEPT_SHARE = 0.8
# Seconds after which an unfinished file belongs to no living process.
_ABANDONED = 3600.0


class ProgramStore:
    """Bytes by key in files of one folder, the least recently used removed first.

    A file holds the digest of its content, so that one cut short by a kill or a full disk is never read. No lock is
    held: a file takes its place in one step, and of two processes that write the same program one wins.

    Args:
        folder: of the user's alone; made when the first program is kept.
        limit: bytes that the programs may take.
        trouble: is told, at most once, in one sentence why programs are kept no more.
    """

    def __init__(self, folder: Path, limit: int = _LIMIT, trouble: Callable[[str], None] = lambda line: None):
        self.folder, self._limit, self._trouble = folder, limit, trouble
        self._size: int | None = None  # not known before something is written
        self._usable: bool | None = None  # not known before the first question

    def get(self, key: str) -> bytes | None:
        """The bytes kept under a key; None where there are none, or not all of them."""
        if not self._is_usable():
            return None
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, packed = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(packed).digest() != digest:
            self.drop(key)
            return None
        with contextlib.suppress(OSError):  # a folder that can only be read serves too
            os.utime(path)
        return zlib.decompress(packed)

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes under a key, or say once why not."""
        if not self._is_usable():
            return
        packed = zlib.compress(content, 1)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._path(key), hashlib.sha256(packed).digest() + packed)
        except OSError as error:
            self._give_up(f"compiled programs are not kept: {self.folder}: {error.strerror or error}")

    def drop(self, key: str) -> None:
        """Forget a key."""
        with contextlib.suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _write(self, path: Path, content: bytes) -> None:
        partial = path.with_name(f"{path.stem}-{os.getpid()}-{secrets.token_hex(4)}{_PARTIAL}")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        self._size = self._listed_size() if self._size is None else self._size + len(content)
        if self._size > self._limit:
            self._trim()

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Last use, size and path of every file of the store's."""
        found = []
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # gone meanwhile
                if path.suffix in (_SUFFIX, _PARTIAL):
                    status = path.stat()
                    found.append((status.st_mtime, status.st_size, path))
        return found

    def _listed_size(self) -> int:
        return sum(size for _, size, _ in self._entries())

    def _trim(self) -> None:
        """Remove what was not used for longest, and what a killed process left."""
        entries, left = self._entries(), 0
        for used, size, path in sorted(entries, reverse=True):
            unfinished = path.suffix == _PARTIAL
            if not unfinished and left + size <= _KEPT_SHARE * self._limit:
                left += size
            elif not unfinished or time.time() - used > _ABANDONED:
                with contextlib.suppress(OSError):
                    path.unlink()
        self._size = left

    def _is_usable(self) -> bool:
        """Whether the folder is the user's alone: what is read from it is run."""
        if self._usable is None:
            self._usable = True
            with contextlib.suppress(OSError):  # not there yet, or not to be read: then nothing is found
                status = self.folder.stat()
                others = stat.S_IWGRP | stat.S_IWOTH
                own = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
                if os.name == "posix" and (not own or status.st_mode & others):
                    self._give_up(f"compiled programs are neither read nor kept: others may write to {self.folder}")
        return self._usable

    def _give_up(self, line: str) -> None:
        self._usable = False
        self._trouble(line)
