"""Programs that are made before they are asked for, in threads of their own: the compiler leaves Python to others.

A thread calls what will be called, up to where a kept program would be carried out, and no further: nothing is computed
in it, so that what is found depends neither on how far it came nor on whether it ran.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator

from smfg_verify.processors import processors

# While one thread traces, the compiler is at work in another; with more of them each traces anew what all share.
_THREADS = 1
NAME = "programs-ahead-"
_STATE = threading.local()


class Made(BaseException):
    """Ends a call whose program is made; no `except Exception` on the way takes it for an error."""


def is_ahead() -> bool:
    """Whether this thread makes programs and carries none out."""
    return getattr(_STATE, "ahead", False)


@contextlib.contextmanager
def making_ahead(calls: Iterable[Callable[[], object]]) -> Iterator[None]:
    """Make the programs of some calls, in their order, while what stands in the block goes on.

    A call that fails is left to who makes it in earnest. When the block ends, what is being made is made, and nothing
    more is begun.

    Args:
        calls: each makes one program, the first that it comes to.
    """
    wanted, ended = list(calls), threading.Event()
    left = iter(wanted)

    def work() -> None:
        _STATE.ahead = True
        for call in left:
            if ended.is_set():
                return
            with contextlib.suppress(Made, Exception):
                call()

    number = min(_THREADS, len(wanted)) if processors() > 1 else 0
    threads = [threading.Thread(target=work, name=f"{NAME}{k}", daemon=True) for k in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
