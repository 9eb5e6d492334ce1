"""cases.json and cases.md."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from smfg_verify.cases import CaseOutcome
from smfg_verify.files import write_in
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.records.entries import Record
from smfg_verify.records.versions import versions
from smfg_verify.report.tables.cases import cases_markdown

FORMAT = "smfg-verify cases"


SCHEMA_VERSION = 2


CASES_FILE = "cases.json"


CASES_TABLE = "cases.md"


def cases_json(outcomes: Iterable[CaseOutcome]) -> str:
    """Everything the outcomes say, as JSON text with a schema version."""
    record = {"versions": versions(), "cases": [_record(outcome) for outcome in outcomes]}
    return document(headed(FORMAT, SCHEMA_VERSION, record))


def write_cases(outcomes: Sequence[CaseOutcome], directory: Path) -> list[Path]:
    """Write cases.json and cases.md, both or neither, into a directory that exists; returns their paths."""
    contents = {CASES_FILE: cases_json(outcomes), CASES_TABLE: cases_markdown(outcomes)}
    return write_in(directory, {name: text.encode() for name, text in contents.items()})


def _record(outcome: CaseOutcome) -> Record:
    return {
        "name": outcome.case.name,
        "statement": outcome.case.statement,
        "formula": outcome.case.formula,
        "source": outcome.case.source,
        "version": str(outcome.version),
        "verdict": str(outcome.verdict),
        "reason": outcome.record.reason,
        **plain(outcome.record),
        "error_source": str(outcome.record.error_source),
        "looked_at": str(outcome.record.looked_at),
        "seconds": outcome.seconds,
    }
