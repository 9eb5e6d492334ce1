"""Reading what a job left: what it is not is named, what the record names and lacks is told, nothing else is read."""

import dataclasses
import json
import os

import pytest

from smfg_verify.errors import InputError
from smfg_verify.report.formats.saved import read_saved
from tests.report.files.test_report import results
from tests.support.saved_results import record_of_all_stages, save

pytestmark = pytest.mark.wrong_types


@pytest.fixture(scope="module")
def record():
    return record_of_all_stages()


def test_everything_is_read_back(record, tmp_path):
    found = read_saved(save(tmp_path, record), "a day in May")
    assert found.date == "a day in May"
    assert found.assumptions.as_record() == record["assumptions"]
    assert found.bounds.as_record() == record["bounds"]
    assert found.pictures["convergence"] == ("convergence.png", "convergence.svg", "convergence.pdf")
    assert found.svgs["equilibrium"] == (tmp_path / "equilibrium.svg").read_text()
    assert found.missing == ()


def test_the_date_is_that_of_the_file_where_none_is_given(record, tmp_path):
    save(tmp_path, record, ())
    os.utime(tmp_path / "report.json", (0, 951_782_400))  # 29 February 2000
    assert read_saved(tmp_path).date == "2000-02-29 00:00 UTC, when report.json was last written"


def test_a_figure_that_is_gone_is_told_and_the_rest_is_there(record, tmp_path):
    save(tmp_path, record)
    for kind in ("svg", "png", "pdf"):
        (tmp_path / f"equilibrium.{kind}").unlink()
    found = read_saved(tmp_path)
    assert found.missing == ("equilibrium.png", "equilibrium.svg", "equilibrium.pdf")
    assert set(found.svgs) == {"convergence"}


@pytest.mark.parametrize("name", ["../secret.svg", "/etc/passwd.svg", "sub/secret.svg", "..", ".hidden.svg", "a b.svg"])
def test_no_file_outside_the_directory_is_read(name, record, tmp_path):
    inside = tmp_path / "results" / "sub"
    inside.mkdir(parents=True)
    for place in (tmp_path / "secret.svg", inside / "secret.svg", inside.parent / ".hidden.svg"):
        place.write_text("<svg/>")
    (inside.parent / "report.json").write_text(json.dumps({**record, "files": [name]}))
    found = read_saved(inside.parent)
    assert (found.svgs, found.pictures, found.missing) == ({}, {}, (name,))


def test_what_is_no_directory_of_results_is_named(record, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_saved(tmp_path / "nowhere")
    with pytest.raises(InputError, match="none of our documents"):
        read_saved(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        read_saved(tmp_path / "file")
    (tmp_path / "plan.json").write_text(json.dumps({"format": "smfg-verify/power-plan"}))
    with pytest.raises(InputError, match=r"holds the plan\.json of plan"):
        read_saved(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps(record["assumptions"]))
    with pytest.raises(InputError, match=r"report\.json: got an assumption report"):
        read_saved(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps({**record, "schema_version": 2}))
    with pytest.raises(InputError, match="schema version 2"):
        read_saved(tmp_path)


def test_a_job_without_a_check_has_none(tmp_path):
    found = dataclasses.replace(results(), check=None)
    assert found.assumptions is None


def test_a_figure_that_is_no_text_is_named(record, tmp_path):
    save(tmp_path, record)
    (tmp_path / "convergence.svg").write_bytes(b"\x89PNG\xff")
    with pytest.raises(InputError, match="is a picture; expected a figure"):
        read_saved(tmp_path)
