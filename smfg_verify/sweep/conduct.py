"""A sweep from its plan to its cells: what is finished is skipped, the rest computed here or on a cluster, and kept."""

import collections
import dataclasses
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from smfg_verify.exact.precision import require_float64
from smfg_verify.files import alone_in
from smfg_verify.progress import Callback
from smfg_verify.sweep.agenda import Agenda
from smfg_verify.sweep.cells import Bundle, Plan
from smfg_verify.sweep.cluster import OnCluster, compute_on
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.serial import compute_here
from smfg_verify.sweep.store import CellRecord, Store

# How often a cell is begun whose worker dies.
ATTEMPTS = 3
# Files of a batch that are written at once: each is waited for until it is on the disk, which takes longer than a small
# cell, and meanwhile no worker is given its next batch.
_WRITERS = 8


@dataclasses.dataclass(frozen=True)
class Swept:
    """A sweep with what its cells came to.

    Attributes:
        plan: which cells there are.
        records: key -> the cell, of those that are finished or were refused.
        skipped: how many were finished before.
    """

    plan: Plan
    records: Mapping[str, CellRecord]
    skipped: int

    def outcome(self, key: str) -> Outcome:
        """What a cell came to; MISSING where it was not computed."""
        if key in self.plan.refused:
            return Outcome(CellStatus.REFUSED, self.plan.refused[key])
        return self.records[key].outcome if key in self.records else Outcome(CellStatus.MISSING)

    def counts(self, kind: str) -> Mapping[CellStatus, int]:
        """Status -> number of different cells of a kind."""
        keys = dict.fromkeys(self.plan.places[kind].ravel().tolist())
        return collections.Counter(self.outcome(key).status for key in keys)

    @property
    def failures(self) -> Mapping[str, list[str]]:
        """Reason -> cells that have no numbers for it, as key and kind; the reasons in the order they were met."""
        found: dict[str, list[str]] = {}
        for kind, keys in self.plan.places.items():
            for key in dict.fromkeys(keys.ravel().tolist()):
                outcome = self.outcome(key)
                if outcome.reason:
                    found.setdefault(outcome.reason, []).append(f"{kind} {key}")
        return found


@dataclasses.dataclass(frozen=True)
class How:
    """How a sweep is carried out.

    Attributes:
        cluster: where; in this process if None.
        attempts: how often a cell is begun whose worker dies.
        retry_failed: whether cells that failed before are begun again.
    """

    cluster: OnCluster | None = None
    attempts: int = ATTEMPTS
    retry_failed: bool = False


def conduct(
    plan: Plan,
    directory: Path,
    how: How,
    *,
    say: Callable[[str], None],
    told: Callback = lambda done: None,
) -> Swept:
    """Compute the cells of a plan that are not finished in a directory, and keep each as soon as it is.

    Args:
        plan: the cells.
        directory: of the results, which exists.
        how: where, and what is done again.
        say: told what a reader of a log wants to know.
        told: called with the number of cells that are finished.

    Returns:
        The sweep; every cell of it has a status.

    Raises:
        ValueError: float64 is off, another sweep writes into the directory, or a worker cannot compute rightly.
        OSError: the disk is full, or the directory cannot be written; what is finished is kept.
        KeyboardInterrupt: of the user; what is finished is kept.
    """
    require_float64(None)
    with alone_in(directory), ThreadPoolExecutor(_WRITERS) as writers:
        store = Store(directory)
        records = _finished_before(plan, store, how, say)
        skipped = len(records)
        rest = [bundle.only(_missing(bundle, records)) for bundle in plan.bundles if _missing(bundle, records)]

        def keep(finished: list[CellRecord]) -> None:
            for record, _ in zip(finished, writers.map(store.write, finished), strict=True):
                records[record.cell.key] = record
            told(len(records))

        if rest:
            told(len(records))
            agenda = Agenda(rest, how.attempts)
            if how.cluster is None:
                compute_here(agenda, store, keep)
            else:
                compute_on(how.cluster, agenda, store, keep, say)
        return Swept(plan, records, skipped)


def _finished_before(plan: Plan, store: Store, how: How, say: Callable[[str], None]) -> dict[str, CellRecord]:
    found: dict[str, CellRecord] = {}
    failed = 0
    for bundle in plan.bundles:
        for cell in bundle.cells:
            record = store.read(cell, say)
            if record is None:
                continue
            again = not record.outcome.status.answered
            failed += again
            if not (again and how.retry_failed):
                found[cell.key] = record
    if failed:
        which = "begin again" if how.retry_failed else "stay as they are; --retry-failed begins them again"
        say(f"{failed} cells failed before and {which}.")
    return found


def _missing(bundle: Bundle, records: Mapping[str, CellRecord]) -> frozenset[str]:
    return frozenset(cell.key for cell in bundle.cells if cell.key not in records)
