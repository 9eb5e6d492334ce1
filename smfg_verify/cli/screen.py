"""What a command prints its tables on, and how it says which files it wrote."""

import os
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

_PLAIN_WIDTH = 120


def screen() -> Console:
    """Standard output, as wide as COLUMNS says or the terminal is, or of a fixed width where neither is known."""
    console = Console()
    known = console.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    return console if known else Console(width=_PLAIN_WIDTH)


def say_written(paths: Iterable[Path]) -> None:
    """Print the paths of several files."""
    _say(f"Written: {', '.join(map(str, paths))}")


def say_written_to(path: Path) -> None:
    """Print the path of the one file."""
    _say(f"Written to {path}")


def _say(line: str) -> None:
    screen().print(line, soft_wrap=True, markup=False)
