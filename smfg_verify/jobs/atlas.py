"""The atlas: every shipped game against every property, one report a game and one record of all."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from smfg_verify.assumptions import AssumptionReport, check, property_names, search_settings, settings_record
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.games import load
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.pipeline import require_known
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import CheckSettings
from smfg_verify.records.entries import Arguments
from smfg_verify.stochastic import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class Atlas:
    """What was found about each game.

    Attributes:
        settings: of the checks.
        reports: name of the game -> its report, in the order they were asked for.
        seconds: name of the game -> time of its check; of those that were not read back from a file.
    """

    settings: CheckSettings
    reports: Mapping[str, AssumptionReport]
    seconds: Mapping[str, float]

    @property
    def properties(self) -> tuple[str, ...]:
        """Every property that was checked, in order."""
        return tuple(dict.fromkeys(name for report in self.reports.values() for name in report.properties))

    @property
    def refuted(self) -> tuple[str, ...]:
        """Refuted statements that a property falls with, as game: property/statement."""
        return tuple(f"{game}: {found}" for game, report in self.reports.items() for found in report.refuted)


def make_atlas(names: Sequence[str], settings: CheckSettings, store: Store) -> Atlas:
    """Check each game at its default parameters; every property is kept, and each report on disk before the next game.

    Args:
        names: of the games, registered ones, or what files hold.
        settings: of the checks.
        store: where the reports go, one file a game, and the record of all. Where it is resumed, reports about the same
            game with the same settings are read back, and the finished properties of the others taken up.

    Returns:
        The atlas.

    Raises:
        ValueError: an unknown game, property or budget, before anything is computed.
        OSError: the disk is full, or the directory cannot be written.
    """
    require_known(settings)
    if store.directory is None:
        raise InputError("atlas: got no directory, expected one; every game has a report of its own.")
    games = {name: load(name) for name in names}
    files = [_file_name(name) for name in games]
    if twice := {name for name in files if files.count(name) > 1}:
        raise InputError(
            f"atlas: got several games that would share a report, {', '.join(twice)}; make them two atlases."
        )
    progress = Progress()
    reports: dict[str, AssumptionReport] = {}
    for name, game in games.items():
        path = store.directory / _file_name(name)
        stood = store.product(path).exists()
        job = store.job("atlas", game, {"check": dataclasses.replace(settings, properties=None)})
        found = _read_back(path, game, settings) if store.resumed else None
        if found is None:
            if stood and store.resumed:
                progress.say(f"{path}: not a report about this game with these settings; {name} starts again.")
            with progress.stage(name, f"Checking {name}, {len(reports) + 1} of {len(games)}"):
                arguments = _arguments(settings)
                begins = progress.items(len(arguments["properties"]))
                found = check(game, keep=job, progress=begins, **arguments)
            found.save(path)
        job.remove()  # the report holds them
        reports[name] = found
    return Atlas(settings=settings, reports=reports, seconds=progress.timings)


def _file_name(game: str) -> str:
    return f"{game.rpartition(':')[2]}.json"


def _arguments(settings: CheckSettings) -> Arguments:
    step_sizes = Schedule().constants()
    return {"properties": settings.properties or property_names(), "step_sizes": step_sizes, **settings.as_arguments()}


def _read_back(path: Path, game: AbstractGame, settings: CheckSettings) -> AssumptionReport | None:
    """The report of an earlier, interrupted atlas; None if there is none or it is another one."""
    if not path.exists():
        return None
    try:
        report = AssumptionReport.load(path, game)
    except InputError:
        return None
    arguments = _arguments(settings)
    properties = arguments.pop("properties")
    return report if report.answers(properties, settings_record(search_settings(**arguments))) else None
