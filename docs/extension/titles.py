"""Pages as they are read: titles for tables that commands wrote, no empty pattern in an index, links that hold here."""

import re
from pathlib import Path

from sphinx.application import Sphinx

FOLDER = "data/"
_TOCTREE = re.compile(r"(?<=```{toctree}\n).*?(?=```)", re.DOTALL)
# Pages above this folder, and where the site has them.
_ABOVE = {"CHANGELOG.md": "/changelog.md", "CONTRIBUTING.md": "/contributing.md", "README.md": "/index.md"}
_LINK_ABOVE = re.compile(rf"\]\((?:\.\./)+({'|'.join(map(re.escape, _ABOVE))})(?:#[^)]*)?\)")


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    if name.startswith(FOLDER):
        source[0] = f"# {title(name)}\n\n{source[0]}"
    source[0] = within_the_site(source[0])
    source[0] = _TOCTREE.sub(lambda found: without_empty_patterns(found[0], Path(app.srcdir)), source[0])


def title(name: str) -> str:
    """The title of such a page, out of the name of its file."""
    return name.removeprefix(FOLDER).replace("-", " ").capitalize()


def within_the_site(text: str) -> str:
    """A page whose links to pages above this folder lead to where the site has these."""
    return _LINK_ABOVE.sub(lambda found: f"]({_ABOVE[found[1]]})", text)


def without_empty_patterns(entries: str, folder: Path) -> str:
    """The lines of a list of pages without patterns that no page matches: a folder of pages may be empty."""
    kept = [line for line in entries.splitlines() if "*" not in line or any(folder.glob(f"{line}.md"))]
    return "".join(f"{line}\n" for line in kept)


def setup(app: Sphinx) -> None:
    app.connect("source-read", _read)
