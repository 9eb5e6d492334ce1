"""The cells of a sweep, each known by a digest of what it is: kind, game, settings, seed, and the package's version."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, game_hash, traced
from smfg_verify.game.prepared import digest_of
from smfg_verify.games import load
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import line
from smfg_verify.records.entries import Entries, Record
from smfg_verify.stochastic import Schedule
from smfg_verify.sweep.kinds.kind import Kind
from smfg_verify.sweep.points import Point, design_points
from smfg_verify.sweep.settings import SweepSettings, SweptGame
from smfg_verify.version import __version__

# Of the content of a cell: what the same key stands for. Raise it when a kind computes another number.
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Cell:
    """One entry of the results.

    Attributes:
        key: digest of `about`.
        about: kind, game (its digest, parameters included), settings, seed, version of the package, schema.
    """

    key: str
    about: Entries


@dataclasses.dataclass(frozen=True)
class Bundle:
    """Cells that differ by their seeds alone and are computed side by side: what a worker is given.

    Attributes:
        kind: name of the kind.
        game: which game, as it is loaded.
        identity: digest that the game must have where it is loaded.
        settings: of the kind, step sizes included where it depends on them.
        seeds: of the cells, or of the one cell that is computed from all of them; none of other kinds.
        cells: one for each seed, or one.
        group: equal for bundles that the same compiled programs serve.
        refusal: why the game cannot be made, where it cannot: then there is nothing to compute.
    """

    kind: str
    game: SweptGame
    identity: str
    settings: Entries
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    group: str
    refusal: str = ""

    def only(self, keys: frozenset[str]) -> "Bundle":
        """The bundle of some of its cells."""
        kept = [place for place, cell in enumerate(self.cells) if cell.key in keys]
        seeds = tuple(self.seeds[place] for place in kept) if len(self.cells) > 1 else self.seeds
        return dataclasses.replace(self, seeds=seeds, cells=tuple(self.cells[place] for place in kept))

    def apart(self) -> list["Bundle"]:
        """Its cells, each alone."""
        return [self.only(frozenset({cell.key})) for cell in self.cells]


@dataclasses.dataclass(frozen=True)
class Plan:
    """All cells of a sweep.

    Attributes:
        settings: of the sweep.
        points: of the design.
        bundles: every cell in one of them, once.
        places: name of a kind -> key of the cell at (game, place along axes or sample, seed), object array.
        refused: key -> why the game could not be made there.
    """

    settings: SweepSettings
    points: list[Point]
    bundles: tuple[Bundle, ...]
    places: Mapping[str, np.ndarray]
    refused: Mapping[str, str]

    @property
    def num_cells(self) -> int:
        """Number of different cells, those that were refused included."""
        return sum(len(bundle.cells) for bundle in self.bundles) + len(self.refused)


def make_plan(settings: SweepSettings, *, progress: Callable[[int, int], None] = lambda done, total: None) -> Plan:
    """Lay out all cells of a sweep; every game is made once, to know its identity.

    Args:
        settings: of the sweep.
        progress: called with the number of games made, and of all.

    Returns:
        The plan. Points at which a game cannot be made are cells too, and are refused.

    Raises:
        ValueError: a game that can be made at no point: unknown, or with a parameter that it does not have.
    """
    points = design_points(settings)
    made = _Games(settings, points, progress)
    bundles: dict[str, Bundle] = {}
    refused: dict[str, str] = {}
    places = {}
    for kind in settings.kinds:
        keys = np.empty(_shape(settings, kind), dtype=object)
        for number, game in enumerate(settings.games):
            for point in points:
                bundle = _bundle(kind, game, point, settings, made.found[number, _shown(point.parameters)])
                where = (number, *_place(settings, kind, point))
                keys[where] = [cell.key for cell in bundle.cells] if kind.by_seed else bundle.cells[0].key
                if bundle.refusal:
                    refused |= dict.fromkeys((cell.key for cell in bundle.cells), bundle.refusal)
                else:
                    bundles.setdefault(bundle.cells[0].key, bundle)
        places[kind.name] = keys
    return Plan(settings, points, tuple(bundles.values()), places, refused)


class _Made(NamedTuple):
    """What tells a game and its compiled programs apart, or why there is no game."""

    identity: str = ""
    programs: str = ""
    refusal: str = ""


class _Games:
    """Every game of a sweep, made once: identities and programs, or refusals."""

    def __init__(self, settings: SweepSettings, points: list[Point], progress: Callable[[int, int], None]) -> None:
        self.found: dict[tuple[int, str], _Made] = {}
        distinct = {_shown(point.parameters): point.parameters for point in points}
        total = len(settings.games) * len(distinct)
        for number, game in enumerate(settings.games):
            for shown, parameters in distinct.items():
                self.found[number, shown] = _made(dataclasses.replace(game, parameters=_all(game, parameters)))
                progress(len(self.found), total)
            mine = [self.found[number, shown] for shown in distinct]
            if all(made.refusal for made in mine):
                raise InputError(f"games: {game.label}: {mine[0].refusal}")


def _all(game: SweptGame, parameters: Entries) -> Entries:
    return {**parameters, **game.parameters}


def _shown(parameters: Entries) -> str:
    return line(plain(parameters))


def _made(game: SweptGame) -> _Made:
    try:
        loaded = load(game.name, **game.parameters)
        return _Made(identity=game_hash(loaded), programs=_programs(loaded))
    except InputError as refusal:
        return _Made(refusal=str(refusal))


def _programs(game: AbstractGame) -> str:
    """Equal for games that compiled programs do not tell apart: what they do, and the shapes of their numbers."""
    prepared = traced(game)
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(prepared)]
    return hashlib.sha256(f"{digest_of(prepared)}{shapes}".encode()).hexdigest()[:16]


def _bundle(kind: Kind, game: SweptGame, point: Point, settings: SweepSettings, made: _Made) -> Bundle:
    own: Record = dict(settings.options[kind.name])
    if kind.by_schedule(own):
        own["schedule"] = Schedule(**point.schedule).constants()
    swept = dataclasses.replace(game, parameters=_all(game, point.parameters))
    about = {
        "schema_version": SCHEMA_VERSION,
        "package_version": __version__,
        "kind": kind.name,
        "game": made.identity or {"name": swept.name, "parameters": dict(swept.parameters)},
        "settings": own,
        "seeds": list(settings.seeds) if kind.with_seeds else [],
    }
    cells = [{**about, "seeds": [seed]} for seed in settings.seeds] if kind.by_seed else [about]
    return Bundle(
        kind=kind.name,
        game=swept,
        identity=made.identity,
        settings=own,
        seeds=settings.seeds if kind.by_seed or kind.with_seeds else (),
        cells=tuple(Cell(_digest(cell), cell) for cell in cells),
        group=f"{kind.name}-{made.programs}",
        refusal=made.refusal,
    )


def _digest(about: Entries) -> str:
    return hashlib.sha256(line(plain(about)).encode()).hexdigest()[:32]


def depends_on(settings: SweepSettings, kind: Kind) -> tuple[int, ...]:
    """Numbers of the axes of a grid that a kind's cells depend on."""
    steps = kind.by_schedule(settings.options[kind.name])
    return tuple(at for at, axis in enumerate(settings.axes) if steps or axis.table == "parameters")


def _shape(settings: SweepSettings, kind: Kind) -> tuple[int, ...]:
    lengths: tuple[int, ...] = (settings.samples,)
    if settings.design == "grid":
        lengths = tuple(len(settings.axes[at].choices) for at in depends_on(settings, kind))
    return (len(settings.games), *lengths, *((len(settings.seeds),) if kind.by_seed else ()))


def _place(settings: SweepSettings, kind: Kind, point: Point) -> tuple[int, ...]:
    return point.place if settings.design == "random" else tuple(point.place[at] for at in depends_on(settings, kind))
