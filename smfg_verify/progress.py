"""A progress bar on standard error, as a callback: who counts knows nothing of bars."""

import contextlib
from collections.abc import Callable, Iterator

Callback = Callable[[int], None]


@contextlib.contextmanager
def told(title: str, total: int, *, bar: bool, callback: Callback | None = None) -> Iterator[Callback]:
    """What to call with the number done: it moves a bar, if one is wanted, and tells the caller's own callback.

    Args:
        title: what is counted, beside the bar.
        total: the number at the end.
        bar: whether a bar is drawn on standard error.
        callback: of the caller, or None.

    Yields:
        The function to call.
    """
    with contextlib.ExitStack() as stack:
        callbacks = [stack.enter_context(_bar(title, total))] if bar else []
        if callback is not None:
            callbacks.append(callback)

        def tell(done: int) -> None:
            for each in callbacks:
                each(done)

        yield tell


@contextlib.contextmanager
def _bar(title: str, total: int) -> Iterator[Callback]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as drawn:
        task = drawn.add_task(title, total=total)
        yield lambda done: drawn.update(task, completed=done)
