"""The points of a design: every combination of a grid, or so many that are drawn."""

import dataclasses
import itertools

from smfg_verify.records.entries import Entries
from smfg_verify.sweep.settings import SweepSettings


@dataclasses.dataclass(frozen=True)
class Point:
    """One choice of everything that varies but game and seed.

    Attributes:
        place: its index along each axis of a grid; (number of the sample,) of a random design.
        parameters: of every game, those that stand still included.
        schedule: constants of the step sizes by learner.
    """

    place: tuple[int, ...]
    parameters: Entries
    schedule: Entries


def design_points(settings: SweepSettings) -> list[Point]:
    """The points of a sweep, the last axis running fastest; one point where nothing varies."""
    if settings.design == "random":
        columns = [axis.drawn(settings.samples, settings.random_seed) for axis in settings.axes]
        rows = [tuple(column[sample] for column in columns) for sample in range(settings.samples)]
        return [_point(settings, (sample,), row) for sample, row in enumerate(rows)]
    places = itertools.product(*(range(len(axis.choices)) for axis in settings.axes))
    return [
        _point(settings, place, tuple(axis.choices[at] for axis, at in zip(settings.axes, place, strict=True)))
        for place in places
    ]


def _point(settings: SweepSettings, place: tuple[int, ...], values: tuple[object, ...]) -> Point:
    chosen = list(zip(settings.axes, values, strict=True))
    return Point(
        place,
        {**settings.parameters, **{axis.name: value for axis, value in chosen if axis.table == "parameters"}},
        {**settings.schedule, **{axis.name: value for axis, value in chosen if axis.table == "schedule"}},
    )
