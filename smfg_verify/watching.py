"""A word where nothing has been said for a while: what a command is doing, for how long, and how far that is."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

# Seconds without a word after which there is one, and how often it comes then, at most: a log of an hour stays short.
_FIRST, _LARGEST = 2.0, 10.0
# How often it is looked whether a word is due, in seconds.
_LOOK = 0.25


class Watch:
    """Knows what is being done and when something was last said; `due` is the word that is missing, if one is.

    Args:
        title: of what is done until something else is.
        clock: seconds.
    """

    def __init__(self, title: str, clock: Callable[[], float] = time.monotonic):
        self._clock, self._parts = clock, (0, 0)
        self._doing: list[tuple[str, float, bool]] = [(title, clock(), False)]
        self._last, self._wait = clock(), _FIRST

    def heard(self) -> None:
        """Something was said: the wait begins again."""
        self._last, self._wait = self._clock(), _FIRST

    @property
    def doings(self) -> tuple[str, ...]:
        """What is done, outermost first."""
        return tuple(title for title, _, _ in self._doing)

    def far(self, done: int, total: int) -> None:
        """So much of what is being done is done."""
        self._parts = (done, total)

    @contextlib.contextmanager
    def doing(self, title: str, *, shown: bool = False) -> Iterator[None]:
        """What is done in the block; `shown` where a bar or a spinner moves and there is nothing to add."""
        before, self._parts = self._parts, (0, 0)
        self._doing.append((title, self._clock(), shown))
        try:
            yield
        finally:
            self._doing.pop()
            self._parts = before
            if shown:  # what moved was a word, up to now
                self.heard()
            if len(self._doing) == 1:  # what is done between blocks is done anew
                self._doing[0] = (self._doing[0][0], self._clock(), False)

    def turn_to(self, title: str) -> None:
        """What is done in the innermost block from now on."""
        self._doing[-1], self._parts = (title, self._clock(), self._doing[-1][2]), (0, 0)

    def due(self) -> str | None:
        """The word that is missing now, if one is; then it counts as said."""
        now = self._clock()
        title, begun, shown = self._doing[-1]
        if shown or now - self._last < self._wait:
            return None
        self._last, self._wait = now, min(2.0 * self._wait, _LARGEST)
        done, total = self._parts
        far = f", {done:,} of {total:,}, {done / total:.0%}" if 0 < done < total else ""
        so_far = f": {duration(now - begun)} so far{far}" if now - begun >= 1.0 else " ..."
        return f"  {title}{so_far}"


# Of this process; there is none unless a command watches itself.
_WATCHES: list[Watch] = []


@contextlib.contextmanager
def watched(title: str) -> Iterator[None]:
    """Let a thread say on standard error what is being done, wherever nothing was said for two seconds and more.

    Args:
        title: of what is done until something else is.
    """
    watch, over = Watch(title), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            line = watch.due()
            if line is not None:
                sys.stderr.write(f"{line}\n")  # one write: no other line comes between
                sys.stderr.flush()

    thread = threading.Thread(target=look, daemon=True)
    _WATCHES.append(watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _WATCHES.remove(watch)


@contextlib.contextmanager
def doing(title: str, *, shown: bool = False) -> Iterator[None]:
    """Say, if asked by then, that this is what is done in the block.

    Args:
        title: what.
        shown: a bar or a spinner moves meanwhile.
    """
    with contextlib.ExitStack() as stack:
        for watch in _WATCHES:
            stack.enter_context(watch.doing(title, shown=shown))
        yield


def heard() -> None:
    """Something was said."""
    for watch in _WATCHES:
        watch.heard()


def far(done: int, total: int) -> None:
    """So much of what is being done is done: for loops whose length is known, however deep they are."""
    for watch in _WATCHES:
        watch.far(done, total)


def turn_to(title: str) -> None:
    """What is done from now on in the innermost block."""
    for watch in _WATCHES:
        watch.turn_to(title)


def duration(seconds: float) -> str:
    """A length of time in the units that a person counts it in."""
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
