"""Values as JSON and back, in one dialect: what is not finite is "NaN", "Infinity" or "-Infinity".

`encode` loses nothing and `decode` needs to be told nothing: arrays carry type and shape, records their name. `plain`
is for people and other programs: arrays are nested lists and records mappings; `structured` (typed.py) reads it by the
types declared. A text that would be taken for a number, and a mapping that would be taken for a tag, are marked.
"""

import dataclasses
import enum
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.records.entries import Entries, Json, Record
from smfg_verify.records.frozen import FrozenMapping, frozen, thawed
from smfg_verify.records.registry import Registry
from smfg_verify.records.status import NamedStatus

T = TypeVar("T")

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_ARRAY, _ENUM, _FROZEN, _MAPPING, _RECORD, _TEXT, _TUPLE = (
    f"${tag}" for tag in ("array", "enum", "frozen", "mapping", "record", "text", "tuple")
)
_KINDS = "fiubc"  # of array types whose numbers Python's hold exactly
_KEPT: Registry[type] = Registry("record")


def kept(kind: type[T]) -> type[T]:
    """Make a record or an enumeration known to `encode` and `decode`, by the name of its class; a class decorator.

    The name of its module is not written, so that a file of yesterday is read where the class stands today.

    Raises:
        ValueError: another class has the name.
    """
    _KEPT.add(kind.__name__, kind, maker=f"{kind.__module__}.{kind.__qualname__}")
    return kind


def plain(value: object) -> Json:
    """A value as people and other programs read it: arrays as nested lists, records as mappings, enumerations by name.

    A complex number is the list of its two parts, and what is none of these is written as it prints.

    Raises:
        TypeError: an array of something else than numbers or texts.
    """
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        array = np.asarray(value)
        return plain((array if array.dtype.kind == "U" else _numbers(array)).tolist())
    if isinstance(value, complex):
        return plain([value.real, value.imag])
    if isinstance(value, enum.Enum):
        return value.label if isinstance(value, NamedStatus) else value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in (*_fields(value), *rendered_texts(type(value)))}
    if isinstance(value, Mapping):
        return _mapping({str(key): item for key, item in value.items()}, plain)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _scalar(value if value is None or isinstance(value, bool | int | float | str) else str(value))


def rendered_texts(kind: type) -> tuple[str, ...]:
    """Texts that a record renders from its data, as its class names them in `RENDERED`.

    `plain` writes them beside the data, for readers that cannot render them; `structured` renders them again.
    """
    names: tuple[str, ...] = getattr(kind, "RENDERED", ())
    return names


def encode(value: object) -> Json:
    """A record, or numbers, texts, arrays, mappings and sequences of records, as JSON values without loss.

    Numbers and arrays keep every bit, but NaN is one number: its sign and payload, which mean nothing, are not kept.
    A NumPy number becomes Python's of the same value.

    Raises:
        TypeError: something that is none of these, such as a record that is not `kept`.
    """
    if isinstance(value, enum.Enum):
        return {_ENUM: _name(value), "name": value.name}
    if isinstance(value, jax.Array):
        return {**_array(np.asarray(value)), "jax": True}
    if isinstance(value, np.ndarray):
        return _array(value)
    if value is None or isinstance(value, bool | int | float | str | np.bool | np.number):
        return _scalar(value)
    if isinstance(value, FrozenMapping):
        return {_FROZEN: encode(thawed(value))}
    if isinstance(value, Mapping):
        return _mapping(value, encode)
    if _is_record(type(value)):
        return {_RECORD: _name(value), "fields": {name: encode(getattr(value, name)) for name in _fields(value)}}
    if isinstance(value, list | tuple):
        listed = [encode(item) for item in value]
        return listed if isinstance(value, list) else {_TUPLE: listed}
    raise TypeError(f"record: got {type(value).__name__}, expected a record, numbers, texts, arrays or some of these.")


