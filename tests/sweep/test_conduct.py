"""A sweep in one process: interrupted at any cell it goes on, finishes the same, and computes nothing twice."""

import json
import subprocess
import sys

import numpy as np
import pytest

from smfg_verify.sweep import serial
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.compute import compute_bundle
from smfg_verify.sweep.conduct import How, conduct
from smfg_verify.sweep.dataset import to_dataset
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.store import CellRecord, Store
from tests.support.sweeping import dozing, executions


def carried_out(settings, directory, **how):
    directory.mkdir(exist_ok=True)
    said = []
    return conduct(make_plan(settings), directory, How(**how), say=said.append), said


@pytest.mark.parametrize("at", range(4))
def test_what_was_finished_before_an_interruption_is_skipped(at, tmp_path, monkeypatch):
    settings, left = dozing(tmp_path / "folder", seeds=2), at

    def interrupted(bundle):
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return compute_bundle(bundle)

    monkeypatch.setattr(serial, "compute_bundle", interrupted)
    with pytest.raises(KeyboardInterrupt):
        carried_out(settings, tmp_path / "out")
    monkeypatch.undo()
    swept, _ = carried_out(settings, tmp_path / "out")
    assert swept.skipped == 2 * at
    assert set(executions(tmp_path / "folder").values()) == {1}
    whole, _ = carried_out(settings, tmp_path / "at-once")
    assert to_dataset(swept)["doze_value"].identical(to_dataset(whole)["doze_value"])
    events = [entry["event"] for entry in Store(tmp_path / "out").attempts()]
    assert events.count("interrupted") == 1
    assert events.count("finished") == 4


def test_a_finished_sweep_computes_nothing(tmp_path):
    settings = dozing(tmp_path / "folder")
    carried_out(settings, tmp_path / "out")
    swept, said = carried_out(settings, tmp_path / "out")
    assert swept.skipped == swept.plan.num_cells == 4
    assert sum(executions(tmp_path / "folder").values()) == 4
    assert said == []


def test_more_seeds_compute_the_new_ones_alone(tmp_path):
    carried_out(dozing(tmp_path / "folder", seeds=2), tmp_path / "out")
    swept, _ = carried_out(dozing(tmp_path / "folder", seeds=3), tmp_path / "out")
    assert swept.skipped == 8
    assert sum(executions(tmp_path / "folder").values()) == 12
    assert set(executions(tmp_path / "folder").values()) == {1}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("smfg-verify sweep cell", "smfg-verify part"),
        lambda text: text.replace('"schema_version": 1', '"schema_version": 99', 1),
        lambda text: text.replace('"laffer', '"x').replace('"kind": "doze"', '"kind": "solve"'),
    ],
)
def test_a_file_that_is_not_the_cell_is_computed_again(spoil, tmp_path):
    settings = dozing(tmp_path / "folder")
    swept, _ = carried_out(settings, tmp_path / "out")
    key = swept.plan.bundles[0].cells[0].key
    path = Store(tmp_path / "out").path(key)
    path.write_text(spoil(path.read_text()))
    again, said = carried_out(settings, tmp_path / "out")
    assert again.skipped == 3
    assert "computed again" in said[0]
    assert to_dataset(again)["doze_value"].identical(to_dataset(swept)["doze_value"])


def test_failed_cells_stay_until_they_are_asked_for(tmp_path):
    settings = dozing(tmp_path / "folder")
    plan = make_plan(settings)
    (tmp_path / "out").mkdir()
    cell = plan.bundles[0].cells[0]
    Store(tmp_path / "out").write(CellRecord(cell, Outcome(CellStatus.FAULT, "an error")))
    swept, said = carried_out(settings, tmp_path / "out")
    assert swept.counts("doze") == {CellStatus.FAULT: 1, CellStatus.DONE: 3}
    assert list(swept.failures) == ["an error"]
    assert "--retry-failed" in said[0]
    assert np.isnan(to_dataset(swept)["doze_value"].values.ravel()[0])
    again, _ = carried_out(settings, tmp_path / "out", retry_failed=True)
    assert again.counts("doze") == {CellStatus.DONE: 4}
    assert set(executions(tmp_path / "folder").values()) == {1}


def test_two_sweeps_do_not_write_into_one_directory(tmp_path):
    (tmp_path / "out").mkdir()
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom smfg_verify.files import alone_in\n"
        "with alone_in(Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out")], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(ValueError, match="another process writes into it"):
            carried_out(dozing(tmp_path / "folder"), tmp_path / "out")
        other.kill()
    carried_out(dozing(tmp_path / "folder"), tmp_path / "out")  # the system let go of it


def test_a_line_that_was_cut_is_left_out_of_the_log(tmp_path):
    carried_out(dozing(tmp_path / "folder"), tmp_path / "out")
    store = Store(tmp_path / "out")
    whole = store.attempts()
    with (tmp_path / "out" / "attempts.jsonl").open("a") as file:
        file.write(json.dumps(whole[0])[:20])
    assert store.attempts() == whole
