"""A table as Markdown, for the documentation."""

from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A heading and its rows, one line each, the last one ended; bars within a cell are escaped."""
    body = [[cell.replace("|", r"\|") for cell in line] for line in (head, *rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (body[0], ["---"] * len(head), *body[1:]))
