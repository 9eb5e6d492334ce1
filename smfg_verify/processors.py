"""How many processors this process may use: those that the system lets it run on, or a share of them.

A share is said by the variable `NPROC`, which XLA reads too where it makes its pool of threads: before the first
computation of a process, and never again.
"""

import contextlib
import os
from collections.abc import Iterator

from smfg_verify.errors import InputError

VARIABLE = "NPROC"


def processors() -> int:
    """Threads that are worth starting here.

    Returns:
        What `NPROC` says; else the processors that this process may run on, as `taskset`, a batch system or a container
        have left it.

    Raises:
        ValueError: `NPROC` is no positive integer.
    """
    said = os.environ.get(VARIABLE, "")
    if not said:
        return allowed()
    if not said.isdecimal() or int(said) < 1:
        raise InputError(f"{VARIABLE}: got {said!r}, expected an integer >= 1, the processors that are to be used.")
    return int(said)


def allowed() -> int:
    """Processors that the system lets this process run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def share(workers: int) -> int:
    """What each of several processes of one machine may use, so that together they use all and no more."""
    return max(1, processors() // max(1, workers))


def take(number: int) -> None:
    """Use so many from now on; JAX's own threads follow where it has computed nothing yet."""
    os.environ[VARIABLE] = str(number)


@contextlib.contextmanager
def taken(number: int | None) -> Iterator[None]:
    """`take` for the length of a block; None leaves things as they are."""
    before = os.environ.get(VARIABLE)
    if number is not None:
        take(number)
    try:
        yield
    finally:
        if number is not None:
            os.environ.pop(VARIABLE) if before is None else take(int(before))
