"""A document as Markdown: the same tables, and its figures as pictures beside it."""

from pathlib import Path

from smfg_verify.report.formats.document import Document, Picture, Section, Table
from smfg_verify.report.tables.markdown import literal, markdown_table

# What hosts of Markdown show.
_SHOWN = (".svg", ".png")


def markdown_page(document: Document) -> str:
    """The document as Markdown.

    Args:
        document: of a job's results; its texts are data, whatever stands in them.

    Returns:
        The page; what HTML folds, witnesses and counts of searches, is in report.json alone.
    """
    head = f"# {_line(document.title)}\n\n{_line(document.subtitle)}\n"
    return "\n".join([head, *map(_section, document.sections)])


def _section(section: Section) -> str:
    parts = [
        f"## {_line(section.title)}",
        *map(_line, section.sentences),
        *map(_table, section.tables),
        *(shown for shown in map(_picture, section.pictures) if shown),
    ]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    verdict = f" ({_line(table.verdict)})" if table.verdict else ""
    rows = markdown_table(
        [_words(column.name) for column in table.columns], [[_words(cell.text) for cell in row] for row in table.rows]
    )
    caption = f"\n{_line(table.caption)}" if table.caption else ""
    return f"### {_line(table.title)}{verdict}\n\n{rows}{caption}".rstrip("\n")


def _picture(picture: Picture) -> str:
    by_kind = {Path(name).suffix: name for name in picture.files}
    file = next((by_kind[kind] for kind in _SHOWN if kind in by_kind), "")
    return f"![{_line(picture.title)}. {_line(picture.description)}]({file})" if file else ""


def _line(text: str) -> str:
    """A text on a line of its own; a mark that would begin a list or underline a heading is none."""
    words = _words(text)
    return f"\\{words}" if words[:1] in ("-", "+", "=") else words


def _words(text: str) -> str:
    """A text within a line, letter by letter, its spaces and lines joined."""
    return literal(" ".join(text.split()))
