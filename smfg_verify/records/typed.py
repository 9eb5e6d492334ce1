"""Records that `plain` wrote, read back by the types that their fields declare."""

import collections.abc
import dataclasses
import enum
import types
import typing
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.records.codec import decode, number, rendered_texts
from smfg_verify.records.status import NamedStatus

T = TypeVar("T")

# Type of an array without entries, which JSON does not show.
_EMPTY: dict[object, type] = {Float: float, Int: int, Bool: bool}


def structured(kind: type[T], value: object) -> T:
    """The record of a class behind what `plain` wrote; no value is converted in silence.

    Args:
        kind: dataclass whose fields are declared as numbers, texts, booleans, enumerations, NumPy arrays, dataclasses,
            `Any` (read by `decode`), or tuples, mappings and options of these.
        value: of JSON.

    Raises:
        ValueError: fields are missing or unknown, or a value is not what its field declares.
        KeyError: data are missing that a text of the record is rendered from.
    """
    if not isinstance(value, dict):
        raise InputError(f"{kind.__name__}: got {type(value).__name__}, expected a mapping.")
    declared = typing.get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    texts = rendered_texts(kind)
    if set(value) - set(texts) != names:
        surplus, missing = sorted(set(value) - names - set(texts)), sorted(names - set(value))
        raise InputError(f"{kind.__name__}: got the unknown fields {surplus}, and misses {missing}.")
    record = kind(**{name: _read(declared[name], value[name], f"{kind.__name__}.{name}") for name in names})
    for name in texts:
        getattr(record, name)  # data that a text cannot be told from are refused here, not where it is read
    return record


def _read(kind: Any, value: object, place: str) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return decode(value)
    if kind is float:
        return number(value)
    if origin in (typing.Union, types.UnionType):
        (some,) = (entry for entry in inner if entry is not type(None))
        return None if value is None else _read(some, value, place)
    if origin is tuple:
        return _read_tuple(inner, value, place)
    if origin in (dict, collections.abc.Mapping):
        return _read_mapping(inner[1], value, place)
    if dataclasses.is_dataclass(kind):
        return structured(typing.cast(Any, kind), value)
    if issubclass(kind, enum.Enum):
        return kind.labelled(value) if issubclass(kind, NamedStatus) else kind(value)
    if hasattr(kind, "array_type"):
        return _read_array(kind, value, place)
    text = decode(value) if kind is str and isinstance(value, dict) else value
    if type(text) is not kind:
        raise InputError(f"{place}: got {value!r}, expected {kind.__name__}.")
    return text


def _read_tuple(inner: tuple[object, ...], value: object, place: str) -> tuple[Any, ...]:
    any_length = len(inner) == 2 and inner[1] is ...
    if not isinstance(value, list) or not (any_length or len(value) == len(inner)):
        raise InputError(f"{place}: got {value!r}, expected a list{'' if any_length else f' of {len(inner)}'}.")
    kinds = inner[:1] * len(value) if any_length else inner
    return tuple(_read(kind, entry, place) for kind, entry in zip(kinds, value, strict=True))


def _read_mapping(kind: object, value: object, place: str) -> Any:
    found = decode(value) if kind is Any else value
    tagged = kind is not Any and isinstance(found, dict) and any(key.startswith("$") for key in found)
    if not isinstance(found, dict) or tagged:
        raise InputError(f"{place}: got {value!r}, expected a mapping.")
    return found if kind is Any else {key: _read(kind, entry, place) for key, entry in found.items()}


def _read_array(kind: Any, value: object, place: str) -> np.ndarray:
    """An array declared by jaxtyping, which fits its declared kind of number and number of axes."""
    array = np.array(decode(value))
    if array.size == 0:
        array = array.astype(_EMPTY[kind.dtype])
    fits = isinstance(array, kind)
    if not fits:
        raise InputError(f"{place}: got numbers of type {array.dtype} and shape {array.shape}, expected {kind}.")
    return array
