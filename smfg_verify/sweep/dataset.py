"""The results of a sweep as one dataset: its dimensions are what was varied; every kind has a status beside numbers."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import line
from smfg_verify.records.entries import Entries, Json
from smfg_verify.stochastic.engine.storage import is_zarr, write_netcdf, write_zarr
from smfg_verify.sweep.cells import depends_on
from smfg_verify.sweep.conduct import Swept
from smfg_verify.sweep.kinds.kind import Kind, Variable
from smfg_verify.sweep.kinds.outcome import NO_FLAG, CellStatus, Outcome
from smfg_verify.sweep.settings import SweepSettings
from smfg_verify.version import __version__

if TYPE_CHECKING:
    import xarray

FORMAT, SCHEMA_VERSION = "smfg-verify sweep dataset", 1
_STATUS_FLAGS = tuple(status.label for status in CellStatus if status is not CellStatus.MISSING)

# Dimensions, values, attributes: what a dataset takes as a variable.
_Entry = tuple[tuple[str, ...], np.ndarray, dict[str, Json]]


class _Laid(NamedTuple):
    """A kind's cells laid out: dimensions, and what each cell came to."""

    kind: Kind
    dimensions: tuple[str, ...]
    keys: np.ndarray
    outcomes: Mapping[str, Outcome]


def to_dataset(swept: Swept) -> "xarray.Dataset":
    """The results of a sweep.

    Args:
        swept: finished or not.

    Returns:
        Variables KIND_NAME over (game, the axes or `sample`, seed, inner dimension), as far as the kind depends on
        them; KIND_status, KIND_seconds and KIND_attempts. A cell without a number is NaN, one without a flag -1, and
        its status says why.
    """
    import xarray

    settings = swept.plan.settings
    laid = [_laid(swept, kind) for kind in settings.kinds]
    labels = _labels(laid)
    variables: dict[str, _Entry] = {}
    for entry in laid:
        variables |= _of_cells(swept, entry)
        for name, variable in entry.kind.variables.items():
            variables[f"{entry.kind.name}_{name}"] = _of_values(entry, name, variable, labels)
    coordinates: dict[str, Json] = {
        **_coordinates(settings),
        **{name: np.array(found) for name, found in labels.items()},
    }
    return xarray.Dataset(variables, coords=coordinates, attrs=_attributes(swept))


def write_dataset(dataset: "xarray.Dataset", path: Path) -> Path:
    """Write a dataset to a path ending in .zarr or .nc, completely or not at all; returns the path.

    Raises:
        ValueError: Zarr without the package zarr.
        OSError: the disk is full, or the folder cannot be written.
    """
    if is_zarr(path):
        write_zarr(path, dataset)
    else:
        write_netcdf(path, {None: dataset})
    return path


def open_dataset(path: str | os.PathLike[str]) -> "xarray.Dataset":
    """The dataset that a sweep wrote, in memory.

    Args:
        path: of sweep.zarr or sweep.nc.

    Returns:
        The dataset.

    Raises:
        ValueError: no such file, or not one of a sweep.
    """
    import xarray

    path = Path(path)
    engine = "zarr" if is_zarr(path) else "h5netcdf"
    if not path.exists():
        raise InputError(f"path: got {os.fspath(path)!r}, which does not exist; expected the dataset of a sweep.")
    with xarray.open_dataset(path, engine=engine) as found:
        dataset = found.load()
    if (dataset.attrs.get("format"), dataset.attrs.get("schema_version")) != (FORMAT, SCHEMA_VERSION):
        raise InputError(f"{path}: is no dataset of a sweep of schema version {SCHEMA_VERSION}; make it again.")
    return dataset


def _laid(swept: Swept, kind: Kind) -> _Laid:
    settings, keys = swept.plan.settings, swept.plan.places[kind.name]
    varied: tuple[str, ...] = ("sample",)
    if settings.design == "grid":
        varied = tuple(settings.axes[at].label for at in depends_on(settings, kind))
    dimensions = ("game", *varied, *(("seed",) if kind.by_seed else ()))
    return _Laid(kind, dimensions, keys, {key: swept.outcome(key) for key in keys.ravel()})


