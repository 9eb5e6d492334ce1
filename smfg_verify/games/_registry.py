"""The games by name: shipped, installed by others (entry points), or in a user's own file."""

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import inspect
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, as_parameter
from smfg_verify.games._fields import allowed_values, as_number
from smfg_verify.words import closest

ENTRY_POINT_GROUP = "smfg_verify.games"

GameClass = type[AbstractGame]


@dataclasses.dataclass(frozen=True)
class ParameterEntry:
    """One parameter of a game: its name, its default, and in words the values it takes ("" if it does not say)."""

    name: str
    default: Any
    values: str


@dataclasses.dataclass(frozen=True)
class GameEntry:
    """What a listing says about a game, at its default parameters."""

    name: str
    summary: str
    source: str
    num_states: int
    num_follower_actions: int
    num_leader_actions: int
    mean_field_support: str
    parameters: tuple[ParameterEntry, ...]

    @property
    def num_parameters(self) -> int:
        """Number of parameters that `load` takes."""
        return len(self.parameters)


@dataclasses.dataclass(frozen=True)
class _Registered:
    game_class: GameClass
    source: str


_REGISTERED: dict[str, _Registered] = {}


def register(name: str, *, source: str) -> Callable[[GameClass], GameClass]:
    """Class decorator: make a game known to `load` by name.

    A class may define the classmethod `from_parameters(**parameters)`; `load` then calls it in place of the class, for
    parameters that are not fields.

    Args:
        name: what `load` and the command line call it, words joined by hyphens.
        source: one sentence, where the game comes from.

    Returns:
        The decorator, which returns the class unchanged.

    Raises:
        ValueError: the name belongs to another class.
    """

    def decorate(game_class: GameClass) -> GameClass:
        known = _REGISTERED.get(name)
        if known is not None and _full_name(known.game_class) != _full_name(game_class):
            raise InputError(
                f"register: got the name {name!r} for {_full_name(game_class)}, expected a new name; it belongs to "
                f"{_full_name(known.game_class)}. Likely cause: a copied decorator."
            )
        _REGISTERED[name] = _Registered(game_class, source)
        return game_class

    return decorate


def names() -> tuple[str, ...]:
    """Names of all games that `load` knows: shipped or registered, then those of installed packages (entry points)."""
    return (*_REGISTERED, *sorted(name for name in _entry_points() if name not in _REGISTERED))


def load(name: str, **parameters: Any) -> AbstractGame:
    """A game by name, with parameters.

    Args:
        name: a name out of `names()`, or "path/to/file.py:ClassName" for a class in a file of one's own. A registered
            name wins over an installed package's entry point of the same name.
        **parameters: Python numbers, strings, booleans or lists; see `describe(name).parameters`.

    Returns:
        The game; entry points such as the solvers then run `validate` on it.

    Raises:
        ValueError: an unknown name or parameter (the closest known ones are named), a value of the wrong type or range,
            or a file that cannot be used.
    """
    found = _find(name)
    allowed = _parameters(found.game_class)
    unknown = [] if allowed is None else [key for key in parameters if key not in allowed]
    if unknown:
        raise InputError(
            f"{name}: got unknown parameter {unknown[0]!r}{closest(unknown[0], allowed)}; expected one of: "
            f"{', '.join(allowed) or 'none, it takes no parameters'}."
        )
    _check_numbers(name, found.game_class, parameters)
    try:
        return getattr(found.game_class, "from_parameters", found.game_class)(**parameters)
    except TypeError as error:
        raise InputError(
            f"{name}: got parameters {sorted(parameters)} that {found.game_class.__name__} cannot be built from: "
            f"{error}. Likely cause: a required parameter is missing, or a value has another type than expected."
        ) from error


def describe(name: str) -> GameEntry:
    """What a listing says about a game, at its default parameters.

    Args:
        name: as for `load`.

    Returns:
        Name, one-line summary, source, sizes and parameters.

    Raises:
        ValueError: as `load` without parameters.
    """
    found = _find(name)
    game = load(name)
    return GameEntry(
        name=name,
        summary=(inspect.getdoc(found.game_class) or found.game_class.__name__).strip().splitlines()[0],
        source=found.source,
        num_states=game.num_states,
        num_follower_actions=game.num_follower_actions,
        num_leader_actions=game.num_leader_actions,
        mean_field_support=game.mean_field_support,
        parameters=_describe_parameters(found.game_class, game),
    )


