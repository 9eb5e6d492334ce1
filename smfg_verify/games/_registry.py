"""The games by name: shipped, installed by others (entry points), or in a user's own file."""

import dataclasses
import importlib.metadata
import inspect
import typing
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, as_parameter
from smfg_verify.game.checks.contract_names import missing_names
from smfg_verify.game.user_code import blamed_on_user_code
from smfg_verify.games._fields import allowed_values, as_number
from smfg_verify.games.from_files.origins import GameClass, Origin, checked_origin, from_file, is_game_class
from smfg_verify.records.registry import Registry
from smfg_verify.suggestions import closest

ENTRY_POINT_GROUP = "smfg_verify.games"


@dataclasses.dataclass(frozen=True)
class ParameterEntry:
    """One parameter of a game: its name, its default, and in words the values it takes ("" if it does not say).

    Attributes:
        name: the keyword of `load`.
        default: its value where none is given.
        values: in words, those it takes; "" where the game does not say.

    Examples:
        >>> from smfg_verify import games
        >>> {parameter.name: parameter.default for parameter in games.describe("laffer-tax").parameters}["discount"]
        0.9
    """

    name: str
    default: object
    values: str


@dataclasses.dataclass(frozen=True)
class GameEntry:
    """What a listing says about a game, at its default parameters.

    Attributes:
        name: what `load` calls it.
        summary: one line.
        source: where the game comes from.
        num_states, num_follower_actions, num_leader_actions: n, A and B.
        mean_field_support: "states" or "state_actions".
        parameters: of `load`, with their defaults.

    Examples:
        >>> from smfg_verify import games
        >>> entry = games.describe("laffer-tax")
        >>> entry.num_states, entry.num_follower_actions, entry.num_leader_actions, entry.mean_field_support
        (2, 2, 2, 'states')
    """

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
    origin: Origin
    source: str


