"""A sweep in this process, one bundle after the other: the same cells as on many machines, with no package needed."""

import time
from collections.abc import Callable

from smfg_verify.sweep.agenda import Agenda, Batch
from smfg_verify.sweep.cells import Bundle
from smfg_verify.sweep.compute import compute_bundle
from smfg_verify.sweep.store import CellRecord, Store

_WORKER = "this process"


def compute_here(agenda: Agenda, store: Store, finished: Callable[[list[CellRecord]], None]) -> None:
    """Compute everything on the agenda.

    Args:
        agenda: what is to be done; it is empty at the end.
        store: of the log of attempts.
        finished: takes the records of each bundle.

    Raises:
        ValueError: as `compute_bundle`.
        KeyboardInterrupt: of the user; what is finished was handed over.
    """
    while (batch := agenda.next_for(_WORKER, workers=1)) is not None:
        for bundle in batch.bundles:
            _compute(bundle, agenda, store, finished)


def _compute(bundle: Bundle, agenda: Agenda, store: Store, finished: Callable[[list[CellRecord]], None]) -> None:
    store.log("begun", [bundle], _WORKER, agenda.begun)
    begun = time.monotonic()
    try:
        records = compute_bundle(bundle)
    except KeyboardInterrupt:
        store.log("interrupted", [bundle], _WORKER, agenda.begun)
        raise
    finished(records)
    store.log("finished", [bundle], _WORKER, agenda.begun)
    agenda.finished(Batch(_WORKER, (bundle,)), time.monotonic() - begun)
