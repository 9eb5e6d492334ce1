"""What a sweep is asked for: the file, read and refused before anything is computed."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smfg_verify.errors import InputError
from smfg_verify.files import read_toml
from smfg_verify.records.entries import Entries, Json, Record
from smfg_verify.stochastic import Schedule
from smfg_verify.suggestions import closest
from smfg_verify.sweep.axes import Axis, Design, read_axes
from smfg_verify.sweep.kinds.kind import KINDS, Kind

_TOP = ("what", "games", "design", "samples", "random_seed", "seeds")
_GAME = ("name", "label", "parameters")
# Dimensions and coordinates that every result has.
RESERVED = ("game", "sample", "seed", "iteration", "statement", "property", "residual", "method")
_LARGEST_SEED = 2**32


@dataclasses.dataclass(frozen=True)
class SweptGame:
    """One game of a sweep.

    Attributes:
        name: what `smfg_verify.games.load` is called with.
        label: what the results call it.
        parameters: that it has beside those that vary.
    """

    name: str
    label: str
    parameters: Entries


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """A sweep as it was asked for.

    Attributes:
        kinds: what is computed.
        games: of which games.
        axes: what varies, parameters before step sizes.
        parameters, schedule: what stands still, for every game.
        design: "grid" or "random".
        samples: points of a random design; 0 of a grid.
        random_seed: of a random design.
        seeds: of runs.
        options: name of a kind -> what its cells are computed with.
    """

    kinds: tuple[Kind, ...]
    games: tuple[SweptGame, ...]
    axes: tuple[Axis, ...]
    parameters: Entries
    schedule: Entries
    design: Design
    samples: int
    random_seed: int
    seeds: tuple[int, ...]
    options: Mapping[str, Entries]


def read_sweep(path: Path) -> SweepSettings:
    """The sweep in a TOML file; files of games are looked for from the file's own folder.

    Args:
        path: of the file.

    Returns:
        The settings, defaults filled in.

    Raises:
        ValueError: no such file, not TOML, an unknown key, or a value that is not what it has to be: one line that says
            what was got, what was expected and the likely cause.
        OSError: the file cannot be read.
    """
    if not path.is_file():
        raise InputError(f"{path}: is no file; expected the TOML file of a sweep, seen from {Path.cwd()}.")
    tables = read_toml(path, f"{path}:")
    try:
        return settings_of(tables, path.resolve().parent)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def settings_of(tables: Entries, folder: Path) -> SweepSettings:
    """The sweep in the tables of a file.

    Args:
        tables: as a TOML parser gives them.
        folder: from which files of games are looked for.

    Returns:
        The settings.

    Raises:
        ValueError: as `read_sweep`.
    """
    kinds = _kinds(tables)
    known = (*_TOP, "parameters", "schedule", *dict.fromkeys(kind.table for kind in KINDS.values()))
    for name in tables:
        if name not in known:
            raise InputError(f"got unknown key {name!r}{closest(name, known)}; expected one of: {', '.join(known)}.")
    design, samples, random_seed = _design(tables)
    parameters, axes = read_axes("parameters", _table(tables, "parameters"), design)
    schedule, steps = read_axes("schedule", _table(tables, "schedule"), design)
    _check_steps(schedule, steps)
    settings = SweepSettings(
        kinds=kinds,
        games=_games(tables.get("games"), folder),
        axes=(*axes, *steps),
        parameters=parameters,
        schedule=schedule,
        design=design,
        samples=samples,
        random_seed=random_seed,
        seeds=_seeds(tables.get("seeds", 8)),
        options={kind.name: kind.settings(_table(tables, kind.table)) for kind in kinds},
    )
    _check_names(settings)
    _check_used(settings, tables)
    return settings


def _table(tables: Entries, name: str) -> Record:
    found = tables.get(name, {})
    if not isinstance(found, dict):
        raise InputError(f"got {name} = {found!r}, expected a table [{name}].")
    return found


def _kinds(tables: Entries) -> tuple[Kind, ...]:
    what = tables.get("what")
    listed = [what] if isinstance(what, str) else what
    if not isinstance(listed, list) or not listed or len(set(map(str, listed))) < len(listed):
        raise InputError(f"what: got {what!r}, expected one or several of: {', '.join(KINDS)}; each once.")
    return tuple(KINDS.find(name) for name in listed)


def _design(tables: Entries) -> tuple[Design, int, int]:
    design = tables.get("design", "grid")
    if design not in ("grid", "random"):
        raise InputError(f"design: got {design!r}, expected 'grid' or 'random'.")
    samples, seed = tables.get("samples"), tables.get("random_seed", 0)
    if design == "grid":
        for name in ("samples", "random_seed"):
            if name in tables:
                raise InputError(
                    f"{name}: got {tables[name]!r} in a grid, expected none; likely cause: design missing."
                )
        return "grid", 0, 0
    return (
        "random",
        _count("samples", samples, 1, "the points of a random design"),
        _count("random_seed", seed, 0, "the seed of the design"),
    )


def _seeds(value: Json) -> tuple[int, ...]:
    listed = value if isinstance(value, list) else None
    if listed is None:
        return tuple(range(_count("seeds", value, 1, "their number, or a list of them")))
    for seed in listed:
        _count("seeds", seed, 0, "a seed")
    if not listed or len(set(listed)) < len(listed) or max(listed) >= _LARGEST_SEED:
        raise InputError(f"seeds: got {value!r}, expected distinct integers in [0, 2**32).")
    return tuple(listed)


def _count(name: str, value: Json, low: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise InputError(f"{name}: got {value!r}, expected an integer >= {low}, {what}.")
    return value


def _games(value: Json, folder: Path) -> tuple[SweptGame, ...]:
    if not isinstance(value, list) or not value:
        raise InputError(f'games: got {value!r}, expected a list of names or tables, such as ["laffer-tax"].')
    games = tuple(_game(entry, folder) for entry in value)
    labels = [game.label for game in games]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise InputError(f"games: got {twice!r} twice, expected each once; give one of them another `label`.")
    return games


def _game(entry: Json, folder: Path) -> SweptGame:
    table = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        raise InputError(f"games: got {entry!r}, expected a name, or a table with a name and parameters.")
    for key in table:
        if key not in _GAME:
            raise InputError(f"games: got unknown key {key!r}{closest(key, _GAME)}; expected {', '.join(_GAME)}.")
    label, parameters = table.get("label", table["name"]), table.get("parameters", {})
    if not isinstance(label, str) or not isinstance(parameters, dict):
        raise InputError(f"games: got {entry!r}, expected a text as label and a table as parameters.")
    return SweptGame(_found_from(table["name"], folder), label, parameters)


def _found_from(name: str, folder: Path) -> str:
    """The name of a game; a file of one by its whole path, so that it is the same wherever a worker stands."""
    file, sign, inside = name.partition(":")
    return f"{folder / file}{sign}{inside}" if file.endswith(".py") else name


def _check_steps(fixed: Entries, axes: tuple[Axis, ...]) -> None:
    """Refuse step constants that no run would take, on their own, before the first of them is tried."""
    for axis in axes:
        for value in axis.bounds or axis.choices:
            _check_step(axis.name, value)
    for name, value in fixed.items():
        _check_step(name, value)


def _check_step(name: str, value: Json) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"[schedule] {name}: got {value!r}, expected a finite number >= 0, a step constant.")
    constants: dict[str, Any] = {name: value}
    Schedule(**constants)


def _check_names(settings: SweepSettings) -> None:
    labels = [axis.label for axis in settings.axes]
    for label in labels:
        if label in RESERVED or labels.count(label) > 1:
            raise InputError(f"got two axes that the results would call {label!r}, expected one; rename the parameter.")
    for game in settings.games:
        both = [name for name in game.parameters if name in (*settings.parameters, *labels)]
        if both:
            raise InputError(
                f"games: got {both[0]!r} for {game.label} and in [parameters] too, expected it in one place."
            )


def _check_used(settings: SweepSettings, tables: Entries) -> None:
    """Refuse what would change nothing, such as an axis of step sizes where nothing is run."""
    by_schedule = any(kind.by_schedule(settings.options[kind.name]) for kind in settings.kinds)
    names = ", ".join(kind.name for kind in settings.kinds)
    if "schedule" in tables and not by_schedule:
        raise InputError(f"[schedule]: got step sizes, but nothing of what = {names} depends on them; leave them out.")
    if "seeds" in tables and not any(kind.by_seed or kind.with_seeds for kind in settings.kinds):
        raise InputError(f"seeds: got them, but nothing of what = {names} depends on them; leave them out.")
    for table in dict.fromkeys(kind.table for kind in KINDS.values()):
        if table in tables and table not in [kind.table for kind in settings.kinds]:
            raise InputError(f"[{table}]: got it, but nothing of what = {names} reads it; leave it out.")
