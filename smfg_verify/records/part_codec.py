"""Any record of this package as JSON without loss, and back; nothing but records of this package is ever built."""

import dataclasses
import enum
import importlib
import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.records.codec import FrozenMapping
from smfg_verify.records.codec import decode as decode_array
from smfg_verify.records.codec import encode as encode_array

_PACKAGE = "smfg_verify."


def encode(value: object) -> Any:
    """A record, or numbers, texts, arrays, mappings and sequences of records, as plain JSON values.

    Raises:
        TypeError: something that is none of these.
    """
    if isinstance(value, enum.Enum):
        return {"enum": _name(type(value)), "value": value.value}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"number": str(float(value))}
    if isinstance(value, np.bool | np.integer):
        return value.item()
    if isinstance(value, np.ndarray | jax.Array):
        return encode_array(np.asarray(value))
    if isinstance(value, Mapping):
        kind = "frozen" if isinstance(value, FrozenMapping) else "mapping"
        return {kind: [[encode(key), encode(entry)] for key, entry in value.items()]}
    if _is_record(type(value)):
        return {"record": _name(type(value)), "fields": {name: encode(getattr(value, name)) for name in _fields(value)}}
    if isinstance(value, list | tuple):
        listed = [encode(entry) for entry in value]
        return listed if isinstance(value, list) else {"tuple": listed}
    raise TypeError(f"part: got {type(value).__name__}, expected a record, numbers, texts, arrays or some of these.")


def decode(value: object) -> Any:
    """What `encode` was given.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: not made by `encode`, or by another version.
    """
    if isinstance(value, list):
        return [decode(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(decode_array(value))
    if "number" in value:
        return float(value["number"])
    if "tuple" in value:
        return tuple(decode(entry) for entry in value["tuple"])
    if "enum" in value:
        return _class(value["enum"])(value["value"])
    if "record" in value:
        return _class(value["record"])(**{name: decode(entry) for name, entry in value["fields"].items()})
    entries = {decode(key): decode(entry) for key, entry in value["frozen" if "frozen" in value else "mapping"]}
    return FrozenMapping(entries) if "frozen" in value else entries


def _is_record(kind: type) -> bool:
    named_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
    return kind.__module__.startswith(_PACKAGE) and (dataclasses.is_dataclass(kind) or named_tuple)


def _fields(record: Any) -> tuple[str, ...]:
    if dataclasses.is_dataclass(record):
        return tuple(field.name for field in dataclasses.fields(record))
    result: tuple[str, ...] = record._fields
    return result


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(name: str) -> Any:
    """A record or an enumeration of this package by its name; a file cannot name anything else."""
    module, _, attribute = name.partition(":")
    if not module.startswith(_PACKAGE):
        raise InputError(f"part: got the class {name!r}, expected one of this package.")
    kind = getattr(importlib.import_module(module), attribute)
    if not (isinstance(kind, type) and (_is_record(kind) or issubclass(kind, enum.Enum))):
        raise InputError(f"part: got {name!r}, expected a record of this package.")
    return kind
