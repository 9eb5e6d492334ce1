"""The look that all tables share."""

from collections.abc import Iterable, Mapping
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

# Rows of states and labels that a table shows.
SHOWN_ROWS = 12


def brief_table(title: str, *columns: str, numbers: Iterable[str] = (), unbroken: str = "") -> Table:
    """An empty table of the house's look: columns in `numbers` are flush right, the `unbroken` one is never folded."""
    numbers = set(numbers)
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        side: Literal["left", "right"] = "right" if column in numbers else "left"
        table.add_column(Text(column), justify=side, overflow="fold", no_wrap=bool(unbroken) and column == unbroken)
    return table


def pairs_table(title: str, rows: Mapping[str, str]) -> Table:
    """Names and values, one pair a row."""
    table = brief_table(title, "", "")
    table.show_header = False
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    return table


def brief(value: object) -> str:
    """A value in one line, cut where it is long."""
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]} ... ({len(text)} characters)"
