"""`smfg-verify cases`: its table, its file, its exit codes."""

import dataclasses
import json

import jax
import pytest

from smfg_verify.cases import CaseRecord, Kind, case_names, registry, run_case, run_cases
from smfg_verify.cli import main


@pytest.fixture
def pretended(monkeypatch):
    """Make the case policy-lipschitz return the record it is given."""

    def pretend(**record):
        case = registry.find_case("policy-lipschitz")
        made = CaseRecord(
            **{"error_source": "a test", "looked_at": "nothing", "predicted": 1.0, "error": 0.1, **record}
        )
        monkeypatch.setitem(
            registry._CASES._entries, case.name, dataclasses.replace(case, function=lambda version: made)
        )

    return pretend


def test_cases_are_printed_and_written(tmp_path, capsys):
    out = tmp_path / "new" / "directory"
    assert main(["cases", "policy-lipschitz", "stationary-sensitivity", "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in ("policy-lipschitz 3.33333 = 3.33333", "equality holds", "upper-bound holds"):
        assert words in said
    assert {file.name for file in out.iterdir()} == {"cases.json", "cases.md"}
    written = json.loads((out / "cases.json").read_text())
    assert (written["format"], written["schema_version"]) == ("smfg-verify cases", 2)
    assert [case["name"] for case in written["cases"]] == ["policy-lipschitz", "stationary-sensitivity"]
    first, record = written["cases"][0], run_case("policy-lipschitz").record
    assert (first["measured"], first["predicted"], first["error"]) == (record.measured, record.predicted, record.error)
    assert (first["version"], first["verdict"], first["interval"]) == ("quick", "holds", None)


@pytest.mark.parametrize(
    ("measured", "code", "word"), [(1.0, 0, "holds"), (2.0, 1, "fails"), (float("nan"), 0, "inconclusive")]
)
def test_only_a_case_that_fails_makes_the_command_fail(pretended, measured, code, word, capsys, tmp_path):
    pretended(measured=measured, kind=Kind.EQUALITY)
    assert main(["cases", "policy-lipschitz", "--quick", "--out", str(tmp_path)]) == code
    assert word in capsys.readouterr().out
    case = json.loads((tmp_path / "cases.json").read_text())["cases"][0]
    assert case["verdict"] == word
    assert bool(case["reason"]) is (word != "holds")


def test_an_unknown_name_is_one_line_and_nothing_is_run(capsys, tmp_path):
    assert main(["cases", "policy-lipschitz", "polici-lipschitz", "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "did you mean 'policy-lipschitz'?" in captured.err
    assert not (tmp_path / "out").exists()


def test_all_cases_are_run_where_none_is_named(monkeypatch, capsys):
    def nothing(version):
        return CaseRecord(
            measured=0.0, predicted=0.0, kind=Kind.EQUALITY, error=0.0, error_source="-", looked_at=str(version)
        )

    for name in case_names():
        monkeypatch.setitem(
            registry._CASES._entries, name, dataclasses.replace(registry.find_case(name), function=nothing)
        )
    assert main(["cases", "--full"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in case_names())
    assert "full" in said


def test_single_precision_and_an_unknown_version_are_refused():
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        run_cases(version="quik")
    with jax.enable_x64(False), pytest.raises(ValueError, match="float64"):
        run_case("policy-lipschitz")
