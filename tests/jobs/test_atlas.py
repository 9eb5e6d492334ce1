"""The atlas: what it says is what the reports say, and an interrupted one goes on where it stopped."""

import contextlib
import io
import json

import pytest

from smfg_verify.assumptions import AssumptionReport
from smfg_verify.cli import main
from smfg_verify.games import load

PROPERTIES = ["lipschitz", "ergodicity"]
ARGUMENTS = ["atlas", "laffer-tax", "two-road-toll", *(word for name in PROPERTIES for word in ("--property", name))]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("atlas")
    assert main([*ARGUMENTS, "--budget", "quick", "--out", str(path)]) == 0
    return path


def test_record_and_table_are_the_reports(directory):
    record = json.loads((directory / "atlas.json").read_text())
    table = (directory / "atlas.md").read_text()
    assert list(record["games"]) == ["laffer-tax", "two-road-toll"]
    for name, entry in record["games"].items():
        report = AssumptionReport.load(directory / f"{name}.json", load(name))
        assert list(entry["properties"]) == PROPERTIES
        for found, cell in entry["properties"].items():
            assert cell["verdict"] == report.verdict(found).value
            for finding in report[found]:
                assert cell["statements"][finding.statement]["verdict"] == finding.verdict.value
        verdicts = [report.verdict(found).value for found in report.properties]
        assert f"| {name} | {' | '.join(verdicts)} |" in table


def test_resume_keeps_what_is_finished_and_about_the_same_question(directory):
    """The same settings read the report back; another budget, another game in the file, or a torn file do not."""
    report = directory / "laffer-tax.json"
    kept = report.read_text()
    marked = kept.replace('"game_name": "LafferTax"', '"game_name": "kept"')
    assert marked != kept

    def again(*options):
        with contextlib.redirect_stderr(io.StringIO()):
            assert main([*ARGUMENTS, *options, "--resume", "--out", str(directory)]) == 0
        return report.read_text()

    report.write_text(marked)
    assert again("--budget", "quick") == marked
    assert again("--budget", "quick", "--check-seed", "1") not in (marked, kept)
    report.write_text(marked)
    assert again("--budget", "normal") != marked
    report.write_text((directory / "two-road-toll.json").read_text())
    assert again("--budget", "quick") == kept
    report.write_text(kept[: len(kept) // 2])
    assert again("--budget", "quick") == kept
