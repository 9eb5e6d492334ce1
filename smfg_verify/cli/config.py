"""Settings out of options of the command line and a TOML file; the command line wins."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from smfg_verify.cli.endings import say_aside
from smfg_verify.cli.options import CheckOptions, GameOptions, RunOptions, StepOptions, given
from smfg_verify.errors import InputError
from smfg_verify.files import read_toml
from smfg_verify.jobs.settings import CheckSettings, GameSettings, RunSettings
from smfg_verify.records.entries import Entries, Json, Record
from smfg_verify.suggestions import closest

_TABLES = {
    table: tuple(field.name for field in dataclasses.fields(options))
    for table, options in (("run", RunOptions), ("schedule", StepOptions), ("check", CheckOptions))
}
# Options of a table; None where a command has none of them.
_Options = RunOptions | StepOptions | CheckOptions | None


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything a command was asked for; `given_run` and `given_check` hold only what was given, by name."""

    game: GameSettings
    given_run: Entries
    given_check: Entries

    @property
    def run(self) -> RunSettings:
        """The run, defaults filled in."""
        return RunSettings(**self.given_run)

    @property
    def check(self) -> CheckSettings:
        """The check, defaults filled in."""
        return CheckSettings(**self.given_check)


def gather(
    game: str,
    parameters: GameOptions,
    run: RunOptions | None = None,
    steps: StepOptions | None = None,
    check: CheckOptions | None = None,
    *,
    command: str = "this command",
) -> Settings:
    """Settings from the file and the command line.

    One file serves every command. The keys that this one has no use for, which another may have, are said on standard
    error in one line.

    Args:
        game: name of the game, or what a file holds (see `smfg_verify.games.load`).
        parameters: "name=value" of each --set; TOML file with tables game, run, schedule, check.
        run, steps, check: options of the command line; None for a command that has none of the kind.
        command: as a reader calls it.

    Returns:
        The settings, a value of the command line before one of the file.

    Raises:
        ValueError: an assignment without a name or value, a file that is not TOML, an unknown table or key.
        OSError: the file cannot be read.
    """
    tables = {} if parameters.config is None else read_config(parameters.config)
    _say_unused(command, parameters.config, tables, {"run": run, "schedule": steps, "check": check})
    assigned = parse_assignments(parameters.assignments or ())
    constants = {**tables.get("schedule", {}), **(given(steps) if steps else {})}
    given_run = {**tables.get("run", {}), **(given(run) if run else {})}
    return Settings(
        game=GameSettings(game, {**tables.get("game", {}), **assigned}),
        given_run={**given_run, **({"schedule": constants} if constants else {})},
        given_check={**tables.get("check", {}), **(given(check) if check else {})},
    )


def parse_assignments(assignments: Iterable[str]) -> Record:
    """Values of "name=value", each read as a TOML value, as a list where it has bare commas, or else as text.

    Raises:
        ValueError: no name, no value, or a name set twice.
    """
    said = "name=value, such as kappa=2 or kappa=[1,2]", "one value; a list is {name}=[1,2]"
    return {name: parse_value(text) for name, text in assigned_texts("--set", assignments, *said).items()}


def assigned_texts(
    option: str, assignments: Iterable[str], expected: str = "name=value", once: str = "one value"
) -> dict[str, str]:
    """Name -> text of "name=text".

    Args:
        option: whose, for messages.
        assignments: as the command line has them.
        expected, once: what is expected of one, and where a name is set twice ("{name}" for it), for messages.

    Returns:
        The texts.

    Raises:
        ValueError: no name, no value, or a name set twice.
    """
    texts: dict[str, str] = {}
    for assignment in assignments:
        name, sign, text = (part.strip() for part in assignment.partition("="))
        if not name or not sign or not text:
            raise InputError(f"{option}: got {assignment!r}, expected {expected}.")
        if name in texts:
            raise InputError(f"{option}: got {name} more than once, expected {once.format(name=name)}.")
        texts[name] = text
    return texts


def parse_value(text: str) -> Json:
    """A TOML number, boolean, string or list of these; a list of bare comma-separated ones; or the text itself."""
    for candidate in (text, f"[{text}]") if "," in text else (text,):
        try:
            parsed = tomllib.loads(f"value = {candidate}")
        except tomllib.TOMLDecodeError:
            continue
        if set(parsed) == {"value"} and isinstance(parsed["value"], bool | int | float | str | list):
            return parsed["value"]
    return text


def read_config(path: Path) -> dict[str, Record]:
    """The tables of a configuration file, their keys checked, the game's excepted: the game checks those.

    Raises:
        ValueError: no such file, not TOML, or an unknown table or key (the closest known one is named).
        OSError: the file cannot be read.
    """
    if not path.is_file():
        raise InputError(f"--config: got {path}, which is no file; expected a TOML file, seen from {Path.cwd()}.")
    tables = read_toml(path, f"--config: {path}")
    for table, keys in tables.items():
        _refuse_unknown(path, "table", table, ("game", *_TABLES))
        if not isinstance(keys, dict):
            raise InputError(f"--config: {path}: got {table} = {keys!r}, expected a table [{table}].")
        for key in keys if table in _TABLES else ():
            _refuse_unknown(path, f"key in [{table}]", key, _TABLES[table])
    return tables


def _say_unused(command: str, path: Path | None, tables: Mapping[str, Entries], groups: Mapping[str, _Options]) -> None:
    taken = [f"{table}.{key}" for table, options in groups.items() for key in _keys_taken(options)]
    found = [f"{table}.{key}" for table in groups for key in tables.get(table, ())]
    unused = [key for key in found if key not in taken]
    if unused:
        say_aside(
            f"--config: {path}: {command} has no use for {', '.join(unused)}; it takes {', '.join(['game.*', *taken])}."
        )


def _keys_taken(options: _Options) -> tuple[str, ...]:
    """Keys of a table that a command reads: options of its own default (64 seeds are no pilot) win over every file."""
    return tuple(field.name for field in dataclasses.fields(options) if field.default is None) if options else ()


def _refuse_unknown(path: Path, kind: str, name: str, known: tuple[str, ...]) -> None:
    if name in known:
        return
    raise InputError(
        f"--config: {path}: got unknown {kind} {name!r}{closest(name, known)}; expected one of: {', '.join(known)}."
    )
