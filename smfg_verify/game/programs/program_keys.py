"""The key of a compiled program that outlives its process: everything that decides what the compiler made.

That is the function with all code of this package, the structure of its arguments (of a game its digest), their shapes,
the versions of what traced and compiled it, JAX's settings, and the machine.
"""

import functools
import hashlib
import io
import os
import pickle
import platform
import re
import sys
import types
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from smfg_verify.game.base import AbstractGame
from smfg_verify.game.prepared import class_of, digest_of, is_prepared
from smfg_verify.game.reach.libraries import is_installed
from smfg_verify.processors import processors

# What traces and compiles; other installed modules count by the dates of their files, see `_installed_modules`.
_TRACED_BY = ("jax", "jaxlib", "equinox", "numpy", "scipy", "jaxtyping", "ml_dtypes", "opt_einsum")
# Modules whose classes and functions may stand in an argument: versions and sources say what they do.
_KNOWN = frozenset({"builtins", "collections", "enum", "functools", "smfg_verify", *_TRACED_BY})
# What this package imports for work that no game calls; one that is missing here costs programs, never their truth.
_OTHERS = frozenset(
    re.findall(
        r"\w+",
        """
        attr attrs cffi charset_normalizer clarabel cloudpickle contourpy cvxpy cycler cyclopts dateutil
        docstring_parser filelock fontTools h5netcdf h5py highspy jinja2 joblib kiwisolver markdown_it markupsafe
        matplotlib mdurl mpl_toolkits mpmath osqp packaging pandas PIL platformdirs pygments pyparsing qdldl rich
        rich_rst scs sparsediffpy sympy typing_extensions wadler_lindig xarray _cffi_backend _cyutility
        _distutils_hack smfg_verify
        """,
    )
)
_SETTLED = frozenset({*_TRACED_BY, *_OTHERS, *sys.stdlib_module_names})
_PACKAGE = Path(__file__).parents[2]
_GAMES = "smfg_verify.games"


class NotKept(Exception):
    """The arguments hold something whose meaning a key cannot tell in another process."""


class _Shape:
    """What a compiled program knows of an array."""

    def __init__(self, array: object):
        self.description = str(jax.typeof(array)) + (" weak" if jax.typeof(array).weak_type else "")


def program_key(function: Callable[..., object], options: Mapping[str, object], arguments: object) -> str:
    """The key of the program of a function for arguments like these.

    Args:
        function: of this package, as `module.qualified name`.
        options: of the compiler.
        arguments: a tree; prepared games in it count by their digests, arrays by their shapes, the rest by value.

    Returns:
        64 hexadecimal digits.

    Raises:
        NotKept: an argument whose meaning the key could not tell.
    """
    shapes = jax.tree.map(lambda leaf: _Shape(leaf) if eqx.is_array(leaf) else leaf, arguments)
    written = io.BytesIO()
    describing = _Describing(written, protocol=5)
    try:
        describing.dump(shapes)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise NotKept(str(error)) from error
    parts = (
        f"{function.__module__}.{function.__qualname__}",
        repr(sorted(options.items())),
        repr(sorted(jax.config.values.items())),
        _environment(),
        repr(_installed_modules() if describing.reaches_others else ()),
    )
    digest = hashlib.sha256(written.getvalue())
    for part in parts:
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()


class _Describing(pickle.Pickler):
    """Writes a tree so that equal bytes mean equal programs.

    Attributes:
        reaches_others: whether a game may call modules that are neither settled nor of this package.
    """

    reaches_others = False

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, AbstractGame):
            self.reaches_others |= not _is_shipped(value)
            return _described_game(value)
        by_name = isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)
        if by_name and (value.__module__ or "").partition(".")[0] not in _KNOWN:
            raise NotKept(f"{value.__module__}.{value.__qualname__}")
        return NotImplemented


def _is_shipped(game: AbstractGame) -> bool:
    """Whether a game is one of the package's own, with nothing but numbers and words of the user's in it."""
    own = class_of(game).__module__.startswith(f"{_GAMES}.")
    held = (value for name, value in vars(game).items() if name != "_smfg_constants")
    return own and all(isinstance(leaf, _Shape | int | float | str) for leaf in jax.tree.leaves(list(held)))


def _described_game(game: AbstractGame) -> tuple[Callable[..., object], tuple[object, ...]]:
    """A prepared game: the digest of what its functions reach, and the shapes of its numbers by name."""
    if not is_prepared(game):
        raise NotKept("a game that is not prepared")
    if hasattr(class_of(game), "source_gap"):
        raise NotKept("a game that asks code outside of its digest")
    constants = digest_of(game)
    shapes = sorted((name, value) for name, value in vars(game).items() if name != "_smfg_constants")
    return tuple, (("game", class_of(game).__qualname__, constants, shapes),)


@functools.cache
def _environment() -> str:
    """Sources of this package, versions of what it stands on, and the machine that programs are compiled for."""
    versions = [(name, metadata.version(name)) for name in _TRACED_BY]
    device = jax.devices()[0]
    machine = (platform.machine(), platform.system(), _processor(), processors(), jax.device_count())
    backend = (device.platform, device.device_kind, device.client.platform_version, os.environ.get("XLA_FLAGS", ""))
    return repr((_sources(), versions, sys.version, machine, backend))


def _sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _processor() -> str:
    """Model and features of the processor, as the system tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":") for line in lines)
    wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return repr(sorted({(name.strip(), value.strip()) for name, _, value in named if name.strip() in wanted}))


def _installed_modules() -> list[tuple[str, int, int]]:
    """Installed modules that a game may call, by file: a digest knows libraries by name alone."""
    found = []
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] not in _SETTLED and isinstance(file, str) and is_installed(file):
            status = os.stat(file)
            found.append((name, status.st_mtime_ns, status.st_size))
    return found
