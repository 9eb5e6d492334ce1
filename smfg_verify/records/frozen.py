"""Records that cannot be changed: read-only mappings and arrays, all the way down."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.records.entries import Entries, Record

_KINDS = "fiub"


class FrozenMapping(Mapping[str, Any]):
    """A read-only mapping that, unlike the standard library's, can be pickled and copied."""

    __slots__ = ("_items",)
    _items: dict[str, object]

    def __init__(self, items: Entries):
        object.__setattr__(self, "_items", dict(items))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: a frozen mapping cannot be changed")

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __or__(self, other: Entries) -> Record:
        return self._items | dict(other)

    def __ror__(self, other: Entries) -> Record:
        return dict(other) | self._items

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[object, ...]:
        return frozen, (self._items,)  # again read-only: NumPy forgets it on the way


def frozen(value: object) -> Any:
    """A deep read-only copy of a record of numbers, texts, arrays and mappings of these.

    Args:
        value: mapping with text keys, array (JAX or NumPy), number, text, boolean, None, or a sequence of these.

    Returns:
        The same with read-only mappings, tuples for sequences, and read-only NumPy arrays.

    Raises:
        ValueError: something a record cannot hold.
    """
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise InputError(f"record: got the keys {list(value)!r}, expected texts: JSON has no other keys.")
        return FrozenMapping({key: frozen(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    array = np.array(value)
    if array.dtype.kind not in _KINDS:
        raise InputError(
            f"record: got {type(value).__name__} (array type {array.dtype}), expected numbers, texts, arrays of "
            "numbers, or mappings and lists of these."
        )
    array.setflags(write=False)
    return array


def thawed(value: object) -> Any:
    """A frozen record with plain mappings and lists, for `frozen` to freeze again; arrays stay as they are."""
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    return [thawed(item) for item in value] if isinstance(value, list | tuple) else value
