"""What a long job says on standard error while it works: a bar or a spinner on a terminal, else plain lines."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console

from smfg_verify.progress import items, lines
from smfg_verify.watching import doing, heard


class Progress:
    """Stages of a job, announced on standard error and timed.

    Attributes:
        console: where the announcements go.
        timings: seconds of each finished stage, by name.
    """

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.timings: dict[str, float] = {}

    @property
    def on_terminal(self) -> bool:
        """Whether bars and spinners can be drawn."""
        return self.console.is_terminal

    @contextlib.contextmanager
    def stage(self, name: str, title: str, *, spinner: bool = True) -> Iterator[None]:
        """Announce and time one stage.

        Args:
            name: key of `timings`.
            title: what is being done, for the reader.
            spinner: False where the stage draws a bar of its own.
        """
        begun, turning = time.monotonic(), self.on_terminal and spinner
        if not turning:
            self.say(f"{title} ...")
        with doing(title, shown=turning), self.console.status(title) if turning else contextlib.nullcontext():
            yield
        self.timings[name] = round(time.monotonic() - begun, 3)

    def say(self, line: str) -> None:
        """Print one plain line."""
        self.console.print(line, soft_wrap=True, highlight=False, markup=False)
        heard()

    def counted(self, total: int, unit: str) -> Callable[[int], None]:
        """Callback that says every ten seconds how much is done; for where no bar can be drawn."""
        return lines(self.say, total, unit)

    def iterations(self, total: int) -> Callable[[int], None]:
        """The same for the iterations of a run."""
        return self.counted(total, "iterations")

    def items(self, total: int) -> Callable[[str], None]:
        """Callback that says which of several things is begun, and how far the whole is."""
        return items(self.say, total)
