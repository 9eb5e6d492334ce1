"""A digest of everything that Python functions reach: what they do now, not what they did when first seen.

Followed are code, defaults, enclosing variables, globals, helpers, class attributes and objects with their state;
arrays and numbers count by value. Libraries (anything installed, and the standard library) count by name.
"""

import enum
import functools
import hashlib
import random
import sys
import sysconfig
import types
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.game.references import CodeFacts, Reference, Resolved, facts, resolve

_PLAIN = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), slice, range)
_BY_VALUE = (*_PLAIN, jax.Array, np.ndarray, types.FunctionType)
# Read values that no digest of code can hold: they may differ at the next call.
_VOLATILE_BUILTINS = (open, input, eval, exec, globals, vars, locals, compile)
_VOLATILE_MODULES = frozenset({"time", "secrets", "uuid", "random", "_random"})
_VOLATILE = frozenset(
    {
        "os._Environ",
        "os.getenv",
        "os.urandom",
        "os.getpid",
        *(f"numpy.{name}" for name in ("load", "loadtxt", "genfromtxt", "fromfile", "memmap")),
    }
)
_VOLATILE_METHODS = frozenset({"now", "today", "utcnow"})
_METHODS = frozenset({"__call__", "__getattr__", "__getitem__"})  # the special methods that count
_BOOKKEEPING = frozenset(
    {"_abc_impl", "_member_map_", "_member_names_", "_value2member_map_", "_unhashable_values_", "_smfg_prepared"}
)


class Reached(NamedTuple):
    """What following functions found.

    Attributes:
        digest: 32 hexadecimal digits, the same in every process of one Python version.
        changed: some function reaches another value than when it was followed before, by whatever game.
    """

    digest: str
    changed: bool


# What each function and class read when it was last followed: JAX keeps traces by function, whatever that reads.
_LAST: weakref.WeakKeyDictionary[Any, dict[str, bytes]] = weakref.WeakKeyDictionary()


