"""The command line whose settings a record holds."""

import json
import math
import shlex

from smfg_verify.errors import InputError
from smfg_verify.records.codec import decode
from smfg_verify.records.entries import Entries, Json, Record

_RUN = {"seeds": "--seeds", "iterations": "--iterations", "sampling": "--sampling"}
_CHECK = {
    "budget": "--budget",
    "leaders": "--leaders",
    "starts": "--starts",
    "seed": "--check-seed",
    "time_limit": "--time-limit",
}


def command_line(record: Record) -> str:
    """A command that has the settings of a record, whatever mix of options and file they came from.

    Args:
        record: of report.json.

    Returns:
        The command, quoted for a shell; every setting that has a value is written out, defaults too.
    """
    settings = record["settings"]
    words = ["smfg-verify", record["command"], settings["game"]["name"]]
    for name, value in decode(settings["game"]["parameters"]).items():
        words += ["--set", f"{name}={_assigned(value)}"]
    run, check = settings["run"] or {}, settings["check"] or {}
    words += _options(run, _RUN)
    for name, value in _step_constants(record).items():
        words += [f"--{name.replace('_', '-')}-step", _number(value)]
    for name in check.get("properties") or ():
        words += ["--property", name]
    return shlex.join([*words, *_options(check, _CHECK)])


def _step_constants(record: Record) -> Entries:
    """Those of the run; a check without one keeps them in its report."""
    run = record["settings"]["run"]
    constants: Entries = run["schedule"] if run else decode(record["assumptions"]["settings"]["step_sizes"])
    return constants


def _options(settings: Entries, options: Entries) -> list[str]:
    found = [(option, settings.get(name)) for name, option in options.items()]
    return [word for option, value in found if value is not None for word in (option, _number(value))]


def _number(value: Json) -> str:
    return value if isinstance(value, str) else repr(value)


def _assigned(value: Json) -> str:
    """A value as --set reads it: TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_assigned, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else f"{'-' if value < 0.0 else ''}inf"
    if isinstance(value, int | float):
        return repr(value)
    raise InputError(f"settings: got a parameter {value!r}, expected a number, a text, a boolean or a list of these.")
