"""Who computes what: every bundle once, programs stay where they are warm, and a killer is told apart."""

import pytest

from smfg_verify.sweep.agenda import Agenda
from smfg_verify.sweep.cells import Bundle, Cell
from smfg_verify.sweep.settings import SweptGame


def bundle(group, number, seeds=(0,)):
    cells = tuple(Cell(f"{group}-{number}-{seed}", {}) for seed in seeds)
    return Bundle("run", SweptGame("g", "g", {}), "", {}, seeds, cells, group)


def drained(agenda, workers, seconds=0.1):
    """All batches of workers that take turns."""
    found = []
    while agenda.left:
        for worker in workers:
            batch = agenda.next_for(worker, len(workers))
            if batch is not None:
                agenda.finished(batch, seconds * len(batch.bundles))
                found.append(batch)
    return found


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3, 100.0])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_cell_is_handed_out_once_in_batches_of_one_group(seconds, workers):
    bundles = [bundle(group, number, (0, 1)) for group in "abc" for number in range(37)]
    batches = drained(Agenda(bundles, 3), [f"w{k}" for k in range(workers)], seconds)
    keys = [cell.key for batch in batches for cell in batch.cells]
    assert sorted(keys) == sorted(cell.key for one in bundles for cell in one.cells)
    assert all(len({one.group for one in batch.bundles}) == 1 for batch in batches)
    # A batch is about a second; what costs more than that goes alone.
    assert max(len(batch.bundles) for batch in batches) <= max(1, min(64, 1.0 / seconds if seconds else 64))


def test_each_of_two_workers_keeps_to_its_group_while_there_is_one_for_each():
    bundles = [bundle(group, number) for number in range(10) for group in "ab"]
    batches = drained(Agenda(bundles, 3), ["first", "second"], 10.0)
    groups = {batch.worker: {one.group for one in batch.bundles} for batch in batches}
    for batch in batches:
        groups[batch.worker] |= {one.group for one in batch.bundles}
    assert sorted(len(found) for found in groups.values()) == [1, 1]


def test_one_group_is_shared_by_all_workers():
    batches = drained(Agenda([bundle("a", number) for number in range(40)], 3), ["first", "second"], 1.0)
    counts = [sum(len(batch.cells) for batch in batches if batch.worker == worker) for worker in ("first", "second")]
    assert abs(counts[0] - counts[1]) <= 1


def test_a_lost_batch_comes_back_cell_by_cell_until_it_is_given_up():
    agenda = Agenda([bundle("a", 0, (0, 1, 2))], 3)
    first = agenda.next_for("w", 1)
    assert agenda.lost(first) == []
    singles = [agenda.next_for("w", 1) for _ in range(3)]
    assert [[cell.key for cell in batch.cells] for batch in singles] == [["a-0-0"], ["a-0-1"], ["a-0-2"]]
    agenda.finished(singles[0], 1.0)
    agenda.finished(singles[2], 1.0)
    assert agenda.lost(singles[1]) == []
    third = agenda.next_for("w", 1)
    assert [cell.key for cell in agenda.lost(third)] == ["a-0-1"]
    assert agenda.left == 0
    assert agenda.begun == {"a-0-0": 2, "a-0-1": 3, "a-0-2": 2}
