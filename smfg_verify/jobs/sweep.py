"""A sweep as a job: its file, its cells with progress, and one dataset of all."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from smfg_verify.errors import InputError
from smfg_verify.interop.extras import require
from smfg_verify.jobs.progress import Progress
from smfg_verify.processors import taken
from smfg_verify.progress import told
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.cluster import OnCluster
from smfg_verify.sweep.conduct import ATTEMPTS, How, Swept, conduct
from smfg_verify.sweep.dataset import to_dataset
from smfg_verify.sweep.settings import SweepSettings, read_sweep
from smfg_verify.watching import doing, far

if TYPE_CHECKING:
    import xarray

EXTRA = "distributed"
DatasetFormat = Literal["zarr", "netcdf"]
_LOCAL = "local"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepRun:
    """How a sweep is carried out.

    Attributes:
        scheduler: "local", or the address of a Dask scheduler, tcp://host:port.
        workers: processes on this machine; one is this process itself.
        threads_per_worker: of each of them, or of each worker of the scheduler; its share of the processors of its
            machine if None.
        attempts: how often a cell is begun whose worker dies.
        retry_failed: whether cells that failed before are begun again.
        format: of the dataset.

    Raises:
        ValueError: a setting that is not one.
    """

    scheduler: str = _LOCAL
    workers: int = 1
    threads_per_worker: int | None = None
    attempts: int = ATTEMPTS
    retry_failed: bool = False
    format: DatasetFormat = "zarr"

    def __post_init__(self) -> None:
        counts = {"workers": self.workers, "threads-per-worker": self.threads_per_worker, "attempts": self.attempts}
        for name, value in counts.items():
            if value is not None and value < 1:
                raise InputError(f"--{name}: got {value}, expected an integer >= 1.")
        if self.scheduler != _LOCAL and "://" not in self.scheduler:
            raise InputError(f"--scheduler: got {self.scheduler!r}, expected local or an address, tcp://host:port.")
        if self.scheduler != _LOCAL and self.workers > 1:
            raise InputError(
                f"--workers: got {self.workers} beside --scheduler {self.scheduler}, expected none: that cluster has "
                "its own."
            )

    def require_packages(self) -> None:
        """Ask for what is to be computed with and written by.

        Raises:
            ImportError: a package is missing; the message has the command that installs it.
        """
        if self.scheduler != _LOCAL or self.workers > 1:
            require("distributed", EXTRA, "sweep on several processes")
        if self.format == "zarr":
            require("zarr", EXTRA, "sweep to Zarr (or leave it with --format netcdf)")

    def cluster(self, prepare: Callable[[], None]) -> OnCluster | None:
        """Where the cells are computed; None in this process."""
        if self.scheduler != _LOCAL:
            return OnCluster(self.scheduler, 0, prepare, self.threads_per_worker)
        return OnCluster("", self.workers, prepare, self.threads_per_worker) if self.workers > 1 else None


@dataclasses.dataclass(frozen=True)
class SweepResult:
    """A finished sweep with its dataset."""

    settings: SweepSettings
    swept: Swept
    dataset: "xarray.Dataset"
    format: DatasetFormat


def run_sweep(file: Path, directory: Path, run: SweepRun, prepare: Callable[[], None]) -> SweepResult:
    """Carry out the sweep in a file; cells that are finished in the directory are skipped.

    Args:
        file: TOML, see `smfg_verify.sweep.settings.read_sweep`.
        directory: of the results, which exists.
        run: where, and what is done again.
        prepare: sets the precision of a process that computes, as the caller's is set; called in every worker.

    Returns:
        The sweep.

    Raises:
        ValueError: a bad file or game, before anything is computed; a worker that cannot compute rightly.
        OSError: the disk is full, or the directory cannot be written; what is finished is kept.
        KeyboardInterrupt: of the user; what is finished is kept.
    """
    alone = run.cluster(prepare) is None
    with taken(run.threads_per_worker if alone else None):  # before JAX's first array, which makes its threads
        settings = read_sweep(file)
        run.require_packages()  # after the file was read: of two things that are wrong the nearer one is said
        return _carried_out(settings, directory, run, prepare)


def _carried_out(settings: SweepSettings, directory: Path, run: SweepRun, prepare: Callable[[], None]) -> SweepResult:
    progress = Progress()
    with doing("making the games"):
        plan = make_plan(settings, progress=far)
    how = How(run.cluster(prepare), run.attempts, run.retry_failed)
    where = "in this process" if how.cluster is None else f"on {how.cluster.address or f'{run.workers} workers here'}"
    progress.say(f"{plan.num_cells:,} cells, {where}, into {directory} ...")
    total = plan.num_cells - len(plan.refused)
    with (
        doing("computing the cells"),
        told("cells", total, bar=True, callback=lambda done: far(done, total)) as counted,
    ):
        swept = conduct(plan, directory, how, say=progress.say, told=counted)
    return SweepResult(settings, swept, to_dataset(swept), run.format)
