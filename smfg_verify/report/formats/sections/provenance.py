"""Which game, with which settings, seeds and versions, when: what it takes to make the results again."""

from smfg_verify.records.entries import Json, Record
from smfg_verify.report.formats.command_line import command_line
from smfg_verify.report.formats.document import Cell, Column, Section, Table, pairs
from smfg_verify.report.formats.saved import Saved
from smfg_verify.report.formats.sections.pictures import further_pictures
from smfg_verify.report.tables.layout import brief


def provenance_section(saved: Saved) -> Section:
    """Game and parameters, command, seeds, date, versions, files and seconds."""
    record = saved.record
    tables = (
        pairs("Origin", _origin(saved)),
        pairs("Game", _game(record["game"])),
        _parameters(record["game"]["parameters"]),
        pairs("Versions", record["versions"], ("package", "version")),
        pairs("Seconds", {stage: f"{spent:.1f}" for stage, spent in record["timings"].items()}, ("stage", "seconds")),
    )
    return Section("Provenance", (), tables, further_pictures(saved))


def _origin(saved: Saved) -> dict[str, str]:
    record = saved.record
    seeds = {
        "seeds of the run": _seeds(record["run"]["seeds"]) if "run" in record else "",
        "seed of the check": str(record["settings"]["check"]["seed"]) if record["settings"]["check"] else "",
        "seed of the resampling": str(saved.bounds.resampling_seed) if saved.bounds is not None else "",
    }
    return {
        "command line": command_line(record),
        "date": saved.date,
        **{name: text for name, text in seeds.items() if text},
        "content of the game": record["game"]["identity"],
        "record": f"report.json, schema version {record['schema_version']}",
        "files": ", ".join(record["files"]) or "none",
    }


def _seeds(seeds: list[int]) -> str:
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _game(game: Record) -> dict[str, str]:
    labels = game["labels"]
    return {
        "name": game["name"],
        "class": game["class"],
        "states": _listed(labels["states"]),
        "follower actions": _listed(labels["follower_actions"]),
        "leader actions": _listed(labels["leader_actions"]),
        "leader observes": _listed(labels["observations"]),
        "mean field": " x ".join(map(str, game["mean_field_shape"])),
        "discount gamma": f"{game['discount']:g}",
        "temperature tau": f"{game['temperature']:g} (leader {game['leader_temperature']:g})",
    }


def _parameters(parameters: Record) -> Table:
    rows = tuple((Cell(name), Cell(brief(value), value=_value(value))) for name, value in parameters.items())
    return Table("Parameters", (Column("name", width=0.3), Column("value", width=0.7)), rows, identifier="parameters")


def _value(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _listed(labels: list[str], shown: int = 12) -> str:
    rest = ", ..." if len(labels) > shown else ""
    return f"{len(labels)}: {', '.join(labels[:shown])}{rest}"
