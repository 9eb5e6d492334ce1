"""What counts as a library, by name alone: what is installed and the standard library, but not a game's own package."""

import functools
import os
import sys
import sysconfig
import types
from pathlib import Path

import jax
import numpy as np

from smfg_verify.game.reach.state import WRAPPERS, innermost, wrapped, wrapper_state

# Libraries wherever they are, also in a checkout that its developers work in.
_ALWAYS = frozenset({"jax", "jaxlib", "numpy", "scipy", "equinox", "jaxtyping", "beartype", "pandas", "sympy"})
_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})
_NO_LIBRARY = (int, float, complex, str, bytes, bool, type(None), tuple, list, dict, np.ndarray, jax.Array)


def libraries_for(owner: type, abstract: type) -> "Libraries":
    """What counts as a library for a game's class: everything installed but the packages that it and its bases are in.

    Args:
        owner: the game's class.
        abstract: the base that all games have.

    Returns:
        The same object for all classes of the same packages.
    """
    roots = {kind.__module__.partition(".")[0] for kind in owner.__mro__ if issubclass(kind, abstract)}
    return _libraries(frozenset(roots | {"smfg_verify"}))


@functools.cache
def _libraries(roots: frozenset[str]) -> "Libraries":
    return Libraries(roots)


class Libraries:
    """Libraries from the point of view of some packages; what it finds, it keeps."""

    def __init__(self, followed: frozenset[str]):
        self._followed = followed
        self._folders = tuple(filter(None, (_place_of(root) for root in sorted(followed))))
        self._modules: dict[str, bool] = {}
        self._files: dict[str, bool] = {}
        # By address, with the object itself, so that an address is not taken for another's.
        self._objects: dict[int, object] = {}

    def holds(self, value: object) -> bool:
        """Whether an object is part of a library, found there under its own name."""
        if id(value) in self._objects and self._objects[id(value)] is value:
            return True
        if isinstance(value, _NO_LIBRARY):
            return False
        if isinstance(value, types.ModuleType):
            found = sys.modules.get(value.__name__) is value and self.has_module(value.__name__)
        else:
            found = self._has(value)
        if found:
            self._objects[id(value)] = value
        return found

    def _has(self, value: object) -> bool:
        # A jitted function comes out of a pickle without its name.
        source = value if hasattr(value, "__qualname__") else innermost(value)
        name = getattr(source, "__qualname__", None) or getattr(source, "__name__", None)
        module = getattr(source, "__module__", None)
        if isinstance(value, types.BuiltinFunctionType) and not isinstance(
            value.__self__, types.ModuleType | type | None
        ):
            return False  # a method bound to an object, which has a state
        if not isinstance(name, str):
            return False
        if not isinstance(module, str):
            # ufuncs of NumPy before 2.3 have no module.
            return isinstance(value, np.ufunc | types.BuiltinFunctionType | types.MethodDescriptorType)
        if not self.has_module(module):
            return False
        found: object = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        return found is value or self._is_copy(value, found)

    def _is_copy(self, value: object, original: object) -> bool:
        """Whether a function that JAX wraps, jax.nn.relu say, is what pickling made of the original."""
        if type(value) not in WRAPPERS or type(original) not in WRAPPERS:
            return False
        code = self._code_within(value)
        return code is not None and code == self._code_within(original)

    def _code_within(self, value: object) -> types.CodeType | None:
        """The code of a function within wrappers of JAX's, where no part of them is the user's."""
        seen: set[int] = set()
        while type(value) in WRAPPERS:
            if not all(self._is_made(part, seen) for part in wrapper_state(value).values()):
                return None  # a rule of differentiation of the user's own
            value = wrapped(value)
        return value.__code__ if isinstance(value, types.FunctionType) and self._is_made(value, seen) else None

    def _is_made(self, value: object, seen: set[int]) -> bool:
        """Whether a function was made by a library out of nothing but what is a library's."""
        if id(value) in seen:
            return True
        seen.add(id(value))
        if isinstance(value, types.FunctionType):
            held = (cell.cell_contents for cell in value.__closure__ or ())
            return self.made(value.__code__.co_filename) and all(self._is_made(each, seen) for each in held)
        if type(value) in WRAPPERS:  # the wrapper itself, which its own rules know
            return self.has_module(value.__module__)
        return all(self._is_made(each, seen) for each in value) if isinstance(value, tuple) else not callable(value)

    def has_module(self, name: str) -> bool:
        """Whether a module is a library's."""
        if name not in self._modules:
            found = self._is_library_module(name)
            if name not in sys.modules:
                return found  # once it is imported, its file tells
            self._modules[name] = found
        return self._modules[name]

    def _is_library_module(self, name: str) -> bool:
        root = name.partition(".")[0]
        if root in self._followed or root in ("__main__", "__mp_main__"):
            return False
        file = getattr(sys.modules.get(name), "__file__", None) or getattr(sys.modules.get(root), "__file__", None)
        if root in _ALWAYS or file is None:
            return root in _ALWAYS or root in sys.stdlib_module_names  # built in, or not imported at all
        return self.made(file)  # a user's code.py is none, though Python has a module of that name

    def made(self, file: str) -> bool:
        """Whether the code in a file is a library's."""
        if file not in self._files:
            self._files[file] = not file.startswith(self._folders) and is_installed(file)
        return self._files[file]


def _place_of(root: str) -> str:
    """The folder of a package, or the file of a module; empty where there is none."""
    file = getattr(sys.modules.get(root), "__file__", None)
    if file is None:
        return ""
    return str(Path(file).parent) + os.sep if Path(file).stem == "__init__" else file


@functools.cache
def _installed_folders() -> tuple[str, ...]:
    paths = (sysconfig.get_path(which) for which in ("stdlib", "platstdlib", "purelib", "platlib"))
    always = (_place_of(root) for root in sorted(_ALWAYS))
    return ("<frozen", *(path + os.sep for path in paths), *filter(None, always))


def is_installed(file: str) -> bool:
    """Whether a file is one of the standard library's or of an installed package."""
    return file.startswith(_installed_folders()) or not _PACKAGE_FOLDERS.isdisjoint(Path(file).parts)
