"""What a name leads to: a class of games, a game, or a function that makes one."""

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import TypeGuard

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.game.checks.contract_names import missing_names
from smfg_verify.games.from_files.user_file import import_file
from smfg_verify.suggestions import closest

GameClass = type[AbstractGame]
Origin = GameClass | Callable[..., AbstractGame] | AbstractGame


def is_game_class(value: object) -> TypeGuard[type[AbstractGame]]:
    """Whether a value is a class of games."""
    return isinstance(value, type) and issubclass(value, AbstractGame)


def from_file(path: str, inside: str | None, name: str) -> Origin:
    """What a file holds under a name; without a name the one class of games that it defines, else its one game.

    Args:
        path: of the file.
        inside: the name; None for none.
        name: as it was given, for refusals.

    Raises:
        ValueError: a file that cannot be used, or nothing or several things that may be meant; they are listed.
    """
    if not path.endswith(".py") or inside == "":
        raise InputError(
            f"game: got {name!r}, expected file.py:ClassName, or file.py alone where it defines one class of games."
        )
    module = import_file(path)
    if inside is None:
        return _only(module, path)
    if not hasattr(module, inside):
        known = [key for kind in _candidates(module) for key in kind]
        raise InputError(
            f"game: got class {inside!r}, not in {path}{closest(inside, known)}; expected one of the games there: "
            f"{', '.join(known) or 'none found'}."
        )
    return checked_origin(getattr(module, inside), name)


def _only(module: ModuleType, path: str) -> Origin:
    kinds = _candidates(module)
    for kind in kinds:
        if len(kind) == 1:
            return next(iter(kind.values()))
        if kind:
            break
    known = [f"{path}:{key}" for kind in kinds for key in kind]
    if known:
        raise InputError(f"game: got {path!r}, which holds several; expected one of: {', '.join(known)}.")
    raise InputError(
        f"game: found no game in {path}, expected a class derived from smfg_verify.game.AbstractGame, an instance of "
        "one, or a function that returns one, named as file.py:function."
    )


def _candidates(module: ModuleType) -> tuple[Mapping[str, Origin], ...]:
    """Games of a file by name: classes defined there that can be built, instances, functions that say they make one."""
    classes: dict[str, GameClass] = {}
    instances: dict[str, AbstractGame] = {}
    functions: dict[str, Callable[..., AbstractGame]] = {}
    for key, value in vars(module).items():
        own = getattr(value, "__module__", None) == module.__name__
        if key.startswith("_"):
            continue
        if is_game_class(value) and own and value not in classes.values():
            classes[key] = value
        elif isinstance(value, AbstractGame):
            instances[key] = value
        elif isinstance(value, FunctionType) and own and _says_game(value):
            functions[key] = value
    # A class that lacks something is a base of others, unless there are no others.
    complete = {key: kind for key, kind in classes.items() if not missing_names(kind)}
    return complete or classes, instances, functions


def _says_game(function: FunctionType) -> bool:
    returned = inspect.signature(function).return_annotation
    return "game" in function.__name__.lower() or is_game_class(returned)


def checked_origin(value: object, where: str) -> Origin:
    """The value, if a game can come of it.

    Raises:
        ValueError: it cannot.
    """
    if not (
        is_game_class(value) or isinstance(value, AbstractGame) or (callable(value) and not isinstance(value, type))
    ):
        raise InputError(
            f"game: got {value!r} at {where}, expected a subclass of smfg_verify.game.AbstractGame, an instance of "
            "one, or a function that returns one; likely cause: the name of another class."
        )
    return value
