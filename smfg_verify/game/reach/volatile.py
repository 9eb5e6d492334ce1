"""What may differ at the next call, in another process or on another day: no digest of code can hold it."""

import random
import types

import numpy as np

_BUILTINS = (open, input, eval, exec, globals, compile, id, hash, __import__)
_MODULES = frozenset({"time", "secrets", "uuid", "random", "_random", "subprocess", "socket", "urllib", "requests"})
_NAMES = frozenset(
    {
        "os._Environ",
        *(f"os.{name}" for name in ("getenv", "urandom", "getpid", "getcwd", "listdir", "stat", "times", "cpu_count")),
        *(f"{name}.{each}" for name in ("posix", "nt") for each in ("urandom", "getpid", "getcwd", "listdir", "stat")),
        *(f"numpy.{name}" for name in ("load", "loadtxt", "genfromtxt", "fromfile", "memmap")),
        *(f"importlib.{name}" for name in ("import_module", "reload")),
        *(f"inspect.{name}" for name in ("currentframe", "stack")),
        "sys._getframe",
        "io.open",
        "_io.open",
    }
)
_CLOCKS = frozenset({"now", "today", "utcnow"})
_FILES = frozenset({"read_text", "read_bytes"})


def is_volatile(name: str, value: object, attributes: tuple[str, ...]) -> bool:
    """Whether an object gives what no digest of code can hold.

    Args:
        name: its full name.
        value: the object.
        attributes: what is taken of it at once.

    Returns:
        True for clocks, files, the environment, randomness and everything else that depends on where code runs.
    """
    root = name.partition(".")[0]
    return (
        any(value is each for each in _BUILTINS)
        or (root in _MODULES and not isinstance(value, type | types.ModuleType))
        or name in _NAMES
        or (root == "datetime" and bool(_CLOCKS & set(attributes)))
        or (root == "pathlib" and bool(_FILES & set(attributes)))
        or (root == "pandas" and name.rpartition(".")[2].startswith("read_"))
        or isinstance(getattr(value, "__self__", None), np.random.RandomState | random.Random)
    )
