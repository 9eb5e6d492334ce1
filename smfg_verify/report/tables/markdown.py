"""A table as Markdown, for the documentation."""

import re
from collections.abc import Iterable, Sequence

# What Markdown, or the mathematics and HTML that its hosts read in it, would take for markup.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#~$&]")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A heading and its rows, one line each, the last one ended.

    Args:
        head: the headings, Markdown as the cells are.
        rows: each with one cell a heading; bars within a cell are escaped, and its lines are joined to one.

    Returns:
        The table.

    Raises:
        ValueError: a row has more or fewer cells than the heading, which a reader of Markdown would mend in silence.
    """
    body = [[" ".join(cell.replace("|", r"\|").splitlines()) for cell in line] for line in (head, *rows)]
    for line in body:
        if len(line) != len(head):
            raise ValueError(f"rows: got {len(line)} cells under {len(head)} headings: {line}.")
    return "".join(f"| {' | '.join(line)} |\n" for line in (body[0], ["---"] * len(head), *body[1:]))


def literal(text: str) -> str:
    """A text as Markdown that shows it letter by letter."""
    return _MARKUP.sub(r"\\\g<0>", text)
