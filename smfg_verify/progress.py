"""How far a long job is, on standard error: a bar on a terminal, lines elsewhere. Who counts knows of neither."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from smfg_verify.watching import doing, duration, heard, turn_to

Callback = Callable[[int], None]
# Lines come at most so often, in seconds.
_BETWEEN_LINES = 10.0


@contextlib.contextmanager
def told(title: str, total: int, *, bar: bool, callback: Callback | None = None) -> Iterator[Callback]:
    """What to call with the number done: it shows how far that is, if wanted, and tells the caller's own callback.

    Args:
        title: what is counted.
        total: the number at the end.
        bar: whether progress is shown on standard error: a bar on a terminal, a line every ten seconds elsewhere.
        callback: of the caller, or None.

    Yields:
        The function to call.
    """
    with contextlib.ExitStack() as stack:
        callbacks = [stack.enter_context(_shown(title, total))] if bar else []
        if callback is not None:
            callbacks.append(callback)

        def tell(done: int) -> None:
            for each in callbacks:
                each(done)

        yield tell


@contextlib.contextmanager
def _shown(title: str, total: int) -> Iterator[Callback]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lines(say_aside, total, title)
        return
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeLeft())
    with doing(title, shown=True), Progress(*columns, console=console) as drawn:
        task = drawn.add_task(title, total=total)
        yield lambda done: drawn.update(task, completed=done)


def say_aside(line: str) -> None:
    """Print one line on standard error."""
    print(line, file=sys.stderr, flush=True)
    heard()


def lines(
    say: Callable[[str], None], total: int, unit: str, *, clock: Callable[[], float] = time.monotonic
) -> Callback:
    """A callback that says every ten seconds how much is done, in percent too, and about how long the rest takes.

    Args:
        say: prints one line.
        total: the number at the end.
        unit: what is counted.
        clock: seconds.

    Returns:
        The callback, which takes the number done.
    """
    begun = last = clock()
    first = 0  # what was done before, as when a run goes on, took none of this time

    def report(done: int) -> None:
        nonlocal last, first, begun
        now = clock()
        if first == 0:
            first, begun = done, now
        if now - last >= _BETWEEN_LINES and done < total:
            last = now
            say(f"  {done:,} of {total:,} {unit}, {done / total:.0%}{_left(done - first, total - done, now - begun)}")

    return report


def items(
    say: Callable[[str], None], total: int, *, clock: Callable[[], float] = time.monotonic
) -> Callable[[str], None]:
    """A callback that says which of several things is begun, how many are done, and about how long the rest takes.

    Args:
        say: prints one line.
        total: how many there are.
        clock: seconds.

    Returns:
        The callback, which takes the name of what begins.
    """
    begun, done = clock(), 0

    def begins(name: str) -> None:
        nonlocal done
        say(f"  {name} ({done + 1} of {total}; {done / total:.0%} done{_left(done, total - done, clock() - begun)})")
        done += 1
        turn_to(name)

    return begins


def _left(done: int, rest: int, seconds: float) -> str:
    """About how long the rest takes, if it goes on as it went."""
    return f", about {duration(seconds * rest / done)} left" if done > 0 else ""
