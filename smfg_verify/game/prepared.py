"""A game as compiled programs take it: numbers as traced leaves, everything else behind one digest of what it does.

`traced` returns an instance of a subclass of the game's class, made on the fly, of which JAX sees the float leaves and
one static part that is equal exactly when the digest is. A program compiled for it is found again when a number
changes, and never found again when a function, a helper, a global or a class attribute does.
"""

import dataclasses
import functools
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.game.base import AbstractGame, as_parameter
from smfg_verify.game.reach.digest import reached

FUNCTIONS = ("transition", "follower_reward", "leader_reward")
# Numbers of the contract: leaves even where a class gives them as plain attributes.
NUMBERS = ("discount", "temperature", "leader_temperature", "initial_distribution")
WORDS = (
    "num_states",
    "num_follower_actions",
    "num_leader_actions",
    "mean_field_support",
    "leader_observation",
    "transition_dependence",
    "follower_reward_dependence",
    "leader_reward_dependence",
)
LABELS = ("state_labels", "follower_action_labels", "leader_action_labels")
_ROOTS = (*FUNCTIONS, "successors", *WORDS, *NUMBERS)
_OUTSIDE = tuple(AbstractGame.__mro__)
_OWN, _CONSTANTS, _PARTS = "_smfg_prepared", "_smfg_constants", "_smfg_parts"
# JAX keeps traces of jitted helpers and of the bodies of loops by function, whatever they read: here by digest too.
_DIGEST = jax.make_user_context(None)
# Subclasses by digest: classes that a factory makes again and again share theirs, and with it all programs.
_SUBCLASSES: weakref.WeakValueDictionary[object, type[AbstractGame]] = weakref.WeakValueDictionary()
_LOCK = threading.Lock()


class _Own(dict[Any, type[AbstractGame]]):
    """Subclasses of a class; they stay behind where the class is sent to another process."""

    def __reduce__(self) -> tuple[object, ...]:
        return _Own, ()


class Constants:
    """What of a game is no number: equal where the digests are, whatever the values are and however they compare."""

    def __init__(self, digest: str, values: dict[str, object]):
        self.digest, self.values = digest, values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constants) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Constants({self.digest[:12]})"


class _Split(NamedTuple):
    """A game's fields by how JAX shall see them."""

    leaves: dict[str, object]  # arrays and trees of arrays
    values: dict[str, object]  # static; of a mixed tree the part that is no array
    parts: dict[str, object]  # the arrays of mixed trees


def traced(game: AbstractGame) -> AbstractGame:
    """The game as solvers are compiled for it: every float a traced leaf, everything else part of one digest.

    A Python float left as it is would be a constant of the program, and changing it would recompile; a number or a
    function that the methods reach from elsewhere would be a constant that no one sees change.

    Args:
        game: any game; may be called on a game that is prepared already, and under JAX's transformations.

    Returns:
        The same game; an instance of a subclass of its class.

    Raises:
        ValueError: something that the game's functions reach cannot be recorded.

    Examples:
        >>> import jax
        >>> from smfg_verify import games
        >>> from smfg_verify.game import traced
        >>> game = traced(games.load("laffer-tax"))
        >>> all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(game))
        True
    """
    kind = class_of(game)
    split = _split(kind, fields_of(game))
    digest = _digest(kind, split)
    result = object.__new__(_subclass(kind, split, digest))
    for name, leaf in split.leaves.items():
        object.__setattr__(result, name, leaf)
    object.__setattr__(result, _PARTS, split.parts)
    object.__setattr__(result, _CONSTANTS, Constants(digest, split.values))
    return result


def _digest(kind: type[AbstractGame], split: _Split) -> str:
    own = split.leaves.keys() | split.values.keys()
    return reached(kind, _OUTSIDE, _ROOTS, sorted(split.values.items()), skipped=own)


def numbers_of(game: AbstractGame) -> tuple[object, ...]:
    """What of a game may change without another program, as its author gave it: the same objects while it has not."""
    return tuple(leaf for value in fields_of(game).values() for leaf in jax.tree.leaves(value) if is_leaf(leaf))


def fields_of(game: AbstractGame) -> dict[str, object]:
    """The fields that an instance has of its own, and the numbers of the contract that stand in its class."""
    return dict(_fields(game, class_of(game)))


def class_of(game: AbstractGame) -> type[AbstractGame]:
    """The class that a game's author wrote, also of a prepared game.

    Args:
        game: any game.

    Returns:
        The class.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import class_of, traced
        >>> class_of(traced(games.load("laffer-tax"))).__name__
        'LafferTax'
    """
    return type(game).__mro__[1] if is_prepared(game) else type(game)


def is_prepared(game: AbstractGame) -> bool:
    """Whether a game came out of `traced`.

    Args:
        game: any game.

    Returns:
        True after `traced`.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import is_prepared, traced
        >>> game = games.load("laffer-tax")
        >>> is_prepared(game), is_prepared(traced(game))
        (False, True)
    """
    return _CONSTANTS in vars(game)


def digest_of(prepared: AbstractGame) -> str:
    """The digest of what a prepared game's functions reach, its numbers apart."""
    result: str = getattr(prepared, _CONSTANTS).digest
    return result


def _fields(game: AbstractGame, kind: type[AbstractGame]) -> Iterator[tuple[str, object]]:
    """Fields that are set, and the numbers of the contract that stand in the class."""
    names = [field.name for field in dataclasses.fields(kind)]
    ready = is_prepared(game)
    for name in names:
        if name in vars(game) or (ready and isinstance(vars(type(game)).get(name), property)):
            yield name, getattr(game, name)
    for name in NUMBERS:
        if name in names:
            continue
        value = vars(game).get(name) if ready else _class_attribute(kind, name)
        if isinstance(value, _NUMERIC) and not isinstance(value, bool):
            yield name, value