def _find(name: str) -> _Registered:
    if not isinstance(name, str):
        raise InputError(
            f"game: got {name!r} ({type(name).__name__}), expected a name such as {next(iter(names()))!r}."
        )
    if name in _REGISTERED:
        return _REGISTERED[name]
    if ":" in name or name.endswith(".py"):
        path, _, class_name = name.rpartition(":")
        return _Registered(_class_from_file(path, class_name, name), source=f"user's file {path}")
    point = _entry_points().get(name)
    if point is None:
        raise InputError(
            f"game: got unknown name {name!r}{closest(name, names())}; expected one of: {', '.join(names())}, or "
            "file.py:ClassName."
        )
    try:
        loaded = point.load()
    except Exception as error:
        raise InputError(f"game {name!r}: its entry point {point.value} failed to import: {_error(error)}.") from error
    package = point.dist.name if point.dist is not None else point.value
    return _Registered(_game_class(loaded, f"entry point {point.value}"), source=f"installed package {package}")


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


def _class_from_file(path: str, class_name: str, name: str) -> GameClass:
    if not path or not class_name or not path.endswith(".py"):
        raise InputError(f"game: got {name!r}, expected file.py:ClassName; likely cause: the class name is missing.")
    file = Path(path)
    if not file.is_file():
        raise InputError(
            f"game: got file {path!r}, which does not exist; expected a Python file, seen from {Path.cwd()}."
        )
    module = _import_file(file)
    if not hasattr(module, class_name):
        classes = [
            key for key, value in vars(module).items() if _is_game_class(value) and value.__module__ == module.__name__
        ]
        raise InputError(
            f"game: got class {class_name!r}, not in {path}{closest(class_name, classes)}; expected one of the games "
            f"there: {', '.join(classes) or 'none found'}."
        )
    return _game_class(getattr(module, class_name), name)


def _import_file(file: Path) -> ModuleType:
    digest = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]
    module_name = f"smfg_verify_user_{file.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    module = importlib.util.module_from_spec(spec)
    # Registered before it runs: dataclasses look up their module by name.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise InputError(
            f"game: importing {file} failed: {_error(error)}. Likely cause: an error in that file."
        ) from error
    return module


def _is_game_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, AbstractGame)


def _game_class(value: Any, where: str) -> GameClass:
    if not _is_game_class(value):
        raise InputError(
            f"game: got {value!r} at {where}, expected a subclass of smfg_verify.game.AbstractGame; likely cause: the "
            "name of a function, an instance or another class."
        )
    return value


def _parameters(game_class: GameClass) -> dict[str, inspect.Parameter] | None:
    """Parameters that `load` passes on, by name; None if the class takes any."""
    own = dict(inspect.signature(game_class).parameters)
    factory = getattr(game_class, "from_parameters", None)
    found = own if factory is None else dict(inspect.signature(factory).parameters)
    open_ended = [key for key, item in found.items() if item.kind is inspect.Parameter.VAR_KEYWORD]
    if open_ended and factory is None:
        return None
    for key in open_ended:
        del found[key]
    return {**found, **own} if open_ended else found


def _check_numbers(name: str, game_class: GameClass, parameters: dict[str, Any]) -> None:
    """Name the float parameter of a user's game that is no number: JAX's own message would not say which."""
    for item in dataclasses.fields(game_class):
        value = parameters.get(item.name)
        numeric = item.metadata.get("converter") is as_parameter and item.name in parameters
        if numeric and not isinstance(as_number(value), jax.Array):
            raise InputError(
                f"{name}: {item.name}: got {value!r} ({type(value).__name__}), expected a number or an array of "
                "numbers; likely cause: text, a boolean or a ragged list."
            )


def _describe_parameters(game_class: GameClass, game: AbstractGame) -> tuple[ParameterEntry, ...]:
    fields = {item.name: item for item in dataclasses.fields(game_class)}
    entries = []
    for key, item in (_parameters(game_class) or {}).items():
        default = _plain(getattr(game, key)) if key in fields else item.default
        values = allowed_values(fields[key]) if key in fields else _annotation(item.annotation)
        entries.append(ParameterEntry(key, default, values))
    return tuple(entries)


def _annotation(annotation: Any) -> str:
    options = [option for part in (annotation, *typing.get_args(annotation)) for option in _literals(part)]
    if options:
        return " or ".join(repr(option) for option in options)
    return "" if annotation is inspect.Parameter.empty else inspect.formatannotation(annotation)


def _literals(annotation: Any) -> tuple[Any, ...]:
    return typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()


def _plain(value: Any) -> Any:
    return np.asarray(value).tolist() if isinstance(value, jax.Array) else value


def _full_name(game_class: GameClass) -> str:
    return f"{game_class.__module__}.{game_class.__qualname__}"


def _error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
