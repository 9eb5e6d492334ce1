"""cases.json and cases.md hold the same outcomes, written both or neither."""

import json

import pytest

from smfg_verify.cases import Kind
from smfg_verify.report.files.cases import CASES_FILE, CASES_TABLE, write_cases
from smfg_verify.report.tables.cases import cases_markdown
from tests.report.records import outcome

OUTCOMES = (
    outcome(details={"n": 3.0}),
    outcome("ac-smfg-rate", kind=Kind.RATE, at_most=True, measured=float("nan")),
    outcome("gap-identity", kind=Kind.EQUALITY, measured=1.0, interval=(0.5, 1.5)),
)


def test_every_outcome_is_in_both_files(tmp_path):
    assert [path.name for path in write_cases(OUTCOMES, tmp_path)] == [CASES_FILE, CASES_TABLE]
    assert (tmp_path / CASES_TABLE).read_text() == cases_markdown(OUTCOMES)
    written = json.loads((tmp_path / CASES_FILE).read_text(), parse_constant=pytest.fail)
    for entry, one in zip(written["cases"], OUTCOMES, strict=True):
        record = one.record
        assert (entry["name"], entry["verdict"], entry["reason"]) == (one.case.name, record.verdict, record.reason)
        assert (entry["statement"], entry["source"]) == (one.case.statement, one.case.source)
        assert (entry["predicted"], entry["error"], entry["seconds"]) == (record.predicted, record.error, one.seconds)
        assert entry["measured"] == ("NaN" if record.measured != record.measured else record.measured)
        assert entry["interval"] == (None if record.interval is None else list(record.interval))


def test_a_folder_that_does_not_exist_is_refused_and_not_made(tmp_path):
    with pytest.raises(ValueError, match="missing"):
        write_cases(OUTCOMES, tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []
