"""A digest of everything that Python functions reach: what they do now, not what they did when first seen.

Followed are code, defaults, enclosing variables, globals, helpers, class attributes and objects with their state;
arrays and numbers count by value. Libraries (anything installed, and the standard library) count by name. Of classes
and modules counts what is read of anything by its name anywhere in the code followed, and every special method.
"""

import enum
import functools
import hashlib
import logging
import operator
import types
import weakref
from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.game.reach.libraries import libraries_for
from smfg_verify.game.reach.references import Reference, Resolved, facts, resolve
from smfg_verify.game.reach.state import (
    attributes_of,
    base_content,
    fields_of,
    innermost,
    is_bookkeeping,
    is_special,
    rebuilt_from,
    special_names,
    wrapped,
    wrapper_state,
)
from smfg_verify.game.reach.volatile import is_volatile

_PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None), type(Ellipsis), range})
_BY_VALUE = (int, float, complex, str, bytes, tuple, jax.Array, np.ndarray, types.FunctionType)
# Libraries call methods of what they are given by names that no code of the user's spells, unless they are these.
_NO_CALLBACKS = ("builtins", "typing", "abc", "enum", "equinox._module", "equinox._better_abstract", "collections.abc")
_CALLED_BY_JAX = ("tree_flatten", "tree_unflatten", "tree_flatten_with_keys")
# Objects that decide no value of a function that JAX traces, or that only remember what was computed before.
_MADE_AT_RUN_TIME = 1 << 9  # Python's flag of classes that a statement makes
_SILENT = (jax.Device, logging.Logger, logging.LoggerAdapter, weakref.WeakKeyDictionary, weakref.WeakValueDictionary)


def reached(
    owner: type,
    outside: tuple[type, ...],
    names: Iterable[str],
    values: Iterable[tuple[str, object]],
    skipped: Iterable[str] = (),
) -> str:
    """Follow the methods of a class, and values, to everything they reach.

    Args:
        owner: the class whose methods are followed.
        outside: bases of it that count as libraries, the one that all games have first.
        names: of the attributes to start from.
        values: names and objects to start from as well.
        skipped: attributes of the class that its instances have of their own.

    Returns:
        32 hexadecimal digits, the same in every process of one Python version.

    Raises:
        ValueError: something reached cannot be recorded, named with the path to it.
    """
    walk = _Walk(owner, outside, skipped)
    try:
        parts = [walk.named(name, value) for name, value in values]
        walk.wanted.update(names)
        parts += walk.finish()
    except RecursionError:
        walk.refuse("objects or functions that are nested too deeply to be followed")
    return _join(owner.__qualname__, *parts).hex()


def _join(word: str, *parts: bytes) -> bytes:
    digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


class Uncounted:
    """Of an object that functions use and that is no part of what they do: a registry whose keys are arguments."""


