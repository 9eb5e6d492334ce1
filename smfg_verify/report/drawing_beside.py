"""Figures drawn in a process of their own while others compute: the same bytes as drawn here.

Figures are built here, without their layout, and laid out and drawn there. The process reads and writes pickles through
its own pipes; where it cannot be started or dies, figures are drawn here.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

from matplotlib.figure import Figure

from smfg_verify.processors import processors
from smfg_verify.report.figures.drawing import figure_files
from smfg_verify.report.figures.layout import laid_out, laid_out_later
from smfg_verify.report.figures.style import house_style

# What may go wrong between two processes.
_LOST = (OSError, EOFError, pickle.PickleError, AttributeError, ImportError, ValueError)


class Drawing:
    """Figures that are being drawn, by name.

    Args:
        process: draws them; None to draw them here when they are asked for.
    """

    def __init__(self, process: "subprocess.Popen[bytes] | None" = None) -> None:
        self._process, self._asking = process, ThreadPoolExecutor(max_workers=1)
        self._drawn: dict[str, tuple[Figure, Future[dict[str, bytes]] | None]] = {}

    def begin(self, name: str, build: Callable[[], Figure | None]) -> None:
        """Build a figure and have it drawn, unless one of that name is; nothing where there is none to build."""
        if name in self._drawn:
            return
        with laid_out_later():
            figure = build()
        if figure is None:
            return
        answer = None
        if self._process is not None:
            with contextlib.suppress(*_LOST, TypeError):
                asked = pickle.dumps((figure, name), protocol=5)
                answer = self._asking.submit(_ask, self._process, asked)
        self._drawn[name] = (figure, answer)

    def files(self, names: Iterable[str]) -> dict[str, bytes]:
        """Those of some names for which there was anything to draw: name of the file -> its bytes."""
        wanted = [name for name in names if name in self._drawn]
        # From the last one on, here, what the process has not come to; then what it has drawn or is at.
        here = {name: self._drawn_here(name) for name in reversed(wanted) if self._is_waiting(name)}
        contents: dict[str, bytes] = {}
        for name in wanted:
            contents |= here[name] if name in here else self._answer(name)
        return contents

    def _is_waiting(self, name: str) -> bool:
        """Whether a figure has not been given to the process; it will not be any more."""
        answer = self._drawn[name][1]
        return answer is None or answer.cancel()

    def _answer(self, name: str) -> dict[str, bytes]:
        """What the process has drawn, or, where it was lost, what is drawn here."""
        answer = self._drawn[name][1]
        assert answer is not None
        with contextlib.suppress(*_LOST):
            return answer.result()
        return self._drawn_here(name)

    def _drawn_here(self, name: str) -> dict[str, bytes]:
        return _drawn(self._drawn[name][0], name)

    def end(self) -> None:
        """End the process, whatever it is at."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._asking.shutdown(cancel_futures=True)
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


@contextlib.contextmanager
def drawing_beside() -> Iterator[Drawing]:
    """A process that draws, until the block ends; on a single core everything is drawn here."""
    drawing = Drawing(_started() if processors() > 1 else None)
    try:
        yield drawing
    finally:
        drawing.end()


def _started() -> "subprocess.Popen[bytes] | None":
    # The same modules as here; in a session of its own, so that a key that interrupts the command is the command's.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", __spec__.name]
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )
    except OSError:
        return None


def _ask(process: "subprocess.Popen[bytes]", asked: bytes) -> dict[str, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(asked)
    process.stdin.flush()
    answer: dict[str, bytes] = pickle.load(process.stdout)
    return answer


@house_style
def _drawn(figure: Figure, name: str) -> dict[str, bytes]:
    return figure_files(laid_out(figure), name)


def _serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Draw what is asked for until there is no more."""
    while True:
        try:
            figure, name = pickle.load(asked)
        except EOFError:
            return
        pickle.dump(_drawn(figure, name), answers, protocol=5)
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The pipe is for answers alone: whatever prints, prints where errors go.
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, pipe)
