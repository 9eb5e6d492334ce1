"""`report DIR`: where each format goes, what is printed, and one line with an exit code for what is no results."""

import json

import pytest

from smfg_verify.cli import main
from smfg_verify.report.formats.kinds import FILES
from tests.support.saved_results import record_of_all_stages, save

pytestmark = pytest.mark.wrong_types


@pytest.fixture(scope="module")
def record():
    return record_of_all_stages()


@pytest.fixture
def directory(record, tmp_path):
    return save(tmp_path, record)


@pytest.mark.parametrize("kind", sorted(FILES))
def test_a_document_goes_beside_the_record_and_changes_nothing_else(directory, kind, capsys):
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert main(["report", str(directory), "--format", kind]) == 0
    path = directory / FILES[kind]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == (f"Written to {path}\n", "")
    assert {name: (directory / name).read_bytes() for name in before} == before
    assert {one.name for one in directory.iterdir()} == {*before, path.name}


def test_html_is_made_if_nothing_else_is_said(directory):
    assert main(["report", str(directory)]) == 0
    assert (directory / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_json_is_printed_and_so_is_any_format_on_request(directory, capsys):
    assert main(["report", str(directory), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((directory / "report.json").read_text())
    assert main(["report", str(directory), "--format", "markdown", "--print"]) == 0
    assert capsys.readouterr().out.startswith("# laffer-tax")
    assert not (directory / "report.md").exists()


@pytest.mark.slow
def test_a_check_writes_the_documents_that_report_would_make_of_it(tmp_path, capsys):
    words = ["check", "laffer-tax", "--property", "coverage", "--budget", "quick", "--out", str(tmp_path)]
    assert main([*words, "--format", "html", "--format", "markdown", "--format", "json"]) == 0
    assert "report.html, report.md" in capsys.readouterr().out
    assert not (tmp_path / "report.tex").exists()
    for kind, name in (("html", "report.html"), ("markdown", "report.md")):
        assert main(["report", str(tmp_path), "--format", kind, "--print"]) == 0
        assert capsys.readouterr().out == (tmp_path / name).read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "does not exist"),
        (["."], "has no report.json"),
        ([".", "--format", "word"], "--format"),
        ([".", "--print", "--out", "file"], "beside --out file"),
        ([], "DIR"),
    ],
)
def test_what_is_no_results_is_bad_input_in_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err


def test_a_damaged_record_or_figure_is_bad_input(directory, capsys):
    (directory / "equilibrium.svg").write_text("<svg")
    assert main(["report", str(directory)]) == 2
    assert "figure equilibrium: got text that is not SVG" in capsys.readouterr().err
    (directory / "report.json").write_text((directory / "report.json").read_text()[:-9])
    assert main(["report", str(directory)]) == 2
    assert "not JSON" in capsys.readouterr().err
