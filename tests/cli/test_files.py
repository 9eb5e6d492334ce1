"""The command line and the disk: a full one, wrong places, what is left there, what is taken up and what is refused."""

import json

import pytest

from smfg_verify.cli import main
from smfg_verify.jobs.finished import FOLDER, Store
from smfg_verify.jobs.progress import Progress
from tests.support.disks import small_files
from tests.support.results import COMMANDS

RUN = ["run", "laffer-tax", "--seeds", "5", "--iterations", "300"]
PLAN = [*COMMANDS["plan"][:4], "--pilot-iterations", "1500", "--seeds", "8"]


@pytest.fixture
def full_disk():
    with small_files():
        yield


def left_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def last_line(capsys):
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err.splitlines()[-1]


def test_a_full_disk_is_one_line_and_leaves_the_earlier_run_as_it_was(tmp_path, capsys):
    out = tmp_path / "out"
    assert main([*RUN, "--out", str(out)]) == 0
    before = {path: path.read_bytes() for path in out.iterdir()}
    with small_files():
        for folder, more in ((out, []), (out, ["--overwrite"]), (tmp_path / "new" / "one", [])):
            assert main([*RUN, *more, "--out", str(folder)]) == 2
            assert "cannot write" in last_line(capsys)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert left_in(tmp_path) == sorted(["out", *(f"out/{path.name}" for path in before)])


def test_what_was_finished_before_the_disk_was_full_is_kept_and_said(tmp_path, capsys, full_disk):
    check = ["check", "laffer-tax", "--budget", "quick", "--property", "coverage", "--out", str(tmp_path)]
    assert main(check) == 2
    said = last_line(capsys)
    assert "File too large" in said
    assert said.endswith("for --resume")
    assert [name.rpartition("/")[2] for name in left_in(tmp_path)][-1] == "coverage.json"
    assert not any(".partial" in name for name in left_in(tmp_path))


@pytest.mark.parametrize("command", ["run", "plan", "compare", "atlas"])
def test_a_file_in_the_place_of_the_directory_is_refused_before_anything_is_computed(command, tmp_path, capsys):
    place = tmp_path / "place"
    place.write_text("kept")
    for out in (place, place / "below"):
        assert main([*COMMANDS[command], "--out", str(out)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "is a file" in captured.err
    assert left_in(tmp_path) == ["place"]


@pytest.mark.slow
def test_plan_goes_on_after_ctrl_c_and_leaves_nothing_but_its_result(tmp_path, capsys, monkeypatch):
    out, whole = tmp_path / "out", tmp_path / "whole"
    arguments = [*PLAN, "--out", str(out)]

    def stage(progress, name, title, **how):
        if name == "plan":
            raise KeyboardInterrupt
        return real(progress, name, title, **how)

    real = Progress.stage
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "stage", stage)
        assert main(arguments) == 130
    assert last_line(capsys).endswith(f"{' '.join(arguments)} --resume")
    (unfinished,) = (out / FOLDER).iterdir()
    assert left_in(unfinished) == ["pilot.nc", "residuals.json"]

    # Other settings are another job: nothing is taken from this one, and it stays.
    assert main([*PLAN[:-1], "16", "--out", str(out), "--resume"]) == 0
    assert "other settings" in capsys.readouterr().err
    assert left_in(unfinished) == ["pilot.nc", "residuals.json"]

    assert main([*arguments, "--resume"]) == 0
    assert "Taking up" in capsys.readouterr().err
    assert left_in(out) == ["plan.json"]
    assert main([*PLAN, "--out", str(whole)]) == 0
    assert (out / "plan.json").read_bytes() == (whole / "plan.json").read_bytes()


def test_resume_needs_a_place_and_says_where_there_is_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*PLAN, "--resume"]) == 2
    assert "--out" in last_line(capsys)
    assert main(["lab", "laffer-tax", "--resume"]) == 2
    assert "no run to continue" in last_line(capsys)
    assert left_in(tmp_path) == []


def test_a_part_of_another_job_or_a_damaged_one_is_not_taken_up(tmp_path, capsys):
    job = Store(tmp_path).job("lab", None, {"seeds": 4})
    assert job("part", lambda: 1) == 1
    path = job.folder / "part.json"
    record = json.loads(path.read_text())
    other = {**record, "key": {**record["key"], "game": "another"}}
    damaged = (json.dumps(other), json.dumps({**record, "schema_version": 0}), path.read_text()[:30], "[]", "\x00")
    for text in damaged:
        path.write_text(text)
        again = Store(tmp_path, resumed=True).job("lab", None, {"seeds": 4})
        assert again("part", lambda: 2) == 2
        assert "starts again" in capsys.readouterr().err
        assert again("part", lambda: 3) == 2
    assert Store(tmp_path, resumed=True).job("lab", None, {"seeds": 5})("part", lambda: 4) == 4
    assert Store(None).job("lab", None, {})("part", lambda: 5) == 5


def test_leftovers_of_a_killed_command_are_cleared_at_the_next_start(tmp_path):
    (tmp_path / ".trace.nc.99999999.partial").touch()
    (tmp_path / ".convergence.png.99999999-0123abcd.partial").touch()
    assert main([*RUN, "--out", str(tmp_path)]) == 0
    assert not any(name.endswith(".partial") for name in left_in(tmp_path))
