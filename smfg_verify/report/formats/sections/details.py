"""Named numbers and arrays in lines of text: witnesses, counts of a search."""

import math
from collections.abc import Mapping

import numpy as np

from smfg_verify.records.codec import number
from smfg_verify.records.entries import Entries, Json

# Numbers of an array that are shown.
_SHOWN = 48


def detail_lines(entries: Entries, within: str = "") -> tuple[str, ...]:
    """One line an entry: its name, the shape of an array, its numbers to six digits; entries of entries below.

    Args:
        entries: numbers, texts, arrays and mappings of these, by name.
        within: name of the entry that they are entries of.

    Returns:
        The lines.
    """
    lines: list[str] = []
    for name, value in entries.items():
        place = f"{within} {name}".strip().replace("_", " ")
        lines += detail_lines(value, place) if isinstance(value, Mapping) else [f"{place}: {_shown(value)}"]
    return tuple(lines)


def digits(value: Json, places: int = 6) -> str:
    """A number of a record to so many digits; "none" where it is not a number."""
    found = number(value)
    return "none" if math.isnan(found) else f"{found:.{places}g}"


def _shown(value: object) -> str:
    array = np.asarray(value)
    if array.ndim == 0:
        return _one(array.item())
    shape = " x ".join(map(str, array.shape))
    some = " ".join(_one(entry) for entry in array.ravel()[:_SHOWN].tolist())
    rest = f" ... ({array.size} in all, in report.json)" if array.size > _SHOWN else ""
    return f"{shape}: {some}{rest}"


def _one(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
