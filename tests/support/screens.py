"""What a reader sees: the text of anything that rich prints, and the cells of its tables."""

import io

from rich.console import Console, Group
from rich.table import Table


def printed(shown, width=250) -> str:
    """As printed, in one line with single spaces."""
    console = Console(width=width, file=io.StringIO())
    console.print(shown)
    return " ".join(console.file.getvalue().split())


def tables_in(shown) -> list[Table]:
    """The tables of a group, in order."""
    parts = shown.renderables if isinstance(shown, Group) else [shown]
    return [table for part in parts for table in (tables_in(part) if isinstance(part, Group) else [part])]


def titled(shown, beginning) -> Table:
    """The table of a group whose title begins so."""
    (found,) = [each for each in tables_in(shown) if isinstance(each, Table) and str(each.title).startswith(beginning)]
    return found


def heads(table) -> list[str]:
    return [str(column.header) for column in table.columns]


def cells(table) -> list[tuple[str, ...]]:
    """Rows of texts, as they were given."""
    return list(zip(*(map(str, column.cells) for column in table.columns), strict=True))


def pairs(table) -> dict[str, str]:
    """A table of names and values."""
    return dict(cells(table))
