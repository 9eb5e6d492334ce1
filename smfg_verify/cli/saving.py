"""What a command leaves behind when it is interrupted or the disk is full, and how it says so."""

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smfg_verify.cli.endings import INTERRUPTED, PROGRAM, say
from smfg_verify.cli.result_options import OutOptions
from smfg_verify.errors import InputError

if TYPE_CHECKING:
    from smfg_verify.jobs.finished import Store  # imports JAX, which --help must not wait for


class InterruptedJob(Exception):
    """Ctrl-C during a job, and where there is something to go on from, if anywhere."""

    def __init__(self, saved: Path | None):
        super().__init__(saved)
        self.saved = saved


@contextlib.contextmanager
def saving(results: OutOptions, default: Path | None = None) -> Iterator["Store"]:
    """The store of a command's finished parts, in its directory of results; they are removed when all is written.

    Args:
        results: the directory, as given, made if missing; whether finished parts are taken up.
        default: the directory where none is given; None where nothing is to be written then.

    Raises:
        InputError: nothing to resume where no directory was given: likely another working directory.
        OSError: the disk is full, or the directory cannot be written; the message says what was saved before.
        InterruptedJob: Ctrl-C, with what was saved.
    """
    from smfg_verify.files import results_folder
    from smfg_verify.jobs.finished import Store

    directory, store = results.out or default, None
    if results.resume and results.out is None and directory is not None and not directory.exists():
        here = f"{directory}, seen from {Path.cwd()}"
        raise InputError(f"--resume: there is no run to continue in {here}; give its --out, or leave --resume out.")
    try:
        with contextlib.nullcontext() if directory is None else results_folder(directory) as folder:
            store = Store(folder, resumed=results.resume)
            yield store
            store.clear()
    except KeyboardInterrupt as interruption:
        raise InterruptedJob(None if store is None else store.saved()) from interruption
    except OSError as error:
        kept = None if store is None else store.saved()
        if kept is None or error.errno is None:
            raise
        raise OSError(error.errno, f"{error.strerror}; what was finished is in {kept}, for --resume") from error


def say_interrupted(saved: Path | None, arguments: Sequence[str]) -> int:
    """Say on one line what was saved and how to go on; returns the exit code."""
    again = [word for word in arguments if word not in ("--resume", "--overwrite")]
    on = f"continue: {PROGRAM} {shlex.join(again)} --resume"
    if saved is not None:
        return say(f"interrupted; what was finished is saved in {saved}; {on}", INTERRUPTED)
    if "--resume" in arguments:
        return say(f"interrupted before anything was added to what is saved; {on}", INTERRUPTED)
    return say("interrupted; nothing was saved", INTERRUPTED)
