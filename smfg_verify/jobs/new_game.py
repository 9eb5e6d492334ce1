"""A file with a game that works, for its author to change; importing this loads neither JAX nor a solver."""

import builtins
import dataclasses
import keyword
import os
import re
import shlex
import sys
import unicodedata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Literal

from smfg_verify.errors import InputError
from smfg_verify.files import require_place, write_atomically
from smfg_verify.jobs.starters import starter

Kind = Literal["class", "arrays", "formula", "mfglib"]

_LONGEST = 60
# What the class of a file must not be called: the file uses these names, or will.
_USED = frozenset({"AbstractGame", "Array", "Dependence", "Float", "Int", "SymbolicGame", "TabularGame"})


@dataclasses.dataclass(frozen=True)
class NewGame:
    """A file to be written.

    Attributes:
        path: of the file, with its suffix.
        kind: how the game is written.
        class_name: of the class where it is one, from the file's name: my_beach.py gives MyBeach.
        name: what reports call it otherwise, my-beach.
    """

    path: Path
    kind: Kind
    class_name: str
    name: str

    @property
    def text(self) -> str:
        """The whole file."""
        title = self.name.replace("-", " ")
        return starter(self.kind).substitute(
            class_name=self.class_name, name=self.name, title=title[0].upper() + title[1:], file=quoted(self.path.name)
        )

    @property
    def inside(self) -> str:
        """What the file holds, in words."""
        return f"class {self.class_name}" if self.kind == "class" else f"game {self.name}"

    @property
    def next_commands(self) -> tuple[str, str]:
        """Arguments of the two commands that its author runs next."""
        file = quoted(os.fspath(self.path))
        return f"show {file}", f"check {file} --budget quick"


def quoted(file: str) -> str:
    """A file's name as a shell takes it, never for an option."""
    return shlex.quote(f"./{file}" if file.startswith("-") else file)


def plan_game(file: Path, kind: Kind) -> NewGame:
    """What a file of this name will hold, or a refusal of the name.

    Args:
        file: where it goes; .py is added where there is no suffix.
        kind: how the game is written.

    Returns:
        The file to be written.

    Raises:
        ValueError: a name that is no Python file's, or that Python or an installed package has.
    """
    path = file if file.suffix or file.name.startswith(".") or file.is_dir() else file.with_suffix(".py")
    require_place(path)
    if path.suffix != ".py":
        raise _refusal(file, "a name that ends in .py")
    stem = unicodedata.normalize("NFKC", path.stem)
    words = re.findall(r"[^\W_]+", stem)
    if not words or re.search(r"[^\w\-. ]", stem):
        raise _refusal(file, "letters and digits, joined by _ or -, and .py")
    if len(stem) > _LONGEST:
        raise _refusal(file, f"at most {_LONGEST} letters before .py")
    if (stem.startswith("__") and stem.endswith("__")) or _is_taken(stem, path):
        raise _refusal(
            file, f"another name: Python or a package has {stem!r}, and beside your file the two would be confused"
        )
    class_name = "".join(word[0].upper() + word[1:] for word in words)
    if not class_name.isidentifier() or keyword.iskeyword(class_name) or class_name in _USED | {*dir(builtins)}:
        class_name = f"My{class_name}"
    return NewGame(path, kind, class_name, "-".join(words).lower())


def write_game(planned: NewGame, *, overwrite: bool = False) -> Path:
    """Write the file, whole or not at all.

    Args:
        planned: from `plan_game`.
        overwrite: whether a file that is there is replaced.

    Returns:
        Its path.

    Raises:
        ValueError: a file is there and is not to be replaced.
        OSError: it cannot be written.
    """
    if os.path.lexists(planned.path) and not overwrite:
        raise InputError(f"{planned.path}: is there already, and stays as it is; --overwrite replaces it.")
    return write_atomically(planned.path, planned.text.encode())


def _is_taken(stem: str, path: Path) -> bool:
    """Whether `import stem` finds something that is not in the file's own folder."""
    if not stem.isidentifier():
        return False
    if stem in sys.stdlib_module_names:
        return True
    found = PathFinder.find_spec(stem)
    place = None if found is None else found.origin or next(iter(found.submodule_search_locations or ()), None)
    return place is not None and not Path(place).resolve().is_relative_to(path.parent.resolve())


def _refusal(file: Path, expected: str) -> InputError:
    return InputError(f"FILE: got {os.fspath(file)!r}, expected {expected}.")
