"""A document as LaTeX that a paper can \\input: booktabs tables and its figures."""

import re
from pathlib import Path

from smfg_verify.records.latex_text import escaped
from smfg_verify.report.figures.widths import INCHES
from smfg_verify.report.formats.document import Document, Picture, Table, slug
from smfg_verify.report.formats.templates import template

# What LaTeX takes without a figure of its own: vector graphics before pixels.
_INCLUDED = (".pdf", ".png")
_POINTS_AN_INCH = 72.0
# Figures up to so wide stand in one column of two.
_ONE_COLUMN = 1.1 * INCHES["one"]


def latex_fragment(document: Document) -> str:
    r"""The document as a fragment for \input.

    Args:
        document: of a job's results; its texts are data, whatever stands in them.

    Returns:
        Floats of the tables and figures, long tables for the findings; the packages they need stand in a comment on
        top. The fragment has neither a class nor a style of its own.
    """
    tables = [table for section in document.sections for table in section.tables]
    pictures = [picture for section in document.sections for picture in section.pictures]
    return template("report.tex").render(
        title=escaped(document.title),
        subtitle=escaped(document.subtitle),
        label=slug(document.name),
        tables=tables,
        pictures=[(picture, file, *_place(picture)) for picture in pictures if (file := _included(picture))],
        escaped=escaped,
        columns=_columns,
    )


def _columns(table: Table) -> str:
    """Columns that fill the line together, each with its share; text is set ragged."""
    total = sum(column.width for column in table.columns)
    sides = ((column, r"\raggedleft" if column.numbers else r"\raggedright") for column in table.columns)
    return "".join(
        rf">{{{side}\arraybackslash}}p{{\dimexpr {column.width / total:.4f}\linewidth-2\tabcolsep\relax}}"
        for column, side in sides
    )


def _place(picture: Picture) -> tuple[str, str]:
    """Inches of a figure, which it is never enlarged beyond, and the float that it goes in: of a column or a page."""
    points = re.search(r'<svg[^>]*\swidth="([\d.]+)pt"', picture.svg)
    inches = float(points[1]) / _POINTS_AN_INCH if points else INCHES["two"]
    return f"{inches:.2f}", "figure" if inches <= _ONE_COLUMN else "figure*"


def _included(picture: Picture) -> str:
    """The file of a figure that LaTeX can include; empty where there is none."""
    by_kind = {Path(name).suffix: name for name in picture.files}
    return next((by_kind[kind] for kind in _INCLUDED if kind in by_kind), "")