class _Walk:
    """One traversal, in an order that depends on the code alone."""

    def __init__(self, owner: type, outside: tuple[type, ...], skipped: Iterable[str]):
        self.libraries, self.outside = libraries_for(owner, outside[0]), outside
        self.family = tuple(kind for kind in owner.__mro__ if kind not in outside)
        self.fields = frozenset(skipped)
        self.done: dict[
            int, tuple[bytes, object]
        ] = {}  # keeps what it has seen alive, so that no address is used twice
        self.open: dict[int, int] = {}  # what is being followed, by depth
        self.path: list[str] = []
        self.in_library = 0  # how many of them are objects of libraries
        self.wanted: set[str] = set(_CALLED_BY_JAX)
        self.any_value = self.any_name = False
        # Classes and modules, of which the names wanted are followed; True where all are.
        self.holders: dict[type | types.ModuleType, bool] = {}
        for kind in self.family:
            self.hold(kind)

    def named(self, name: str, value: object) -> bytes:
        self.path.append(name)
        found = self.of(value)
        self.path.pop()
        return _join(name, found)

    def of(self, value: object) -> bytes:
        """Digest of a value: that of its content, whatever was followed before."""
        if type(value) in _PLAIN:
            return f"{type(value).__name__}:{value!r}".encode(errors="surrogatepass")
        if isinstance(value, Uncounted):
            return b"uncounted"
        if self.libraries.holds(value):
            return f"library:{_name(innermost(value))}".encode()
        key = id(value)
        if key in self.done:
            return self.done[key][0]
        if key in self.open:
            return f"open:{len(self.open) - self.open[key]}".encode()
        self.open[key] = len(self.open)
        found = self.by_kind(value)
        del self.open[key]
        self.done[key] = found, value
        return found

    def each(self, word: str, *values: object) -> bytes:
        return _join(word, *(self.of(value) for value in values))

    def by_kind(self, value: object) -> bytes:
        match value:
            case types.FunctionType():
                return self.function(value)
            case types.MethodType():
                return self.each("method", value.__func__, value.__self__)
            case types.BuiltinMethodType() | types.MethodWrapperType():
                return self.each("builtin method", value.__name__, value.__self__)
            case property():
                return self.each("property", value.fget)
            case staticmethod() | classmethod():
                return self.each(type(value).__name__, value.__func__)
            case functools.cached_property():
                return self.each("cached property", value.func)
            case functools.partial():
                return self.each("partial", value.func, value.args, value.keywords)
            case operator.attrgetter() | operator.methodcaller():
                names = [name for name in value.__reduce__()[1] if isinstance(name, str)]
                self.wanted.update(part for name in names for part in name.split("."))
            case slice():
                return self.each("slice", value.start, value.stop, value.step)
            case jax.core.Tracer():
                self.refuse("a value that JAX is tracing; make it a parameter (a field) of the game")
            case jax.Array() | np.ndarray() | np.generic():
                return self.array(value)
            case type():
                return self.kind(value)
            case types.ModuleType():
                return self.hold(value)
        return self.container(value)

    def container(self, value: Any) -> bytes:
        if type(value) in (tuple, list):
            if _PLAIN.issuperset(map(type, value)):
                return _join(type(value).__name__, repr(value).encode(errors="surrogatepass"))
            return self.each(type(value).__name__, *value)
        if type(value) in (dict, types.MappingProxyType):
            return self.each("dict", *(part for pair in value.items() for part in pair))
        if type(value) in (set, frozenset):
            # Classes are numbered as they are met: not in the order of a set.
            items = sorted(value, key=lambda item: getattr(item, "__qualname__", type(item).__qualname__))
            return _join("set", *sorted(self.of(item) for item in items))
        if isinstance(value, enum.Enum):
            return _join("enum", self.of(type(value)), value.name.encode(), self.of(value.value))
        if self.libraries.holds(type(value)) and wrapped(value) is not None:
            # functools.lru_cache, jax.jit, jax.custom_jvp: what they wrap, and what they hold beside.
            return self.each(f"wrapper:{_name(type(value))}", wrapped(value), wrapper_state(value))
        return self.instance(value)

    def array(self, value: Any) -> bytes:
        if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            return _join(str(value.dtype), self.of(jax.random.key_data(value)))
        array = np.asarray(value)
        if array.dtype.names:  # between the columns there may be bytes without a meaning
            parts = [self.each(name, array[name]) for name in array.dtype.names]
        elif array.dtype.hasobject:
            parts = [self.each("objects", *array.ravel().tolist())]
        else:
            parts = [np.ascontiguousarray(array).tobytes()]
        if isinstance(value, np.ma.MaskedArray):
            parts += [self.of(np.ma.getmaskarray(value)), self.of(np.asarray(value.fill_value))]
        elif type(value) not in (np.ndarray, np.memmap) and isinstance(value, np.ndarray):
            parts += [self.of(type(value)), self.of(vars(value)) if hasattr(value, "__dict__") else b""]
        return _join(f"{array.dtype}{array.shape}", *parts)

    def function(self, function: types.FunctionType) -> bytes:
        held = [(name, vars(function)[name]) for name in sorted(vars(function)) if not is_special(name)]
        state = (function.__defaults__, function.__kwdefaults__, dict(held))
        if self.libraries.made(function.__code__.co_filename):
            # A function that a library has made, of the user's functions perhaps: those stand in its closure.
            within = vars(function).get("__wrapped__")
            return self.each(f"made:{function.__code__.co_qualname}", *_cells(function), *state, within)
        return _join("function", self.code(function, function.__code__), *(self.of(each) for each in state))

    def code(self, function: types.FunctionType, code: types.CodeType) -> bytes:
        """What code does and what it names; functions defined inside it see the same globals and closures."""
        found = facts(code)
        self.wanted |= found.attributes
        self.any_value |= found.any_value
        self.any_name |= found.any_name
        resolved = ((reference, resolve(reference, function)) for reference in found.references)
        whole = found.any_value or found.any_name
        parts = [self.reference(what, reference, whole) for reference, what in resolved if what is not None]
        return _join("code", found.content, *parts, *(self.code(function, inner) for inner in found.nested))

    def reference(self, resolved: Resolved, reference: Reference, whole: bool) -> bytes:
        path, value, module = resolved
        self.path.append(path)
        if is_volatile(_name(value), value, reference.attributes):
            self.refuse("what may give another value at the next call, or in another process")
        self.path.pop()
        if isinstance(value, types.ModuleType) and not self.libraries.holds(value):
            return self.hold(value, whole=whole)
        if module is not None and self.libraries.holds(module) and not isinstance(value, _BY_VALUE):
            return f"library:{path}".encode()  # an object that a library keeps under a name of its own
        return self.named(path, value)

    def kind(self, kind: type) -> bytes:
        """A class by its name, its bases and, at the end, what of it is wanted."""
        written_in_c = not kind.__flags__ & _MADE_AT_RUN_TIME
        if written_in_c or kind in self.outside or type(kind).__module__.startswith("jaxtyping"):
            return f"class:{kind.__qualname__}".encode()
        for base in kind.__mro__[1:]:
            if base not in self.outside and not self.libraries.holds(base):
                self.hold(base)
        called = any(self.libraries.holds(b) and not b.__module__.startswith(_NO_CALLBACKS) for b in kind.__mro__)
        parts = [_join(name, self.of(factory), self.of(metadata)) for name, factory, metadata in fields_of(kind)]
        if issubclass(kind, enum.Enum):
            members = kind.__members__.items()
            parts += [_join(name, self.of(member._value_)) for name, member in members]
        return _join("class", self.hold(kind, whole=called), *parts)

    def hold(self, holder: type | types.ModuleType, whole: bool = False) -> bytes:
        """A class or module by its place among those met; what is wanted of it is followed at the end."""
        self.holders[holder] = self.holders.get(holder, False) or whole
        name = holder.__qualname__ if isinstance(holder, type) else "module"
        return f"{name}:{list(self.holders).index(holder)}".encode()

    def finish(self) -> list[bytes]:
        """What of the classes and modules met is read by its name: of `self` and of anything, for all code tells."""
        followed: set[tuple[object, str]] = set()
        parts = []
        while todo := [pair for pair in self.pairs() if pair not in followed]:
            for holder, name in todo:
                parts.append(self.named(f"{holder.__name__.rpartition('.')[2]}.{name}", vars(holder)[name]))
            followed.update(todo)
        return parts

    def pairs(self) -> list[tuple[type | types.ModuleType, str]]:
        return [(holder, name) for holder in list(self.holders) for name in sorted(self.names_of(holder))]

    def names_of(self, holder: type | types.ModuleType) -> Iterable[str]:
        """Of a class or module: what code spells, what it might compute, and what Python itself reads."""
        own, game, is_class = vars(holder), holder in self.family, isinstance(holder, type)
        if self.holders[holder] or (is_class and self.any_name):
            names = {name for name in own if not is_special(name)}
        else:
            names = {name for name in own.keys() & self.wanted if not is_special(name)}
        if is_class and self.any_value:
            names |= {name for name, value in own.items() if not (is_special(name) or _is_method(value))}
        special = special_names(holder, making=not game) if isinstance(holder, type) else ()
        names = names.difference(self.fields) if game else names
        return (name for name in {*names, *special} if not self.left_out(holder, name))

    def left_out(self, holder: object, name: str) -> bool:
        # Members of an enumeration are in its digest; a module within a module is met where code goes through it.
        return is_bookkeeping(name) or (isinstance(holder, enum.EnumType) and name.startswith("_") and name[-1] == "_")

    def instance(self, value: object) -> bytes:
        """An object by its class and its state."""
        kind = type(value)
        if isinstance(value, _SILENT):
            return f"{kind.__qualname__}".encode()
        if isinstance(value, np.random.Generator | np.random.RandomState | np.random.BitGenerator):
            if self.in_library:  # every distribution of scipy.stats holds one; a draw shows in the second call
                return kind.__qualname__.encode()
            self.refuse("a random number generator, whose state moves on at every call")
        parts = [self.of(kind), *(self.of(each) for each in base_content(value))]
        try:
            state = None if self.libraries.holds(kind) and not isinstance(value, eqx.Module) else attributes_of(value)
            if state is None and not (len(parts) > 1 and not self.libraries.holds(kind)):
                state = rebuilt_from(value)
        except Exception as error:
            self.refuse(f"an object of type {kind.__qualname__}, whose state cannot be read ({error})")
        self.in_library += self.libraries.holds(kind)
        found = _join("instance", *parts, self.of(state))
        self.in_library -= self.libraries.holds(kind)
        return found

    def refuse(self, what: str) -> None:
        where = " -> ".join(self.path) or "it"
        raise InputError(
            f"game: {where} reaches {what}. A game must be a function of its parameters alone, so that a compiled "
            "solver, a saved run and a verdict are about the same game: pass what is needed as a field."
        )


def numbers_in(value: Any) -> Any:
    """What NumPy can read of a value: of a key of jax.random its words."""
    is_key = isinstance(value, jax.Array) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(value) if is_key else value


def _is_method(value: object) -> bool:
    return callable(value) or isinstance(value, property | staticmethod | classmethod | functools.cached_property)


def _cells(function: types.FunctionType) -> Iterable[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            yield None


def _name(value: object) -> str:
    module = getattr(value, "__module__", None) or ""
    if isinstance(value, types.ModuleType):
        return value.__name__
    return f"{module}.{getattr(value, '__qualname__', None) or getattr(value, '__name__', type(value).__qualname__)}"
