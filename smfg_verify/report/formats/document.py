"""A document that knows no format: sections of sentences, tables and figures."""

import dataclasses
import math
import re

_ROWS_OF_A_PAGE = 30


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: as read.
        value: what the row is sorted by where the text is a number; NaN where the number is missing.
        verdict: its name, where the text is one.
        more: lines that are read only on demand.
        target: identifier of the place in the document that it leads to.
    """

    text: str
    value: float | None = None
    verdict: str = ""
    more: tuple[str, ...] = ()
    target: str = ""

    @property
    def sorts_by(self) -> str:
        """The number it is sorted by, as text; empty where it has none."""
        return "" if self.value is None or math.isnan(self.value) else repr(float(self.value))


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: its heading, whether its cells are numbers, and the share of a page's width that it needs."""

    name: str
    numbers: bool = False
    width: float = 1.0


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, the first cell of a row being its name.

    Attributes:
        title: above it.
        columns: their headings.
        rows: each with one cell a column.
        caption: what has to be known to read it.
        identifier: of its place in the document.
        verdict: of all of it, shown beside the title.
        long: it may need more than a page, as many rows or many words in each do.
        ordered: its rows have an order of their own, which no reader wants changed.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    identifier: str = ""
    verdict: str = ""
    long: bool = False
    ordered: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "long", self.long or len(self.rows) > _ROWS_OF_A_PAGE)
        widths = {len(row) for row in self.rows}
        assert widths <= {len(self.columns)}, f"{self.title}: rows of {widths} cells under {len(self.columns)} headings"


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure: the stem of its files' names, what it is called and shows, and its SVG where there is one."""

    name: str
    title: str
    description: str
    svg: str = ""
    files: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Section:
    """A section: sentences, then tables and pictures."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def identifier(self) -> str:
        """Its place in the document."""
        return slug(self.title)


@dataclasses.dataclass(frozen=True)
class Document:
    """What it is about, a title, a sentence below it, and sections."""

    name: str
    title: str
    subtitle: str
    sections: tuple[Section, ...]


def pairs(title: str, rows: dict[str, str], heads: tuple[str, str] = ("what", "value")) -> Table:
    """A table of names and values, in their order."""
    cells = tuple((Cell(name), Cell(value)) for name, value in rows.items())
    columns = (Column(heads[0], width=0.3), Column(heads[1], width=0.7))
    return Table(title, columns, cells, identifier=slug(title), ordered=True)


def slug(text: str) -> str:
    """A text as an identifier: its letters and digits in lower case, joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"
