"""What a job left in a directory: its record, its findings and rates as records, its figures."""

import dataclasses
import datetime
import re
from collections.abc import Iterable
from pathlib import Path

from smfg_verify.assumptions import AssumptionReport
from smfg_verify.bounds import BoundReport
from smfg_verify.errors import InputError
from smfg_verify.records.documents import REPORT, document, named, opened, read_text
from smfg_verify.records.entries import Record
from smfg_verify.report.files.report import REPORT_FILE, SCHEMA_VERSION
from smfg_verify.report.formats.whole import require_whole


@dataclasses.dataclass(frozen=True)
class Saved:
    """Results read back.

    Attributes:
        record: of report.json, JSON values.
        assumptions: its findings; None where nothing was checked.
        bounds: its rates; None where none were measured.
        svgs: stem of a figure's name -> its SVG.
        pictures: stem of a figure's name -> names of its files in the directory, one a format.
        missing: names of files that the record names and the directory lacks.
        date: when the results were made, in words.
    """

    record: Record
    assumptions: AssumptionReport | None
    bounds: BoundReport | None
    svgs: dict[str, str]
    pictures: dict[str, tuple[str, ...]]
    missing: tuple[str, ...]
    date: str


def read_saved(directory: Path, date: str | None = None) -> Saved:
    """Read what `check`, `run` or `validate` left in a directory.

    Args:
        directory: with a report.json.
        date: when the results were made, in the reader's words; the time of the file's last change if None.

    Returns:
        The results.

    Raises:
        ValueError: no such directory, no report.json in it (what it holds instead is named), another schema version, a
            damaged record, or a figure that is no text.
        OSError: a file cannot be read.
    """
    path = _report_file(directory)
    text = read_text(path, "a report.json")
    try:
        record = opened(text, REPORT, SCHEMA_VERSION)
        assumptions = AssumptionReport.from_json(text) if "assumptions" in record else None
        bounds = BoundReport.from_json(document(record["bounds"])) if "bounds" in record else None
        require_whole(record)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    there = [name for name in record["files"] if _PLAIN.fullmatch(name) and (directory / name).is_file()]
    return Saved(
        record=record,
        assumptions=assumptions,
        bounds=bounds,
        svgs={Path(name).stem: read_text(directory / name, "a figure") for name in there if name.endswith(".svg")},
        pictures=_pictures(there),
        missing=tuple(name for name in record["files"] if name not in there),
        date=date or _last_change(path),
    )


# Files beside report.json, and no others, whatever a record says.
_PLAIN = re.compile(r"\w[\w.-]*", re.ASCII)
_PICTURES = (".svg", ".pdf", ".png")


def _report_file(directory: Path) -> Path:
    if not directory.is_dir():
        what = "is a file" if directory.exists() else "does not exist"
        raise InputError(
            f"DIR: got {directory}, which {what}; expected the directory that check, run or validate wrote to (--out)."
        )
    path = directory / REPORT_FILE
    if not path.is_file():
        found = {file.name: named(file) for file in sorted(directory.glob("*.json"))}
        held = ", ".join(kind for kind in found.values() if kind) or "none of our documents"
        raise InputError(f"DIR: {directory} has no {REPORT_FILE}; it holds {held}. `validate --out` writes one.")
    return path


def _pictures(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        if Path(name).suffix in _PICTURES:
            found[Path(name).stem] = (*found.get(Path(name).stem, ()), name)
    return found


def _last_change(path: Path) -> str:
    when = datetime.datetime.fromtimestamp(path.stat().st_mtime, tz=datetime.UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC, when {REPORT_FILE} was last written"
