"""Pages as they are read: a title for tables that commands wrote, and no pattern of an index that matches nothing."""

import re
from pathlib import Path

from sphinx.application import Sphinx

FOLDER = "data/"
_TOCTREE = re.compile(r"(?<=```{toctree}\n).*?(?=```)", re.DOTALL)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    if name.startswith(FOLDER):
        source[0] = f"# {title(name)}\n\n{source[0]}"
    source[0] = _TOCTREE.sub(lambda found: without_empty_patterns(found[0], Path(app.srcdir)), source[0])


def title(name: str) -> str:
    """The title of such a page, out of the name of its file."""
    return name.removeprefix(FOLDER).replace("-", " ").capitalize()


def without_empty_patterns(entries: str, folder: Path) -> str:
    """The lines of a list of pages without patterns that no page matches: a folder of pages may be empty."""
    kept = [line for line in entries.splitlines() if "*" not in line or any(folder.glob(f"{line}.md"))]
    return "".join(f"{line}\n" for line in kept)


def setup(app: Sphinx) -> None:
    app.connect("source-read", _read)