def decode(value: Json) -> Any:
    """What `encode` was given; of what `plain` wrote, its numbers, texts, lists and mappings.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: not made by `encode`, or by another version.
    """
    if isinstance(value, str):
        return _NOT_FINITE.get(value, value)
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag = next((key for key in value if key.startswith("$")), None)
    if tag is None:
        return {key: decode(item) for key, item in value.items()}
    if tag not in _READERS:
        raise InputError(f"record: got the tag {tag!r}, expected one of: {', '.join(_READERS)}.")
    return _READERS[tag](value)


def number(value: Json) -> float:
    """The number that `plain` wrote.

    Raises:
        ValueError: another value.
    """
    found = _NOT_FINITE.get(value, value) if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InputError(f"record: got {value!r}, expected a number or one of: {', '.join(_NOT_FINITE)}.")
    return float(found)


def _scalar(value: object) -> Json:
    if isinstance(value, np.bool | np.number):
        value = _numbers(np.asarray(value)).item()
    if isinstance(value, str):
        return {_TEXT: str(value)} if value in _NOT_FINITE else str(value)
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return "NaN"
    return float(value) if math.isfinite(value) else ("Infinity" if value > 0.0 else "-Infinity")


def _mapping(value: Mapping[object, object], write: Callable[[object], Json]) -> Json:
    """A JSON object; pairs where a key is no text, or begins as a tag does."""
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {str(key): write(item) for key, item in value.items()}
    return {_MAPPING: [[write(key), write(item)] for key, item in value.items()]}


def _numbers(array: np.ndarray) -> np.ndarray:
    """An array whose numbers Python's hold exactly."""
    if array.dtype.kind not in _KINDS or array.dtype.itemsize > 8 * (1 + (array.dtype.kind == "c")):
        raise TypeError(f"record: got an array of type {array.dtype}, expected numbers of at most 64 bits.")
    return array


def _array(array: np.ndarray) -> Record:
    numbers = _numbers(array).ravel()
    if array.dtype.kind == "c":  # real and imaginary parts in turn
        numbers = numbers.view(array.real.dtype)
    values = [_scalar(item) for item in numbers.tolist()]
    return {_ARRAY: array.dtype.name, "shape": list(array.shape), "values": values}


def _read_array(value: Entries) -> jax.Array | np.ndarray:
    dtype = np.dtype(value[_ARRAY])
    part = np.empty(0, dtype).real.dtype
    numbers = np.array([_NOT_FINITE[item] if isinstance(item, str) else item for item in value["values"]], dtype=part)
    array = _numbers(numbers.view(dtype)).reshape(value["shape"])
    if not value.get("jax"):
        return array
    with jax.enable_x64(part.itemsize >= 8):  # off in a new process, where JAX would halve the precision
        return jnp.asarray(array)


def _read_record(value: Entries) -> object:
    kind = _KEPT.find(value[_RECORD])
    if not _is_record(kind):
        raise InputError(f"record: got {value[_RECORD]!r}, which is an enumeration; expected a record.")
    return kind(**{name: decode(item) for name, item in value["fields"].items()})


def _read_enum(value: Entries) -> enum.Enum:
    kind = _KEPT.find(value[_ENUM])
    if not issubclass(kind, enum.Enum):
        raise InputError(f"record: got {value[_ENUM]!r}, which is a record; expected an enumeration.")
    return kind[value["name"]]


_READERS: dict[str, Callable[[Record], object]] = {
    _ARRAY: _read_array,
    _ENUM: _read_enum,
    _FROZEN: lambda value: frozen(decode(value[_FROZEN])),
    _MAPPING: lambda value: {decode(key): decode(item) for key, item in value[_MAPPING]},
    _RECORD: _read_record,
    _TEXT: lambda value: value[_TEXT],
    _TUPLE: lambda value: tuple(decode(item) for item in value[_TUPLE]),
}


def _is_record(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))


def _fields(record: Any) -> tuple[str, ...]:
    if dataclasses.is_dataclass(record):
        return tuple(field.name for field in dataclasses.fields(record))
    names: tuple[str, ...] = record._fields
    return names


def _name(value: object) -> str:
    """The name under which the class of a value is kept."""
    kind = type(value)
    if _KEPT.get(kind.__name__) is not kind:
        raise TypeError(f"record: got {kind.__module__}.{kind.__qualname__}, expected a record made known by `kept`.")
    return kind.__name__
