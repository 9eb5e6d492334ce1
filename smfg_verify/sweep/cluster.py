"""A sweep on the workers of a Dask cluster: each worker has one batch at a time, pinned to it.

Workers of one machine share its processors: each uses as many threads as there are processors for it, or as it is told.

Dask moves the work of a dead worker by itself; here it is pinned, so that what was begun where is known exactly, only
what a dead worker had in hand is begun again, and a cell that kills its workers is told apart.
"""

import collections
import contextlib
import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, NamedTuple

from smfg_verify import processors
from smfg_verify.errors import InputError
from smfg_verify.sweep.agenda import Agenda, Batch
from smfg_verify.sweep.cells import Bundle
from smfg_verify.sweep.compute import compute_bundle
from smfg_verify.sweep.store import CellRecord, Store, died

if TYPE_CHECKING:
    from distributed import Client, Future

# How long a result is waited for at once, and how often it is looked whether a worker came or went, in seconds.
_WAIT, _LOOK = 0.1, 0.3
# A result lies on its worker until it is fetched: one that does not come in this time is waited for anew.
_FETCH = 30.0
# A worker is waited for so long before that is said, and again.
_WORD = 30.0
# On this machine no worker comes later than this; elsewhere a queue may hold one back for days.
_PATIENCE = 120.0

Finished = Callable[[list[CellRecord]], None]


class OnCluster(NamedTuple):
    """Where a sweep is computed.

    Attributes:
        address: of a scheduler that runs, such as tcp://host:8786; one is started on this machine if empty.
        workers: processes of that one.
        prepare: called in each worker before it computes; it sets the precision as the caller's process has it.
        threads: of a worker; None for its share of the processors of its machine.
    """

    address: str
    workers: int
    prepare: Callable[[], None]
    threads: int | None = None


def compute_on(where: OnCluster, agenda: Agenda, store: Store, finished: Finished, say: Callable[[str], None]) -> None:
    """Compute everything on the agenda.

    Args:
        where: the cluster.
        agenda: what is to be done; it is empty at the end.
        store: of the log of attempts.
        finished: takes the records of each batch.
        say: told of workers that come and go.

    Raises:
        ValueError: no scheduler at the address, no worker on this machine, a worker with another version or game.
        KeyboardInterrupt: of the user; what is finished was handed over.
    """
    with _client(where) as client:
        _Conduct(client, where, agenda, store, finished, say).until_done()


@contextlib.contextmanager
def _client(where: OnCluster) -> Iterator["Client"]:
    import dask
    import distributed
    from distributed.utils import silence_logging_cmgr

    # Spawned, never forked: a forked process has JAX's threads' locks without the threads.
    settings = {"distributed.worker.multiprocessing-method": "spawn", **_library_threads(where)}
    with dask.config.set(settings), contextlib.ExitStack() as stack:
        # Workers that die and schedulers that vanish are told in our words.
        stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
        if where.address:
            yield stack.enter_context(_connected(where.address))
            return
        cluster = distributed.LocalCluster(
            n_workers=where.workers,
            threads_per_worker=1,
            processes=True,
            # A worker that is paused for its memory never ends; one that the system kills is begun again.
            memory_limit=0,
            dashboard_address=None,
            preload=["smfg_verify.sweep.undisturbed"],
            silence_logs=logging.CRITICAL,
        )
        yield stack.enter_context(distributed.Client(stack.enter_context(cluster)))


def _library_threads(where: OnCluster) -> dict[str, int]:
    """Of BLAS in the workers of this machine, which reads them as it is loaded; elsewhere who starts a worker says."""
    threads = where.threads or processors.share(where.workers)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {f"distributed.nanny.pre-spawn-environ.{name}": threads for name in names}


@contextlib.contextmanager
def _connected(address: str) -> Iterator["Client"]:
    import distributed

    try:
        client = distributed.Client(address)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--scheduler: got {address}, where no scheduler answers ({error}); start one with `dask scheduler`."
        ) from error
    with client:
        yield client


