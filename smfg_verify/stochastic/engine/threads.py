"""Calls of one compiled program on several threads, the first alone: two that meet it uncompiled compile it twice."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from smfg_verify.processors import processors

Result = TypeVar("Result")


class CompiledThenThreads:
    """A pool of threads whose first call runs before any other begins; closed at the end of its `with` block.

    XLA runs one call on one thread, so that as many calls at once as there are processors use them all.

    Args:
        most: threads, at most.
    """

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=max(1, min(most, processors())))
        self._compiled = False

    def __enter__(self) -> "CompiledThenThreads":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An interruption waits for the calls that run, not for those still to come.
        self._pool.shutdown(cancel_futures=True)

    def alone(self, function: Callable[..., Result], *arguments: object) -> Result:
        """One call in this thread; those of `map` meet what it compiled."""
        found = function(*arguments)
        self._compiled = True
        return found

    def map(self, function: Callable[..., Result], *columns: Iterable[object]) -> Iterator[Result]:
        """The function at each row of the columns, in their order, as results come in.

        Args:
            function: runs the one compiled program.
            *columns: its arguments by position, of one length.

        Returns:
            An iterator of results; an error of a call is raised where its result would come.
        """
        rows = list(zip(*columns, strict=True))
        if rows and not self._compiled:
            yield self.alone(function, *rows.pop(0))
        yield from self._pool.map(lambda row: function(*row), rows)
