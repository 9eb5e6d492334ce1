"""A plain text as LaTeX that prints it letter by letter, whatever stands in it."""

import re
import unicodedata

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
