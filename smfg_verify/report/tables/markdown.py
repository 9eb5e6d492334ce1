"""A table as Markdown, for the documentation."""

import re
from collections.abc import Iterable, Sequence

# What Markdown, or the mathematics and HTML that its hosts read in it, would take for markup.
_BAR = r"\|"
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
    lines = [markdown_row(head), markdown_row(["---"] * len(head))]
    for cells in rows:
        if len(cells) != len(head):
            raise ValueError(f"rows: got {len(cells)} cells under {len(head)} headings: {cells}.")
        lines.append(markdown_row(cells))
    return "".join(lines)


def markdown_row(cells: Sequence[str]) -> str:
    """One line of a table, ended: what `markdown_table` writes of these cells."""
    return f"| {' | '.join(' '.join(cell.replace('|', _BAR).splitlines()) for cell in cells)} |\n"


def literal(text: str) -> str:
    """A text as Markdown that shows it letter by letter."""
    return _MARKUP.sub(r"\\\g<0>", text)
