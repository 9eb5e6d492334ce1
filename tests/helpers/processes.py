"""Child processes that can be interrupted, and that never outlive their test."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator


@contextlib.contextmanager
def interruptible(command: list[str], **options) -> Iterator[subprocess.Popen]:
    """Run a command that answers to SIGINT, its output piped as text; it is killed at the end of the block.

    A test run in the background of a shell inherits an ignored SIGINT, which a child would inherit in turn.
    """

    def listen():
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with subprocess.Popen(command, preexec_fn=listen, **pipes, **options) as process:
        try:
            yield process
        finally:
            process.kill()
