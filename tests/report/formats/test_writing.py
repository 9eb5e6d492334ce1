"""One directory in every format."""

import json
import os
import tomllib
from importlib import resources

import pytest

from smfg_verify.report.formats.kinds import FILES
from smfg_verify.report.formats.writing import rendered
from tests.support.locks import ROOT
from tests.support.saved_results import record_of_all_stages, save

pytestmark = pytest.mark.wrong_types

BEGINNINGS = {"html": "<!DOCTYPE html>", "latex": "% laffer-tax", "markdown": "# laffer-tax", "json": "{\n"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return save(tmp_path_factory.mktemp("saved"), record_of_all_stages())


@pytest.mark.parametrize("kind", sorted(BEGINNINGS))
def test_a_format_is_what_it_is_called_and_a_function_of_files_and_date(directory, kind):
    text = rendered(directory, kind, "1 May")
    assert text.lstrip().startswith(BEGINNINGS[kind])
    os.utime(directory / "report.json", (0, 0))
    assert rendered(directory, kind, "1 May") == text
    assert ("1 May" in text) == (kind != "json")


def test_json_is_the_record(directory):
    assert json.loads(rendered(directory, "json")) == json.loads((directory / "report.json").read_text())


def test_no_format_goes_to_a_file_of_the_job():
    assert "report.json" not in FILES.values()
    assert len(set(FILES.values())) == len(FILES) == len(BEGINNINGS) - 1


def test_all_that_templates_need_is_part_of_the_package():
    """What is read at run time lies in a package, from which a wheel takes every file."""
    folder = resources.files("smfg_verify.report.formats.templates")
    names = {entry.name for entry in folder.iterdir()}
    assert {"report.html.jinja", "report.tex.jinja", "report.css", "report.js", "__init__.py"} <= names
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["smfg_verify"]}