def _labels(laid: list[_Laid]) -> dict[str, tuple[str | int, ...]]:
    """The labels of inner dimensions, those of all cells together in the order they are met."""
    found: dict[str, dict[str | int, None]] = {}
    for entry in laid:
        for variable in entry.kind.variables.values():
            if variable.over:
                found.setdefault(variable.over, {})
        for outcome in entry.outcomes.values():
            for name, labels in outcome.labels.items():
                found.setdefault(name, {}).update(dict.fromkeys(labels))
    return {name: tuple(labels) for name, labels in found.items()}


def _of_cells(swept: Swept, laid: _Laid) -> dict[str, _Entry]:
    """Status, seconds and attempts of a kind's cells."""

    def each(function: Callable[[str], float], kind: type) -> np.ndarray:
        return np.array([function(key) for key in laid.keys.ravel()], dtype=kind).reshape(laid.keys.shape)

    records, name = swept.records, laid.kind.name
    status = each(lambda key: int(laid.outcomes[key].status), np.int8)
    seconds = each(lambda key: records[key].seconds if key in records else np.nan, float)
    attempts = each(lambda key: records[key].attempts if key in records else 0, np.int32)
    return {
        f"{name}_status": (
            laid.dimensions,
            status,
            {"long_name": f"status of {name}", **_flags(_STATUS_FLAGS, CellStatus.MISSING.label)},
        ),
        f"{name}_seconds": (laid.dimensions, seconds, {"long_name": f"time of {name}", "units": "s"}),
        f"{name}_attempts": (laid.dimensions, attempts, {"long_name": f"times {name} was begun"}),
    }


def _of_values(laid: _Laid, name: str, variable: Variable, labels: Mapping[str, tuple[str | int, ...]]) -> _Entry:
    inner = labels[variable.over] if variable.over else ()
    shape = (*laid.keys.shape, *((len(inner),) if variable.over else ()))
    values = np.full(shape, NO_FLAG, np.int8) if variable.flags else np.full(shape, np.nan)
    for place, key in np.ndenumerate(laid.keys):
        outcome = laid.outcomes[key]
        if name not in outcome.values:
            continue
        if not variable.over:
            values[place] = outcome.values[name]
            continue
        columns = [inner.index(label) for label in outcome.labels[variable.over]]
        values[(*place, columns)] = outcome.values[name]
    attributes = {"long_name": variable.words, **(_flags(variable.flags) if variable.flags else {})}
    if not variable.flags:
        attributes["units"] = variable.units
    return (*laid.dimensions, *((variable.over,) if variable.over else ())), values, attributes


def _flags(meanings: tuple[str, ...], none: str = "none") -> dict[str, Json]:
    """A flag's codes in words, by the conventions for climate and forecast (CF), from that of no flag on."""
    codes = np.arange(NO_FLAG, len(meanings), dtype=np.int8)
    return {"flag_values": codes, "flag_meanings": " ".join((none, *(text.replace(" ", "_") for text in meanings)))}


def _coordinates(settings: SweepSettings) -> dict[str, Json]:
    found: dict[str, Json] = {"game": np.array([game.label for game in settings.games])}
    if settings.design == "random":
        found["sample"] = np.arange(settings.samples)
    for axis in settings.axes:
        random = settings.design == "random"
        values = axis.drawn(settings.samples, settings.random_seed) if random else list(axis.choices)
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        array = np.array(
            values if numbers else [value if isinstance(value, str) else line(plain(value)) for value in values]
        )
        found[axis.label] = ("sample", array) if random else array
    if any(kind.by_seed for kind in settings.kinds):
        found["seed"] = np.array(settings.seeds, dtype=np.int64)
    return found


def _attributes(swept: Swept) -> Entries:
    settings = swept.plan.settings
    made = sorted({line(dict(record.versions)) for record in swept.records.values()})
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "package_version": __version__,
        "design": settings.design,
        "fixed_parameters": line(plain(settings.parameters)),
        "fixed_schedule": line(plain(settings.schedule)),
        "games": line(plain(settings.games)),
        "options": line(plain(settings.options)),
        "seeds": line(list(settings.seeds)),
        "versions": line(made),
    }
