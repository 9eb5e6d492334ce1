"""What every command that computes begins with: its arithmetic, and the compiled programs that earlier ones left."""

import os
import sys
from pathlib import Path

from smfg_verify.cli.endings import PROGRAM, say_aside
from smfg_verify.cli.options import ProgramOptions

# A folder in place of the user's own, or the word for none.
CACHE_VARIABLE, NO_CACHE = "SMFG_VERIFY_CACHE", "off"


def prepare(options: ProgramOptions) -> None:
    """Switch JAX to double precision before a command makes its first array, and keep what is compiled."""
    import jax

    from smfg_verify.game.programs.kept_programs import keep_programs
    from smfg_verify.game.programs.program_store import ProgramStore

    jax.config.update("jax_enable_x64", True)
    folder = None if options.no_cache else programs_folder()
    keep_programs(None if folder is None else ProgramStore(folder, trouble=_say_trouble))


def leave() -> None:
    """Keep programs no more: who called a command from Python gets the package as it was."""
    kept = sys.modules.get("smfg_verify.game.programs.kept_programs")
    if kept is not None:
        kept.keep_programs(None)


def programs_folder() -> Path | None:
    """Where compiled programs are kept; None where they are not to be, or where no home is known."""
    given = os.environ.get(CACHE_VARIABLE, "")
    if given.lower() == NO_CACHE:
        return None
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    found = user_cache_path(PROGRAM, appauthor=False)
    return found / "programs" if found.is_absolute() else None


def _say_trouble(line: str) -> None:
    say_aside(f"{line} (--no-cache, or {CACHE_VARIABLE}={NO_CACHE}, asks for none)")
