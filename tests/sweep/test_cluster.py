"""A real cluster of processes: nothing lost, nothing doubled, whoever dies."""

import collections

import numpy as np
import pytest
from distributed.comm import CommClosedError

from smfg_verify.processors import processors, taken
from smfg_verify.sweep.agenda import Agenda
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.cluster import Means, OnCluster, _Conduct, compute_batch
from smfg_verify.sweep.conduct import How, conduct
from smfg_verify.sweep.dataset import to_dataset
from smfg_verify.sweep.kinds.outcome import CellStatus
from smfg_verify.sweep.store import Store
from tests.support.sweeping import dozing, executions, prepare


def events(directory):
    """How often each cell was begun, finished, lost: from the log of attempts."""
    found = collections.defaultdict(collections.Counter)
    for entry in Store(directory).attempts():
        found[entry["event"]].update(entry["cells"].keys())
    return found


@pytest.mark.untyped
@pytest.mark.parametrize(
    "killers", [[], pytest.param(["0.9-2"], marks=pytest.mark.slow)], ids=["one death", "a cell kills every worker"]
)
def test_two_workers_of_which_some_die_lose_nothing_and_double_nothing(killers, tmp_path):
    """A cell kills its worker (kill -9) the first time, and another one every time; both sit in bundles of three."""
    out, folder, said = tmp_path / "out", tmp_path / "folder", []
    out.mkdir()
    settings = dozing(folder, discounts=[0.5, 0.9], seeds=3, dies_once=["0.5-1"], dies_always=killers)
    plan = make_plan(settings)
    swept = conduct(plan, out, How(OnCluster("", 2, prepare), attempts=2), say=said.append)
    dataset = to_dataset(swept)
    status = dataset["doze_status"].values[0]  # discount x seed
    died = np.zeros_like(status, dtype=bool)
    died[1, 2] = bool(killers)
    assert (status[died] == CellStatus.WORKER_DIED).all()
    assert (status[~died] == CellStatus.DONE).all()
    discount, seed = np.meshgrid([0.5, 0.9], range(3), indexing="ij")
    values = dataset["doze_value"].values[0]
    np.testing.assert_array_equal(values[~died], (discount**2 + seed)[~died])
    assert np.isnan(values[died]).all()
    log = events(out)
    assert set(log["finished"].values()) == {1}  # nothing doubled
    assert len(log["finished"]) == np.sum(~died)  # nothing lost
    # What was computed is what was begun, and only cells that were in a dead worker's hands were begun again.
    assert sum(executions(folder).values()) == sum(log["begun"].values())
    assert all(log["begun"][key] - log["lost"][key] == log["finished"][key] for key in log["begun"])
    assert sum("died with" in line for line in said) == (3 if killers else 1)
    assert max(log["begun"].values()) == 2
    assert len(list((out / "cells").glob("*/*.json"))) == plan.num_cells


@pytest.mark.parametrize("said", [None, 3])
def test_workers_of_a_machine_share_its_processors_however_often_they_are_told(said, monkeypatch):
    monkeypatch.setattr("smfg_verify.sweep.cluster._of_machine", lambda: 8)
    for workers, share in ((1, 8), (2, 4), (3, 2), (8, 1), (100, 1), (2, 4)):
        with taken(7):  # given back at the end of the block
            assert compute_batch(Means(prepare, said, workers), ()) == []
            assert processors() == (said or share)


class Vanished:
    """A client whose scheduler is gone: nothing is answered."""

    def scheduler_info(self):
        raise CommClosedError("connection closed")

    def cancel(self, futures, force):
        raise CommClosedError("connection closed")


def test_a_scheduler_that_is_gone_is_no_fault_of_the_package(tmp_path):
    agenda = Agenda(make_plan(dozing(tmp_path / "folder")).bundles, 3)
    where = OnCluster("tcp://head-node:8786", 0, prepare)
    conduct = _Conduct(Vanished(), where, agenda, Store(tmp_path), lambda records: None, lambda line: None)
    with pytest.raises(OSError, match=r"scheduler tcp://head-node:8786 answers no more \(connection closed\)"):
        conduct.until_done()
    assert agenda.left == 4