class _Walk:
    """One traversal, in an order that depends on the code alone."""

    def __init__(self, owner: type, outside: tuple[type, ...], skipped: Iterable[str] = ()):
        self.hash = hashlib.blake2b(digest_size=16)
        self.seen: dict[int, tuple[int, Any]] = {}  # keeps what it has seen alive, so that no address is used twice
        self.path: list[str] = []
        self.owner = owner
        self.family = tuple(kind for kind in owner.__mro__ if kind not in outside)
        self.fields = frozenset(skipped)
        self.names: set[str] = set()
        self.changed = False

    def word(self, text: str) -> None:
        self.hash.update(text.encode() + b"\0")

    def named(self, name: str, value: Any, reader: Any = None) -> None:
        """A value under a name; `reader` is the function or class that reads it."""
        known = id(value) in self.seen
        outer, self.hash = self.hash, hashlib.blake2b(digest_size=16)
        self.path.append(name)
        self.value(value)
        self.path.pop()
        found, self.hash = self.hash.digest(), outer
        self.word(name)
        self.hash.update(found)
        if reader is not None and not known:
            before = _LAST.setdefault(reader, {})
            self.changed |= before.get(name, found) != found
            before[name] = found

    def value(self, value: Any) -> None:
        if isinstance(value, _PLAIN) and type(value) in _PLAIN:
            self.word(f"{type(value).__name__}:{value!r}")
            return
        if _is_library(value):
            self.word(f"library:{_name(value)}")
            return
        known = self.seen.get(id(value))
        if known is not None:
            self.word(f"again:{getattr(value, '__qualname__', known[0])}")
            return
        self.seen[id(value)] = (len(self.seen), value)
        self._by_kind(value)

    def _by_kind(self, value: Any) -> None:
        if isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, types.MethodType):
            self.word("method")
            self.value(value.__func__)
            self.value(value.__self__)
        elif isinstance(value, property):
            self.each("property", (value.fget,))
        elif isinstance(value, staticmethod | classmethod):
            self.each(type(value).__name__, (value.__func__,))
        elif isinstance(value, functools.partial):
            self.each("partial", (value.func, value.args, value.keywords))
        elif isinstance(value, jax.core.Tracer):
            self.refuse("a value that JAX is tracing; make it a parameter (a field) of the game")
        elif isinstance(value, jax.Array | np.ndarray | np.generic):
            self.array(value)
        elif isinstance(value, type):
            self.kind(value)
        elif isinstance(value, types.ModuleType):
            self.word(f"module:{value.__name__}")
        else:
            self._container(value)

    def _container(self, value: Any) -> None:
        if isinstance(value, dict | types.MappingProxyType):
            self.each(type(value).__name__, (part for pair in value.items() for part in pair))
        elif isinstance(value, tuple | list):
            self.each(type(value).__name__, value)
        elif isinstance(value, set | frozenset):
            self.word(f"{type(value).__name__}:{sorted(self.apart(item) for item in value)}")
        elif isinstance(value, enum.Enum):
            self.word(f"{_name(type(value))}.{value.name}")
            self.value(value.value)
        elif hasattr(value, "__wrapped__") and not isinstance(value, eqx.Module):
            # functools.lru_cache, jax.jit: what they wrap is what they do.
            self.each(_name(type(value)), (value.__wrapped__,))
        else:
            self.instance(value)

    def apart(self, value: Any) -> str:
        """Digest of a value on its own, for collections without an order."""
        walk = _Walk(self.owner, ())
        walk.path, walk.family, walk.fields, walk.names = [*self.path], self.family, self.fields, self.names
        walk.value(value)
        return walk.hash.hexdigest()

    def each(self, word: str, values: Iterable[Any]) -> None:
        values = tuple(values)
        self.word(f"{word}({len(values)}")
        for value in values:
            self.value(value)
        self.word(")")

    def array(self, value: Any) -> None:
        array = np.asarray(value) if not jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key) else None
        if array is None:
            array = np.asarray(jax.random.key_data(value))
        if array.dtype.hasobject:
            self.each(f"objects{array.shape}", array.ravel().tolist())
            return
        self.word(f"{array.dtype}{array.shape}")
        self.hash.update(np.ascontiguousarray(array).tobytes())

    def function(self, function: types.FunctionType) -> None:
        if _installed(function.__code__.co_filename):
            # A function that a library has made, of the user's functions perhaps: those stand in its closure.
            self.word(f"made:{function.__code__.co_qualname}")
            self.each("closure", _cells(function))
            self.each("defaults", (function.__defaults__, function.__kwdefaults__, vars(function).get("__wrapped__")))
            return
        self.code(function, function.__code__, function.__doc__)
        self.each("defaults", (function.__defaults__, function.__kwdefaults__))

    def code(self, function: types.FunctionType, code: types.CodeType, docstring: str | None) -> None:
        """What code does and what it names; functions defined inside it see the same globals and closures."""
        found = facts(code, docstring)
        self.word("code")
        self.hash.update(found.content)
        for reference in found.references:
            resolved = resolve(reference, function)
            if resolved is not None:
                self.reference(function, resolved, reference, found)
        dynamic = found.dynamic  # what getattr may name is everything
        names = {name for kind in self.family for name in vars(kind)} if dynamic else found.attributes
        self.attributes(names)
        for inner in found.nested:
            self.code(function, inner, None)

    def reference(self, function: Any, resolved: Resolved, reference: Reference, found: CodeFacts) -> None:
        path, value, module = resolved
        self.path.append(path)
        self._refuse_volatile(path, value, reference.attributes)
        self.path.pop()
        if isinstance(value, types.ModuleType) and not _is_library(value):
            self.part_of_module(function, value, frozenset(vars(value)) if found.dynamic else found.attributes)
        elif module is not None and _is_library(module) and not isinstance(value, _BY_VALUE):
            self.word(f"library:{path}")  # an object that a library keeps under a name of its own
        else:
            self.named(path, value, function)

    def attributes(self, names: Iterable[str]) -> None:
        """What the game's classes have under names that are read of something: of `self`, for all that code tells."""
        for name in sorted(set(names) - self.names - self.fields):
            self.names.add(name)
            for kind in self.family:
                if name in vars(kind) and not _is_special(name):
                    self.named(f"{kind.__qualname__}.{name}", vars(kind)[name], kind)

    def part_of_module(self, function: Any, module: types.ModuleType, names: frozenset[str]) -> None:
        """A module that is passed on by a name of its own: whatever of it the code may take."""
        for name in sorted(names & vars(module).keys()):
            if not _is_special(name) and not isinstance(vars(module)[name], types.ModuleType):
                self.named(f"{module.__name__}.{name}", vars(module)[name], function)

    def kind(self, kind: type) -> None:
        """A class by name and by what its users wrote: methods, properties, attributes, and its bases'."""
        self.word(f"class:{kind.__qualname__}")
        if kind in self.family:
            return  # whatever is read of it is followed by name, see `attributes`
        for base in kind.__mro__[1:]:
            if not _is_library(base):
                self.value(base)
        for name, value in vars(kind).items():
            if not _is_special(name):
                self.named(f"{kind.__qualname__}.{name}", value, kind)

    def instance(self, value: Any) -> None:
        """An object by its class and its state."""
        kind = type(value)
        self.word(f"instance:{kind.__qualname__}")
        self.value(kind)
        if isinstance(value, np.random.Generator | np.random.RandomState | np.random.BitGenerator):
            self.refuse("a random number generator, whose state moves on at every call")
        try:
            state = _state_of(value)
        except Exception as error:
            self.refuse(f"an object of type {kind.__qualname__}, whose state cannot be read ({error})")
        self.each("state", state)

    def _refuse_volatile(self, path: str, value: Any, attributes: tuple[str, ...]) -> None:
        name, keeper = _name(value), getattr(value, "__self__", None)
        root = name.partition(".")[0]
        if (
            any(value is each for each in _VOLATILE_BUILTINS)
            or (root in _VOLATILE_MODULES and not isinstance(value, type | types.ModuleType))
            or name in _VOLATILE
            or (root == "datetime" and _VOLATILE_METHODS & set(attributes))
            or isinstance(keeper, np.random.RandomState | random.Random)
        ):
            self.refuse(f"{path}, which may give another value at the next call")

    def refuse(self, what: str) -> None:
        where = " -> ".join(self.path)
        raise InputError(
            f"game: {where} reaches {what}. A game must be a function of its parameters alone, so that a compiled "
            "solver, a saved run and a verdict are about the same game: pass what is needed as a field."
        )