_REGISTERED: Registry[_Registered] = Registry("register")


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

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.games import TwoRoadToll
        >>> try:
        ...     games.register("laffer-tax", source="A game of my own.")(TwoRoadToll)
        ... except ValueError:
        ...     print("the name belongs to another class")
        the name belongs to another class
    """

    def decorate(game_class: GameClass) -> GameClass:
        _REGISTERED.add(name, _Registered(game_class, source), maker=_full_name(game_class))
        return game_class

    return decorate


def names() -> tuple[str, ...]:
    """Names of all games that `load` knows: shipped or registered, then those of installed packages (entry points).

    Returns:
        The names, in the order of registration, then those of entry points.

    Examples:
        >>> from smfg_verify import games
        >>> "laffer-tax" in games.names(), "lafer-tax" in games.names()
        (True, False)
    """
    return (*_REGISTERED, *sorted(name for name in _entry_points() if name not in _REGISTERED))


def load(name: str, **parameters: Any) -> AbstractGame:
    """A game by name, with parameters.

    Args:
        name: a name out of `names()`, or what a file of one's own holds: "path/to/file.py:ClassName",
            "path/to/file.py:game" for an instance there, "path/to/file.py:make" for a function that returns a game, or
            "path/to/file.py" alone where it defines one class of games (else one instance). The file's folder is on
            the import path while it is read. A registered name wins over an installed package's entry point of the
            same name.
        **parameters: Python numbers, strings, booleans or lists; see `describe(name).parameters`. An instance takes
            none.

    Returns:
        The game; entry points such as the solvers then run `validate` on it.

    Raises:
        ValueError: an unknown name or parameter (the closest known ones are named), a value of the wrong type or range,
            or a file that cannot be used; what a user's code raised, with file and line.

    Examples:
        >>> from smfg_verify import games
        >>> float(games.load("laffer-tax", discount=0.8).discount)
        0.8
        >>> try:
        ...     games.load("lafer-tax")
        ... except ValueError as error:
        ...     print("laffer-tax" in str(error))
        True
    """
    origin = _find(name).origin
    if isinstance(origin, AbstractGame):
        if parameters:
            raise InputError(
                f"{name}: got parameter {next(iter(parameters))!r}, expected none: it is a finished game. Name its "
                "class, or a function that takes the parameter and returns a game."
            )
        return origin
    allowed = _parameters(origin)
    unknown = [] if allowed is None else [key for key in parameters if key not in allowed]
    if unknown:
        raise InputError(
            f"{name}: got unknown parameter {unknown[0]!r}{closest(unknown[0], allowed or ())}; expected one of: "
            f"{', '.join(allowed or ()) or 'none, it takes no parameters'}."
        )
    _check_numbers(name, origin, parameters)
    return _made(name, origin, parameters)


def _made(name: str, origin: Callable[..., AbstractGame], parameters: dict[str, object]) -> AbstractGame:
    maker, called = getattr(origin, "from_parameters", origin), getattr(origin, "__name__", "the function")
    if is_game_class(origin) and missing_names(origin):
        raise InputError(f"{name}: {called} cannot be built, it does not define {missing_names(origin)}.")
    try:
        inspect.signature(maker).bind(**parameters)
        with blamed_on_user_code():
            game = maker(**parameters)
    except TypeError as error:
        raise InputError(
            f"{name}: got parameters {sorted(parameters)} that {called} cannot be built from: {error}. Likely cause: a "
            "required parameter is missing, or a value has another type than expected."
        ) from error
    if not isinstance(game, AbstractGame):
        raise InputError(f"{name}: got {game!r} ({type(game).__name__}) from {called}, expected a game.")
    return game


def describe(name: str) -> GameEntry:
    """What a listing says about a game, at its default parameters.

    Args:
        name: as for `load`.

    Returns:
        Name, one-line summary, source, sizes and parameters.

    Raises:
        ValueError: as `load` without parameters.

    Examples:
        >>> from smfg_verify import games
        >>> games.describe("laffer-tax").source
        'Our instantiation of the Laffer curve with an informal sector.'
    """
    found = _find(name)
    game = load(name)
    return GameEntry(
        name=name,
        summary=_summary(found.origin),
        source=found.source,
        num_states=game.num_states,
        num_follower_actions=game.num_follower_actions,
        num_leader_actions=game.num_leader_actions,
        mean_field_support=game.mean_field_support,
        parameters=_describe_parameters(found.origin, game),
    )


def _summary(origin: Origin) -> str:
    documented = type(origin) if isinstance(origin, AbstractGame) else origin
    text = inspect.getdoc(documented) or getattr(documented, "__name__", type(documented).__name__)
    return str(text).strip().splitlines()[0]


def _find(name: str) -> _Registered:
    if not isinstance(name, str):
        raise InputError(
            f"game: got {name!r} ({type(name).__name__}), expected a name such as {next(iter(names()))!r}."
        )
    if name in _REGISTERED:
        return _REGISTERED[name]
    if ":" in name or name.endswith(".py"):
        path, inside = (name, None) if name.endswith(".py") else name.rsplit(":", 1)
        return _Registered(from_file(path, inside, name), source=f"user's file {path}")
    point = _entry_points().get(name)
    if point is None:
        raise InputError(
            f"game: got unknown name {name!r}{closest(name, names())}; expected one of: {', '.join(names())}, or "
            "file.py:ClassName (or :instance, or :function)."
        )
    try:
        loaded = point.load()
    except Exception as error:
        raise InputError(f"game {name!r}: its entry point {point.value} failed to import: {_error(error)}.") from error
    package = point.dist.name if point.dist is not None else point.value
    return _Registered(checked_origin(loaded, f"entry point {point.value}"), source=f"installed package {package}")


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


def _parameters(origin: Callable[..., AbstractGame]) -> dict[str, inspect.Parameter] | None:
    """Parameters that `load` passes on, by name; None if any are taken."""
    own = dict(inspect.signature(origin).parameters)
    factory = getattr(origin, "from_parameters", None)
    found = own if factory is None else dict(inspect.signature(factory).parameters)
    open_ended = [key for key, item in found.items() if item.kind is inspect.Parameter.VAR_KEYWORD]
    if open_ended and factory is None:
        return None
    for key in open_ended:
        del found[key]
    return {**found, **own} if open_ended else found


def _check_numbers(name: str, origin: Callable[..., AbstractGame], parameters: dict[str, object]) -> None:
    """Name the float parameter of a user's game that is no number: JAX's own message would not say which."""
    for item in _class_fields(origin):
        value = parameters.get(item.name)
        numeric = item.metadata.get("converter") is as_parameter and item.name in parameters
        if numeric and not isinstance(as_number(value), jax.Array):
            raise InputError(
                f"{name}: {item.name}: got {value!r} ({type(value).__name__}), expected a number or an array of "
                "numbers; likely cause: text, a boolean or a ragged list."
            )


def _class_fields(origin: Origin) -> tuple[dataclasses.Field[object], ...]:
    return dataclasses.fields(origin) if is_game_class(origin) else ()


def _describe_parameters(origin: Origin, game: AbstractGame) -> tuple[ParameterEntry, ...]:
    if isinstance(origin, AbstractGame):
        return ()
    fields = {item.name: item for item in _class_fields(origin)}
    entries = []
    for key, item in (_parameters(origin) or {}).items():
        default = _plain(getattr(game, key)) if key in fields else item.default
        values = allowed_values(fields[key]) if key in fields else _annotation(item.annotation)
        entries.append(ParameterEntry(key, default, values))
    return tuple(entries)


def _annotation(annotation: object) -> str:
    options = [option for part in (annotation, *typing.get_args(annotation)) for option in _literals(part)]
    if options:
        return " or ".join(repr(option) for option in options)
    return "" if annotation is inspect.Parameter.empty else inspect.formatannotation(annotation)


def _literals(annotation: object) -> tuple[object, ...]:
    return typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()


def _plain(value: object) -> object:
    return np.asarray(value).tolist() if isinstance(value, jax.Array) else value


def _full_name(origin: type | Callable[..., AbstractGame]) -> str:
    return f"{origin.__module__}.{origin.__qualname__}"


def _error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
