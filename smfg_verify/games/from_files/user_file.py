"""A Python file of the user's: imported as a script would be, and left without a trace on the import path."""

import contextlib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import linecache
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from smfg_verify.errors import InputError
from smfg_verify.records.portable import USER_FILE

# Modules that lie beside a user's file and were imported for it, by name: read again with it.
_HELPERS: dict[str, ModuleType] = {}


def import_file(path: str) -> ModuleType:
    """Import a file, its folder first on the import path meanwhile.

    What it imports from beside it is read again each time, and never taken for a module of that name from elsewhere.

    Args:
        path: of a .py file.

    Returns:
        The module, under a name of its own.

    Raises:
        ValueError: no such file, or what its code raised, with file and line.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(
            f"game: got file {path!r}, which does not exist; expected a Python file, seen from {Path.cwd()}."
        )
    file = file.resolve()
    name = f"{USER_FILE}{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    # A loader given: any name will do, the suffix is not looked at.
    spec = importlib.util.spec_from_file_location(name, file, loader=_FreshLoader(name, str(file)))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # Registered before it runs: dataclasses look up their module by name.
    before, sys.modules[name] = sys.modules.get(name), module
    linecache.checkcache()
    try:
        with _beside(file.parent):
            spec.loader.exec_module(module)  # type: ignore[union-attr]
    except (Exception, SystemExit) as error:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise InputError(_failed(file, error)) from error
    return module


def blank_instance(path: str, qualified_name: str) -> object:
    """An instance without fields of a class in a user's file, which is imported unless it is already; for pickle."""
    loaded = [module for module in sys.modules.values() if getattr(module, "__file__", None) == path]
    found: Any = next((module for module in loaded if module.__name__.startswith(USER_FILE)), None) or import_file(path)
    for name in qualified_name.split("."):
        found = getattr(found, name)
    return object.__new__(found)


class _FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles what the file says now: a cached one counts as fresh for a second, where its length is the same."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Modules of a folder can be imported, and are the folder's; then the import path is as it was."""
    for name, module in _HELPERS.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]
    _HELPERS.clear()
    hidden = {name: sys.modules.pop(name) for name in _of_elsewhere(folder)}
    known, path, writes = set(sys.modules), [*sys.path], sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, writes
        new = {name: sys.modules[name] for name in set(sys.modules) - known}
        _HELPERS.update({name: module for name, module in new.items() if _lies_in(folder, module)})
        sys.modules.update(hidden)


def _of_elsewhere(folder: Path) -> list[str]:
    """Loaded modules that one of the folder would be taken for, Python's own and this package left out."""
    here = {file.stem for file in folder.glob("*.py")} | {file.parent.name for file in folder.glob("*/__init__.py")}
    here -= {*sys.stdlib_module_names, __name__.partition(".")[0], "__main__"}
    roots = {root for root in here & set(sys.modules) if not _lies_in(folder, sys.modules[root])}
    return [name for name in sys.modules if name.partition(".")[0] in roots]


def _lies_in(folder: Path, module: object) -> bool:
    file = getattr(module, "__file__", None)
    if file is None or "site-packages" in Path(file).parts:
        return False
    return Path(file).resolve().is_relative_to(folder)


def _failed(file: Path, error: BaseException) -> str:
    """What went wrong in a user's file, where, and the likely cause."""
    place, line, code = file, None, ""
    if isinstance(error, SyntaxError) and error.filename is not None:
        place, line, code = Path(error.filename), error.lineno, error.text or ""
        reason = error.msg
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if Path(frame.filename).resolve().is_relative_to(file.parent) and _is_theirs(frame.filename):
                place, line, code = Path(frame.filename), frame.lineno, frame.line or ""
        reason = (str(error).strip() or "no message").splitlines()[0]
    cause = "an error in that line"
    if isinstance(error, ModuleNotFoundError):
        cause = "a package that is not installed, or a helper that does not lie beside the file"
    elif isinstance(error, SystemExit):
        cause = 'a script that ends itself; put what it runs under `if __name__ == "__main__":`'
    where = "" if line is None else f" at {place}, line {line}" + (f" (`{code.strip()}`)" if code.strip() else "")
    return f"game: importing {file} failed{where}: {type(error).__name__}: {reason}. Likely cause: {cause}."


def _is_theirs(file: str) -> bool:
    package = Path(__file__).resolve().parents[2]
    return "site-packages" not in file and not Path(file).resolve().is_relative_to(package)
