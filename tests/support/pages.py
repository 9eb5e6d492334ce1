"""The pages that are written by hand, and the blocks of code in them."""

import re
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

from tests.support.locks import ROOT

DOCS = ROOT / "docs"
# What the site is built into, and what it writes first.
_MADE = (DOCS / "_build", DOCS / "generated")


def is_made(path: Path) -> bool:
    """Whether a path is among what a build of the site writes."""
    return any(path.is_relative_to(made) for made in _MADE)


PAGES = sorted(page for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")] if not is_made(page))


def page_name(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


class Fence(NamedTuple):
    """A block of code: its language, its text, and the number of its first line in the page."""

    language: str
    text: str
    line: int


def fences(text: str) -> list[Fence]:
    """The blocks of code in a text, without directives of the site such as {toctree}."""
    found = [token for token in MarkdownIt().parse(text) if token.type in ("fence", "code_block")]
    blocks = [Fence(token.info.strip(), token.content, (token.map or [0])[0] + 1) for token in found]
    return [block for block in blocks if not block.language.startswith("{")]


def toctree_entries(index: str) -> list[str]:
    """Names and patterns of pages that an index lists."""
    trees = re.findall(r"```\{toctree\}\n(.*?)```", index, flags=re.DOTALL)
    return [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
