"""How a command ends: what is said on one line, and the exit code."""

import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from smfg_verify.errors import InputError, NumericalError
from smfg_verify.version import __version__
from smfg_verify.watching import heard

FINISHED, STRICT_FAILURE, BAD_INPUT, INTERNAL_FAULT, NUMERICAL_FAILURE, INTERRUPTED = 0, 1, 2, 3, 4, 130
EXIT_CODES = (
    "Exit codes: 0 finished; 1 when a case fails, a certificate is not verified, or with --strict a property is "
    "refuted or a rate is slower; 2 bad input, or a file that cannot be read or written; 3 a fault of smfg-verify, "
    "with the path of a log; 4 a computation that did not converge; 130 interrupted."
)
PROGRAM = "smfg-verify"
_PACKAGES = ("jax", "jaxlib", "equinox", "numpy", "scipy")


def ending_of(error: Exception, arguments: Sequence[str]) -> int:
    """Say on standard error, on one line, why a command failed.

    Args:
        error: what ended it, neither an interruption nor a misused option.
        arguments: of the command line, for the log.

    Returns:
        The exit code: a fault of this package, a bare ValueError of a library under it included, is never called
        bad input.
    """
    if isinstance(error, InputError | OSError):
        return say(str(error) or type(error).__name__, BAD_INPUT)
    if isinstance(error, NumericalError):
        return say(str(error), NUMERICAL_FAILURE)
    # Costs an import of JAX, which only a failure that is neither should pay.
    from smfg_verify.game.user_code import in_words, place_in_user_code

    place = place_in_user_code(error)
    if place is not None:
        return say(in_words(error, place), BAD_INPUT)
    reason = (str(error).strip() or "no message").splitlines()[0]
    fault = f"this is a fault of {PROGRAM}, not of the input: {type(error).__name__}: {reason}."
    return say(f"{fault} {_logged(error, arguments)}", INTERNAL_FAULT)


def say(message: str, code: int) -> int:
    """Print one line on standard error, and return the exit code."""
    say_aside(message)
    return code


def say_aside(message: str) -> None:
    """Print one line on standard error."""
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
    heard()


def _logged(error: Exception, arguments: Sequence[str]) -> str:
    """Write the traceback to a new file in the platform's folder of temporary files; in words, where."""
    lines = [
        f"{PROGRAM} {shlex.join(arguments)}",
        f"{PROGRAM} {__version__}",
        f"Python {platform.python_version()} on {platform.platform()}",
        *(f"{name} {_version(name)}" for name in _PACKAGES),
        "",
        "".join(traceback.format_exception(error)),
    ]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix=f"{PROGRAM}-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write("\n".join(lines))
    except OSError as trouble:
        return f"Its traceback could not be written ({trouble})."
    return f"Its traceback: {Path(file.name)}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
