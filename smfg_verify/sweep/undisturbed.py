"""A worker on this machine as it starts: Ctrl-C in the terminal, which every process hears, is the caller's."""

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Worker


def dask_setup(worker: "Worker") -> None:
    """Leave an interruption to the process that started this one; Dask calls it by this name."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
