"""Files written completely or not at all, and the folders they stand in."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from smfg_verify.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: a leftover cannot be told from a file that is being written, and stays
    fcntl = None  # type: ignore[assignment]

# Name of a file (or folder) that is being written: the target's, the writer's process and a number of its own.
_PARTIAL = re.compile(r"\.(?P<target>.+)\.\d+(-[0-9a-f]{8})?\.partial")


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a TOML file.

    Args:
        path: of the file.
        what: how a refusal begins, the file's name in it.

    Returns:
        The tables, as a TOML parser gives them.

    Raises:
        ValueError: not TOML.
        OSError: the file cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{what} is not TOML: {error}.") from error


def write_atomically(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file so that a reader sees the old content or the new, never a part; returns its path.

    Raises:
        ValueError, OSError: as `write_together`.
    """
    write_together({Path(path): content})
    return Path(path)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files: all of them, or (where the disk fails) none, and the old ones are as they were.

    Args:
        contents: path -> bytes. Every file is complete on the disk before the first takes its place; a process killed
            between two of these renames leaves whole files, some old and some new.

    Raises:
        ValueError: a path that is a folder, or whose folder does not exist.
        OSError: the disk is full, the folder cannot be written, ...; nothing is left of the attempt.
    """
    for path in contents:
        require_place(path)
    with contextlib.ExitStack() as written:
        complete = [(written.enter_context(_complete(path, content)), path) for path, content in contents.items()]
        for temporary, path in complete:
            with _explained(path):
                temporary.replace(path)
    for folder in dict.fromkeys(path.parent for path in contents):
        _flush_folder(folder)


def write_in(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """`write_together`, with the names of files in one folder; returns their paths."""
    write_together({folder / name: content for name, content in contents.items()})
    return [folder / name for name in contents]


def require_place(path: str | os.PathLike[str]) -> None:
    """Refuse a path that no file can take.

    Raises:
        ValueError: it is a folder or a device, or its folder does not exist.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device or a pipe"
        raise InputError(f"path: got {os.fspath(path)!r}, which is {kind}; expected the name of a file.")
    if not path.parent.is_dir():
        raise InputError(f"path: got {os.fspath(path)!r}, whose directory does not exist; make it first.")


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary folder beside `path`, which takes its place when the block ends well and is removed otherwise.

    No system replaces a folder that is not empty in one step: for the moment between two renames a reader finds none.
    A process killed in that moment leaves the old folder aside, and `remove_leftovers` puts it back.

    Raises:
        OSError: the disk is full, the folder cannot be written, ...; nothing is left of the attempt.
    """
    path = Path(path)
    temporary, aside = _temporary(path), path.with_name(f".{path.name}.replaced")
    try:
        with _explained(path), _new_folder(temporary):
            yield temporary
            if path.exists():
                path.replace(aside)
            temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _new_folder(path: Path) -> Iterator[None]:
    path.mkdir()
    handle = os.open(path, os.O_RDONLY) if fcntl is not None else None
    try:
        if handle is not None:
            _lock(handle)
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextlib.contextmanager
def results_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder for results: made if missing, seen to be writable, and cleared of what killed processes left in it.

    Where the block fails before it has written anything, the folders made for it are removed again.

    Raises:
        ValueError: it, or a folder it would stand in, is a file.
        OSError: it cannot be made or written.
    """
    path = Path(path)
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    blocking = next((folder for folder in (path, *path.parents) if folder.exists() and not folder.is_dir()), None)
    if blocking is not None:
        raise InputError(f"path: got the folder {os.fspath(path)!r}, but {os.fspath(blocking)!r} is a file.")
    try:
        with _explained(path):
            path.mkdir(parents=True, exist_ok=True)
            _try_writing(path)
        remove_leftovers(path)
        yield path
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for the same out of a folder; the system lets go of it when this process dies.

    Raises:
        ValueError: another process is in it.
        OSError: the folder cannot be written.
    """
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(
                    f"{folder}: another process writes into it, expected none; likely cause: the same command, still "
                    "running."
                ) from error
            except OSError:  # a file system without locks
                pass
        yield
    finally:
        os.close(handle)


def remove_leftovers(folder: Path, target: str | None = None) -> None:
    """Remove the unfinished files that processes left in a folder when they were killed.

    A file that is being written is locked by its writer, and the system lifts the lock when the writer dies: this
    holds across reused process numbers and across containers that share a disk.

    Args:
        folder: where.
        target: only those meant to become the file of this name; all if None.
    """
    if fcntl is None:
        return
    for found in folder.iterdir():
        match = _PARTIAL.fullmatch(found.name)
        if match and target in (None, match["target"]) and not found.is_symlink():
            _remove_unless_locked(found)
        elif found.name.startswith(".") and found.suffix == ".replaced" and found.is_dir():
            _put_back(found)


def _put_back(aside: Path) -> None:
    place = aside.with_name(aside.stem.removeprefix("."))
    with contextlib.suppress(OSError):
        if not place.exists():
            aside.replace(place)


def _remove_unless_locked(path: Path) -> None:
    with contextlib.suppress(OSError):  # of another user, or gone meanwhile
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        finally:
            os.close(handle)


def _temporary(path: Path) -> Path:
    # In the same folder: a replacement is atomic only within one file system.
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")


@contextlib.contextmanager
def _complete(path: Path, content: bytes) -> Iterator[Path]:
    """A locked temporary file beside `path` that holds all of the content, on the disk; removed at the end."""
    with _explained(path):
        remove_leftovers(path.parent, path.name)
        temporary, handle = _opened(path)
    try:
        with _explained(path):
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        yield temporary
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def _opened(path: Path) -> tuple[Path, int]:
    """A new temporary file, locked; another one where a clean-up came between the two steps."""
    while True:
        temporary = _temporary(path)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return temporary, handle
        os.close(handle)


def _lock(handle: int) -> None:
    with contextlib.suppress(OSError):  # a file system without locks: nothing is ever removed there
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)


def _try_writing(folder: Path) -> None:
    with _complete(folder / "writable", b"?"):
        pass


def _flush_folder(folder: Path) -> None:
    """Let the names in a folder survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """An error of the system that says which file could not be written and that nothing is left of it."""
    try:
        yield
    except OSError as error:
        cause = error.strerror or str(error)
        hint = "; likely cause: a limit on the size of files (ulimit -f)" if error.errno == errno.EFBIG else ""
        raise OSError(
            error.errno or errno.EIO,
            f"cannot write {path}: {cause}{hint}; nothing is left of it, and what stood there is as it was",
        ) from error
