"""Child processes that can be interrupted, and that never outlive their test."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

# A test run in the background of a shell inherits an ignored SIGINT, and would hand it on to its children.
_LISTEN = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"


@contextlib.contextmanager
def interruptible(command: list[str], **options) -> Iterator[subprocess.Popen]:
    """Run a command that answers to SIGINT, its output piped as text; it is killed at the end of the block."""
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with subprocess.Popen([sys.executable, "-c", _LISTEN, *command], **pipes, **options) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def busy_machine(number: int) -> Iterator[None]:
    """So many processes that do nothing but burn their share of the cores, until the end of the block."""
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(process.kill)
        yield
