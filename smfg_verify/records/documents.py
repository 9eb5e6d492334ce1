"""JSON documents of ours: written with kind and schema version, read back out of whatever record they stand in."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Never

from smfg_verify.errors import InputError
from smfg_verify.records.entries import Entries, Json, Record

# Kind, as a document says it in "format" (those of earlier versions also in "schema") -> what a reader calls it.
_KINDS = {
    "smfg-verify report": "the report.json of check, run or validate",
    "smfg-verify assumption report": "an assumption report",
    "smfg-verify/bound-report": "a bound report",
    "smfg-verify/power-plan": "the plan.json of plan",
    "smfg-verify atlas": "the atlas.json of atlas",
    "smfg-verify compare": "the compare.json of compare",
    "smfg-verify drift": "the drift.json of drift",
    "smfg-verify bound": "the bound.json of bound",
    "smfg-verify theorems": "the theorems.json of theorems",
    "smfg-verify lab": "the lab.json of lab",
    "smfg-verify along": "the along.json of check --along",
    "smfg-verify cases": "the cases.json of cases",
    "smfg-verify bounds of games": "the bounds.json of an experiment",
    "smfg-verify conservatism": "the conservatism.json of an experiment",
    "smfg-verify sweep": "the sweep.json of sweep",
    "smfg-verify sweep cell": "a finished cell of a sweep",
    "smfg-verify part": "a finished part of a job that was not finished",
}
REPORT = "smfg-verify report"
_SIGNATURES = {b"\x89HDF": "a netCDF file, which Trace.load may read", b"\x89PNG": "a picture"}


def headed(kind: str, version: int, record: Entries) -> Record:
    """A record that says what it is, to be a document or an entry of a larger one.

    Args:
        kind: of the document, see `opened`.
        version: of its schema.
        record: JSON values, as `plain` or `encode` give them.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in _KINDS:
        raise InputError(f"kind: got {kind!r}, expected one of: {', '.join(_KINDS)}.")
    return {"format": kind, "schema_version": version, **record}


def document(record: Entries) -> str:
    """The text of a document whose record says what it is: strict JSON that ends with a newline.

    Raises:
        ValueError: a number that is not finite and not written by its name.
    """
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def line(record: Json) -> str:
    """JSON values in one line with sorted keys: equal records give equal lines."""
    return json.dumps(record, sort_keys=True, allow_nan=False)


def parsed(text: str) -> Json:
    """The JSON values in a text.

    Raises:
        ValueError: not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"got text that is not JSON ({error}); likely cause: a truncated or foreign file.") from error


def read_text(path: str | os.PathLike[str], what: str) -> str:
    """The text of a document.

    Args:
        path: of the file.
        what: is expected, for the reader of an error.

    Raises:
        ValueError: no such file, a folder, or no text: then what it seems to be.
        OSError: the file cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        reason = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"path: got {os.fspath(path)!r}, which {reason}; expected a file with {what}.")
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        kind = _SIGNATURES.get(content[:4], "not text")
        raise InputError(f"{path}: is {kind}; expected {what}.") from error


def opened(text: str, kind: str, version: int, *earlier: int, within: str = "") -> Record:
    """The record of one kind in a text: alone, or an entry of the report.json of a command.

    Args:
        text: JSON.
        kind: the "format" or "schema" that the record must have.
        version: the schema version that it must have.
        earlier: schema versions that can be read too.
        within: name of its entry in a report.json; empty where it has none.

    Returns:
        The record.

    Raises:
        ValueError: not JSON, another kind (which is named), or another schema version.
    """
    what = _KINDS[kind]
    record = parsed(text)
    if within and kind_of(record) == REPORT:
        if within not in record:
            raise InputError(f"got {_KINDS[REPORT]}, here of `{record.get('command')}`, which holds no {within}.")
        record = record[within]
    found = kind_of(record)
    if found != kind:
        got = _KINDS.get(found or "") or (
            f"JSON that says it is {found!r}" if found else "JSON without format or schema"
        )
        cause = "" if found in _KINDS else "; likely cause: a file of another tool"
        places = f", alone or in {_KINDS[REPORT]}" if within else ""
        raise InputError(f"got {got}, expected {what} ({kind!r}){places}{cause}.")
    if record.get("schema_version") not in (version, *earlier):
        raise InputError(
            f"got {what} of schema version {record.get('schema_version')!r}, expected {version}; likely cause: it was "
            "written by another version of smfg-verify. Make it again."
        )
    result: Record = record
    return result


def named(path: Path) -> str | None:
    """What a file says that it is, if it is one of our JSON documents; None otherwise."""
    try:
        return _KINDS.get(kind_of(parsed(path.read_text(encoding="utf-8"))) or "")
    except (OSError, ValueError):
        return None


def kind_of(record: object) -> str | None:
    """What a document says that it is; None where it says nothing."""
    if not isinstance(record, Mapping):
        return None
    found = record.get("format", record.get("schema"))
    return found if isinstance(found, str) else None


def _refuse(constant: str) -> Never:
    raise InputError(f"got the bare word {constant}, which JSON does not have; likely cause: a foreign file.")