def _class_attribute(kind: type[AbstractGame], name: str) -> object:
    """What stands in the class under a name, descriptors unasked; None where there is the contract's default alone."""
    return next((vars(base)[name] for base in kind.__mro__ if base not in _OUTSIDE and name in vars(base)), None)


_NUMERIC = (int, float, list, tuple, np.ndarray, np.generic, jax.Array)


def is_leaf(value: object) -> bool:
    """Whether a value is a number or an array of numbers that may change without another program: no word, no size."""
    if isinstance(value, jax.Array | float | np.floating):
        return True
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiubc"


def _as_leaf(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return as_parameter(value)
    # Of a full type: JAX compiles anew for the weak type that numbers give an array.
    return jnp.asarray(value, dtype=jax.dtypes.canonicalize_dtype(value.dtype))


def _split(kind: type[AbstractGame], values: dict[str, object]) -> _Split:
    static = {field.name for field in dataclasses.fields(kind) if field.metadata.get("static", False)}
    split = _Split({}, {}, {})
    for name, value in values.items():
        if name in NUMBERS and isinstance(value, _NUMERIC) and name not in static:
            split.leaves[name] = _as_leaf(value) if is_leaf(value) else as_parameter(np.asarray(value))
        elif name in static:
            split.values[name] = value
        elif is_leaf(value):
            split.leaves[name] = _as_leaf(value)
        else:
            _split_tree(split, name, value)
    return split


def _split_tree(split: _Split, name: str, value: object) -> None:
    """A field that is a tree: its arrays are leaves, and the rest of it counts by what it does."""
    arrays, rest = eqx.partition(value, is_leaf)
    found, other = jax.tree.leaves(arrays), jax.tree.leaves(rest)
    if not found:
        split.values[name] = value
        return
    arrays = jax.tree.map(_as_leaf, arrays)
    if other:
        split.parts[name] = arrays
        split.values[name] = rest
    else:
        split.leaves[name] = arrays
        split.values[f"{name}: structure"] = rest  # of the classes in it the digest follows the methods


def _subclass(kind: type[AbstractGame], split: _Split, digest: str) -> type[AbstractGame]:
    """The subclass for one division of a class's fields: its own, or that of a class with the same functions."""
    layout = (frozenset(split.leaves), frozenset(split.values), frozenset(split.parts))
    key = (digest, layout, *(repr(_class_attribute(kind, name)) for name in LABELS))
    with _LOCK:
        found = _SUBCLASSES.get(key)
        # The other class's functions may reach something else by now than they did when it was kept.
        if found is None or not (found.__mro__[1] is kind or _digest(found.__mro__[1], split) == digest):
            if _OWN not in vars(kind):
                type.__setattr__(kind, _OWN, _Own())  # on the class, so that it lives as long
            own = vars(kind)[_OWN]
            found = _SUBCLASSES[key] = own[layout] = own.get(layout) or _make_subclass(kind, split)
    return found


def _make_subclass(kind: type[AbstractGame], split: _Split) -> type[AbstractGame]:
    declared = {field.name for field in dataclasses.fields(kind)}
    numbers = [name for name in split.leaves if name not in declared]
    # No fields any more: equinox takes an instance with fewer entries than fields for a wrapper of a function.
    hidden = dict.fromkeys(sorted(declared - split.leaves.keys()), ClassVar[Any])
    body: dict[str, object] = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "__annotations__": {**hidden, **dict.fromkeys(numbers, Any), _PARTS: Any, _CONSTANTS: Any},
        "__reduce__": lambda self: (_itself, (_restored(kind, dict(_fields(self, kind))),)),
        **{name: eqx.field(default=None) for name in (*numbers, _PARTS)},
        _CONSTANTS: eqx.field(static=True, default=None),
        **{
            name: _reader(name, name in split.parts)
            for name in split.values
            if name in declared and name not in split.leaves
        },
        **{name: wrap(name) for name, wrap in _user_code(kind) if name not in declared | split.leaves.keys()},
    }
    result: type[AbstractGame] = type(kind)(kind.__name__, (kind,), body)  # type: ignore[misc]
    return result


def _user_code(kind: type[AbstractGame]) -> Iterator[tuple[str, Callable[[str], object]]]:
    """What of the contract a class computes."""
    for name in (*FUNCTIONS, "successors", *WORDS, *NUMBERS):
        value = _class_attribute(kind, name)
        if name in FUNCTIONS or (name == "successors" and value is not None):
            yield name, _method
        elif isinstance(value, property | functools.cached_property):
            yield name, lambda name: property(lambda game: _read(game, name))


def _read(game: AbstractGame, name: str) -> object:
    with _DIGEST(digest_of(game)):
        return getattr(super(type(game), game), name)


def _method(name: str) -> Callable[..., object]:
    def call(self: AbstractGame, *arguments: object, **named: object) -> object:
        with _DIGEST(digest_of(self)):
            return getattr(super(type(self), self), name)(*arguments, **named)

    return call


def _reader(name: str, mixed: bool) -> property:
    def read(game: AbstractGame) -> object:
        value = getattr(game, _CONSTANTS).values[name]
        return eqx.combine(getattr(game, _PARTS)[name], value) if mixed else value

    return property(read)


def _restored(kind: type[AbstractGame], values: dict[str, object]) -> AbstractGame:
    """A prepared game as one of its author's class, which knows how it is pickled."""
    declared = {field.name for field in dataclasses.fields(kind)}
    game = object.__new__(kind)
    for name, value in values.items():
        if name in declared:
            object.__setattr__(game, name, value)
    return game


def _itself(game: AbstractGame) -> AbstractGame:
    return game
