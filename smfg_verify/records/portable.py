"""Records that survive pickling and copying with every bit, whatever the precision of the process they arrive in."""

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.records.entries import Entries

# How names of modules begin that were read from a file of the user's.
USER_FILE = "smfg_verify_user_"


class Portable:
    """A mixin for modules: JAX arrays travel as NumPy arrays and come back with the precision they had.

    JAX restores a float64 array as float32 (and an int64 one modulo 2^32), without a word, where jax_enable_x64 is
    off: and it is off in a new worker process, which unpickles what it is sent before the first line of its function.
    """

    def __getstate__(self) -> dict[str, object]:
        result: dict[str, object] = _mapped(_packed, vars(self))
        return result

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        kind = type(self)
        if not kind.__module__.startswith(USER_FILE):
            return super().__reduce_ex__(protocol)
        # Such a module lies on no import path: the process that unpickles reads the file again.
        place = (sys.modules[kind.__module__].__file__, kind.__qualname__)
        return (
            importlib.import_module("smfg_verify.games.from_files.user_file").blank_instance,
            place,
            self.__getstate__(),
        )

    def __setstate__(self, state: Entries) -> None:
        vars(self).update(_mapped(_unpacked, state))


def reduce_portable(record: Iterable[object]) -> tuple[object, ...]:
    """`__reduce__` of a named tuple that holds JAX arrays."""
    return _rebuilt, (type(record), tuple(_mapped(_packed, value) for value in record))


def _rebuilt(kind: type, values: tuple[object, ...]) -> object:
    return kind(*(_mapped(_unpacked, value) for value in values))


class _Packed(NamedTuple):
    values: np.ndarray
    weak: bool


def _packed(value: object) -> object:
    if not isinstance(value, jax.Array) or isinstance(value, jax.core.Tracer):
        return value
    if jax.dtypes.issubdtype(value.dtype, jax.dtypes.extended):  # keys of random numbers
        return value
    return _Packed(np.asarray(value), bool(value.weak_type) and value.ndim == 0)


def _unpacked(value: object) -> object:
    if not isinstance(value, _Packed):
        return value
    with jax.enable_x64(value.values.dtype.itemsize >= 8):
        return jnp.asarray(value.values.item() if value.weak else value.values)


def _mapped(function: Callable[[object], object], value: Any) -> Any:
    """The function of everything that a plain container holds; other objects look after themselves."""
    if type(value) is dict:
        return {key: _mapped(function, entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_mapped(function, entry) for entry in value)
    return function(value)