def reached(
    owner: type,
    outside: tuple[type, ...],
    names: Iterable[str],
    values: Iterable[tuple[str, Any]],
    skipped: Iterable[str] = (),
) -> Reached:
    """Follow the methods of a class, and values, to everything they reach.

    Args:
        owner: the class whose methods are followed.
        outside: bases of it that count as libraries.
        names: of the attributes to start from.
        values: names and objects to start from as well.
        skipped: attributes of the class that its instances have of their own.

    Returns:
        The digest.

    Raises:
        ValueError: something reached cannot be recorded, named with the path to it.
    """
    _adopt(owner, outside)
    walk = _Walk(owner, outside, skipped)
    walk.word(owner.__qualname__)
    walk.attributes(names)
    for name, value in values:
        walk.named(name, value)
    return Reached(walk.hash.hexdigest(), walk.changed)


# Packages that define a game are followed even where they are installed: the first part of their names, and folders.
_FOLLOWED: dict[str, str] = {"smfg_verify": str(Path(__file__).parents[1])}


def _adopt(owner: type, outside: tuple[type, ...]) -> None:
    for kind in owner.__mro__:
        root = kind.__module__.partition(".")[0]
        if kind in outside or root in _FOLLOWED or root in sys.stdlib_module_names:
            continue
        file = getattr(sys.modules.get(root), "__file__", None)
        _FOLLOWED[root] = "" if file is None else str(Path(file).parent if Path(file).stem == "__init__" else file)
        _LIBRARY.clear()
        _library_module.cache_clear()
        _installed.cache_clear()


def _is_special(name: str) -> bool:
    return (name.startswith("__") and name not in _METHODS) or name in _BOOKKEEPING


def _cells(function: types.FunctionType) -> Iterable[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            yield None


def _state_of(value: Any) -> tuple[Any, ...]:
    """Whatever an object holds: its dictionary, its slots, or what it would be rebuilt from."""
    if isinstance(value, weakref.ref):
        return (value(),)
    names = [n for kind in type(value).__mro__ for n in getattr(kind, "__slots__", ()) if n != "__weakref__"]
    slots = tuple(getattr(value, n) for n in names if isinstance(n, str) and n != "__dict__" and hasattr(value, n))
    if hasattr(value, "__dict__") or slots:
        return (dict(getattr(value, "__dict__", {})), *slots)
    rebuilt = value.__reduce_ex__(2)
    return (rebuilt,) if isinstance(rebuilt, str) else tuple(rebuilt[:3])


def _name(value: Any) -> str:
    module = getattr(value, "__module__", None) or ""
    if isinstance(value, types.ModuleType):
        return value.__name__
    return f"{module}.{getattr(value, '__qualname__', None) or getattr(value, '__name__', type(value).__qualname__)}"


# By address, with the object itself, so that an address is not taken for another's.
_LIBRARY: dict[int, Any] = {}


def _is_library(value: Any) -> bool:
    """Whether an object is part of an installed package or of Python, found there under its own name."""
    if id(value) in _LIBRARY and _LIBRARY[id(value)] is value:
        return True
    if isinstance(value, (*_PLAIN, tuple, list, dict, np.ndarray, jax.Array)):
        return False
    is_module = isinstance(value, types.ModuleType)
    library = _library_module(value.__name__) if is_module else _found_under_its_name(value)
    if library:
        _LIBRARY[id(value)] = value
    return library


def _found_under_its_name(value: Any) -> bool:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    module = getattr(value, "__module__", None)
    if isinstance(value, types.BuiltinFunctionType) and not isinstance(value.__self__, types.ModuleType | type(None)):
        return type(value.__self__).__module__.partition(".")[0] == "numpy"  # numpy.random.rand and the like
    if not isinstance(name, str):
        return False
    if not isinstance(module, str):
        # ufuncs of NumPy before 2.3 have no module.
        return isinstance(value, np.ufunc | types.BuiltinFunctionType | types.MethodDescriptorType)
    if not _library_module(module):
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


@functools.cache
def _library_module(name: str) -> bool:
    root = name.partition(".")[0]
    if root in _FOLLOWED or root == "__main__":
        return False
    if root in sys.stdlib_module_names or root in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(name), "__file__", None) or getattr(sys.modules.get(root), "__file__", None)
    return file is not None and _installed(file)


@functools.cache
def _installed(file: str) -> bool:
    if any(folder and file.startswith(folder) for folder in _FOLLOWED.values()):
        return False
    folders = {sysconfig.get_path(which) for which in ("stdlib", "platstdlib", "purelib", "platlib")}
    return file.startswith(("<frozen", *folders)) or "site-packages" in file or "dist-packages" in file