class _Conduct:
    """One sweep on one cluster: who has which batch."""

    def __init__(
        self,
        client: "Client",
        where: OnCluster,
        agenda: Agenda,
        store: Store,
        finished: Finished,
        say: Callable[[str], None],
    ) -> None:
        self.client, self.where, self.agenda = client, where, agenda
        self.store, self.finished, self.say = store, finished, say
        self.running: dict[Future[list[CellRecord]], tuple[Batch, float]] = {}
        self.alone_since = self.said = time.monotonic()
        self.known: dict[str, str] = {}
        self.looked = -_LOOK

    def until_done(self) -> None:
        try:
            while self.agenda.left or self.running:
                self._turn()
        except BaseException:
            for batch, _ in self.running.values():
                self.store.log("interrupted", batch.bundles, batch.worker, self.agenda.begun)
            with contextlib.suppress(OSError, CancelledError):
                self.client.cancel(list(self.running), force=True)
            raise

    def _turn(self) -> None:
        """Take back what is lost, hand out what is free, and wait for the next result."""
        if time.monotonic() - self.looked >= _LOOK:
            self._look()
        busy = {batch.worker for batch, _ in self.running.values()}
        for worker in sorted(self.known.keys() - busy):
            self._hand_out(worker)
        if self.running:
            self._collect()
        else:
            time.sleep(_WAIT)

    def _look(self) -> None:
        """See which workers there are; what one had that is gone is lost."""
        with self._connected():
            told = self.client.scheduler_info()["workers"]
            workers = {address: str(about.get("host", address)) for address, about in told.items()}
        self.looked = time.monotonic()
        self._notice(workers)
        for future, (batch, _) in list(self.running.items()):
            if batch.worker not in workers:
                self._lost(future)

    def _notice(self, workers: dict[str, str]) -> None:
        """See workers, each with its machine."""
        now = time.monotonic()
        if workers != self.known:
            self.known = workers
            self.say(f"  workers: {len(workers)}")
        if workers:
            self.alone_since = self.said = now
        elif not self.where.address and now - self.alone_since > _PATIENCE:
            raise InputError(f"--workers: got none in {_PATIENCE:.0f} s; likely cause: they die as they start.")
        elif now - self.said > _WORD:
            self.said = now
            self.say(f"  waiting for a worker of {self.where.address or 'this machine'}")

    def _hand_out(self, worker: str) -> None:
        batch = self.agenda.next_for(worker, len(self.known))
        if batch is None:
            return
        self.store.log("begun", batch.bundles, worker, self.agenda.begun)
        beside = collections.Counter(self.known.values())[self.known.get(worker, worker)]
        means = Means(self.where.prepare, self.where.threads, beside)
        future = self.client.submit(compute_batch, means, batch.bundles, workers=[worker], pure=False, retries=0)
        self.running[future] = (batch, time.monotonic())

    def _collect(self) -> None:
        import distributed

        with self._connected(), contextlib.suppress(TimeoutError):
            distributed.wait(list(self.running), timeout=_WAIT, return_when="FIRST_COMPLETED")
        for future in [future for future in self.running if future.done()]:
            if future.status == "finished":
                self._take(future)
            elif future.status == "error" and not isinstance(future.exception(), distributed.scheduler.KilledWorker):
                raise _failed(future.exception(), self.running[future][0].worker)
            else:
                self._lost(future)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        """What fails in it for want of a scheduler says so."""
        try:
            yield
        except (OSError, CancelledError) as error:
            where = self.where.address or "of this machine"
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise OSError(
                f"the scheduler {where} answers no more ({reason}); the finished cells are kept, and the same command "
                "goes on"
            ) from error

    def _take(self, future: "Future[list[CellRecord]]") -> None:
        try:
            records = future.result(timeout=_FETCH)
        except (TimeoutError, CancelledError):
            return  # its worker died with the result: the next look sees it
        batch, begun = self.running.pop(future)
        self.agenda.finished(batch, time.monotonic() - begun)
        self._hand_out(batch.worker)  # the worker computes while the files are written
        attempts = self.agenda.begun
        self.finished([_with_attempts(record, attempts[record.cell.key]) for record in records])
        self.store.log("finished", batch.bundles, batch.worker, attempts)

    def _lost(self, future: "Future[list[CellRecord]]") -> None:
        batch, _ = self.running.pop(future)
        self.client.cancel([future], force=True)
        self.store.log("lost", batch.bundles, batch.worker, self.agenda.begun)
        given_up = self.agenda.lost(batch)
        again = len(batch.cells) - len(given_up)
        self.say(f"  worker {batch.worker} died with {len(batch.cells)} cells; {again} of them begin again, each alone")
        self.finished([died(cell, self.agenda.begun[cell.key]) for cell in given_up])


class Means(NamedTuple):
    """What a worker computes with.

    Attributes:
        prepare, threads: as in `OnCluster`.
        workers: on its machine, itself included.
    """

    prepare: Callable[[], None]
    threads: int | None
    workers: int


def compute_batch(means: Means, bundles: tuple[Bundle, ...]) -> list[CellRecord]:
    """What is sent to a worker: its threads and the precision first, then bundle by bundle."""
    _take_share(means)
    means.prepare()
    return [record for bundle in bundles for record in compute_bundle(bundle)]


def _take_share(means: Means) -> None:
    """JAX's own threads are those of the first batch, since it makes them once; the engine's follow each time."""
    processors.take(means.threads or max(1, _of_machine() // means.workers))


@functools.cache
def _of_machine() -> int:
    """What the workers of this machine share, as it was before this one took its share; a container's limit counts."""
    from dask.system import CPU_COUNT

    return min(processors.processors(), CPU_COUNT)


def _with_attempts(record: CellRecord, attempts: int) -> CellRecord:
    return dataclasses.replace(record, attempts=attempts)


def _failed(error: Any, worker: str) -> BaseException:
    """What stops the sweep: nothing of it could be computed rightly on that worker."""
    if isinstance(error, InputError):
        return InputError(f"{worker}: {error}")
    if isinstance(error, ImportError):
        return InputError(f"{worker}: {error}; likely cause: smfg-verify is not installed there.")
    assert isinstance(error, BaseException)
    return error
