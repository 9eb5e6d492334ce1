"""The axes of a sweep: choices, ranges on a grid, ranges that are drawn from, as the file has them."""

import dataclasses
import math
from typing import Literal

import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.learners import LEARNERS
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import line
from smfg_verify.records.entries import Entries, Json
from smfg_verify.suggestions import closest

Table = Literal["parameters", "schedule"]
Design = Literal["grid", "random"]
Scale = Literal["linear", "log"]

_KEYS = ("low", "high", "points", "scale")
_LIKELY = "a value stands still, a list is an axis, { low, high, points, scale } is one on a grid"


@dataclasses.dataclass(frozen=True)
class Axis:
    """What varies along one direction of a sweep.

    Attributes:
        name: of the parameter or the learner.
        table: where the file has it.
        choices: its values, in order; of a range on a grid its points, of a range to draw from none.
        bounds: the range to draw from, low and high; None for choices.
        scale: of that range.
    """

    name: str
    table: Table
    choices: tuple[Json, ...] = ()
    bounds: tuple[float, float] | None = None
    scale: Scale = "linear"

    @property
    def label(self) -> str:
        """Its name in the results: a learner's constant is its step."""
        return f"{self.name}_step" if self.table == "schedule" else self.name

    def drawn(self, number: int, random_seed: int) -> list[Json]:
        """Values of a random design; the first ones stay the same when more are drawn or another axis is added."""
        stream = np.random.default_rng([random_seed, *self.label.encode()])
        places = stream.random(number)
        if self.bounds is None:
            return [self.choices[int(place * len(self.choices))] for place in places]
        low, high = self.bounds
        if self.scale == "log":
            return [float(math.exp(math.log(low) + place * math.log(high / low))) for place in places]
        return [float(low + place * (high - low)) for place in places]


def read_axes(table: Table, entries: Entries, design: Design) -> tuple[dict[str, Json], tuple[Axis, ...]]:
    """What stands still and what varies in one table of the file.

    Args:
        table: its name.
        entries: what it holds.
        design: of the sweep; a range has points in a grid, and none where it is drawn from.

    Returns:
        Name -> value that stands still; the axes.

    Raises:
        ValueError: an unknown learner, an empty list, a value twice, a range without ends.
    """
    fixed: dict[str, Json] = {}
    axes: list[Axis] = []
    for name, value in entries.items():
        where = f"[{table}] {name}"
        if table == "schedule" and name not in LEARNERS:
            raise InputError(
                f"[schedule]: got unknown learner {name!r}{closest(name, LEARNERS)}; expected one of: "
                f"{', '.join(LEARNERS)}."
            )
        if isinstance(value, dict):
            axes.append(_range(where, name, table, value, design))
        elif isinstance(value, list):
            axes.append(Axis(name, table, _choices(where, value)))
        else:
            fixed[name] = _plain(where, value)
    return fixed, tuple(axes)


def _choices(where: str, values: list[Json]) -> tuple[Json, ...]:
    if not values:
        raise InputError(f"{where}: got an empty list, expected at least one value; {_LIKELY}.")
    shown = [line(plain(_plain(where, value))) for value in values]
    if twice := next((value for value in shown if shown.count(value) > 1), None):
        raise InputError(f"{where}: got {twice} twice, expected each value once; likely cause: a copied entry.")
    return tuple(values)


def _plain(where: str, value: Json) -> Json:
    """The value, if it is one that a parameter can have."""
    if isinstance(value, list):
        for part in value:
            _plain(where, part)
    elif not isinstance(value, bool | int | float | str):
        raise InputError(f"{where}: got {value!r}, expected numbers, texts, booleans or lists of these; {_LIKELY}.")
    return value


def _range(where: str, name: str, table: Table, entries: Entries, design: Design) -> Axis:
    for key in entries:
        if key not in _KEYS:
            raise InputError(f"{where}: got unknown key {key!r}{closest(key, _KEYS)}; expected {', '.join(_KEYS)}.")
    low, high = (_end(where, key, entries.get(key)) for key in ("low", "high"))
    scale, points = entries.get("scale", "linear"), entries.get("points")
    if scale not in ("linear", "log"):
        raise InputError(f"{where}: got scale = {scale!r}, expected 'linear' or 'log'.")
    if not low < high or (scale == "log" and low <= 0.0):
        more = " and low > 0, as a log scale needs" if scale == "log" else ""
        raise InputError(f"{where}: got low = {low:g} and high = {high:g}, expected low < high{more}.")
    if design == "random":
        if points is not None:
            raise InputError(
                f"{where}: got points = {points!r} in a random design, expected none: `samples` says how many."
            )
        return Axis(name, table, bounds=(low, high), scale=scale)
    if not isinstance(points, int) or isinstance(points, bool) or points < 2:
        raise InputError(f"{where}: got points = {points!r}, expected an integer >= 2; {_LIKELY}.")
    spaced = np.geomspace(low, high, points) if scale == "log" else np.linspace(low, high, points)
    return Axis(name, table, tuple(float(value) for value in spaced))


def _end(where: str, key: str, value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where}: got {key} = {value!r}, expected a finite number; {_LIKELY}.")
    return float(value)
