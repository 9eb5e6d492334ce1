"""A document as LaTeX that a paper can \\input: booktabs tables and its figures."""

import re
import unicodedata
from pathlib import Path

from smfg_verify.report.figures.widths import INCHES
from smfg_verify.report.formats.document import Document, Picture, Table, slug
from smfg_verify.report.formats.templates import template

_LESS, _GREATER = r"\ensuremath{\le}", r"\ensuremath{\ge}"
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_\allowbreak{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # Active in some languages of babel.
    '"': r"\char34{}",
    "`": r"\char96{}",
    "/": r"/\allowbreak{}",
    "\u2212": r"\ensuremath{-}",
    "<=": _LESS,
    ">=": _GREATER,
    "\u2264": _LESS,
    "\u2265": _GREATER,
    "\u2026": r"\ldots{}",
    "\u2013": r"\textendash{}",
    "\u2014": r"\textemdash{}",
}
# Two of them would be set as one mark.
_JOINING = frozenset("-,'")
# Relations are two letters, everything else is one.
_PARTS = re.compile("<=|>=|.", re.DOTALL)
# Letters of Latin-1 that every LaTeX of the last years reads as they stand.
_READ_AS_THEY_STAND = range(0xC0, 0x180)
_BESIDES = (0xD7, 0xF7, 0x13F, 0x140, 0x149, 0x166, 0x167, 0x126, 0x127, 0x138, 0x17F)
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


def escaped(text: str) -> str:
    """A text as LaTeX prints it; what its fonts lack is named by its number, and no two letters become a third."""
    parts = _PARTS.findall(text)
    return "".join(map(_part, ["", *parts[:-1]], parts))


def _part(before: str, letter: str) -> str:
    if letter in _JOINING:
        return f"{{}}{letter}" if letter == before else letter
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if letter.isspace():
        return " "
    point = ord(letter)
    if 0x20 <= point < 0x7F or (point in _READ_AS_THEY_STAND and point not in _BESIDES):
        return letter
    return _greek(letter) or f"[U+{point:04X}]"


_SMALL = tuple("αβγδεζηθικλμνξπρστυφχψω")
_CAPITAL = tuple("ΓΔΘΛΞΠΣΥΦΨΩ")


def _greek(letter: str) -> str:
    """A Greek letter by its name, where LaTeX has a command for it; empty otherwise."""
    if letter not in _SMALL + _CAPITAL:
        return ""
    name = unicodedata.name(letter).rpartition(" ")[2].replace("LAMDA", "LAMBDA")
    return rf"\ensuremath{{\{name.lower() if letter in _SMALL else name.capitalize()}}}"


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
