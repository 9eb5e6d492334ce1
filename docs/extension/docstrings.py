"""Docstrings, written in Markdown's code and formulas, in the markup that autodoc reads."""

import re

from sphinx.application import Sphinx

_TOKENS = re.compile(
    r"\$\$(?P<block>.+?)\$\$|\$(?P<formula>[^$]+)\$|(?P<code>`+[^`]+`+)|(?P<special>[*|\\_])",
    re.DOTALL,
)
_SOURCE = re.compile(r"^Source: ", re.MULTILINE)
# "Returns:" and its lines: napoleon would take what stands before a colon there for a type.
_RETURNS = re.compile(r"^Returns:\n((?: {4}.*\n?|\n)+)", re.MULTILINE)
# Names of parameters over several lines, "a, b,\n c: what they are".
_NAMES_GO_ON = re.compile(r"^( +)((?:\w+, )*\w+,)\n\1(?=(?:\w+, )*\w+[,:])", re.MULTILINE)


def converted(lines: list[str]) -> list[str]:
    """A docstring with code as literals, formulas as math, and no other sign taken for markup; examples stay."""
    found: list[str] = []
    for is_example, part in _parts(lines):
        found += part if is_example else _words("\n".join(part)).split("\n")
    return found


def _parts(lines: list[str]) -> list[tuple[bool, list[str]]]:
    """Runs of lines that are, or are not, an example of the interpreter, which ends with an empty line."""
    parts: list[tuple[bool, list[str]]] = []
    inside = False
    for line in lines:
        inside = line.lstrip().startswith(">>> ") or (inside and bool(line.strip()))
        if not parts or parts[-1][0] != inside:
            parts.append((inside, []))
        parts[-1][1].append(line)
    return parts


def _words(text: str) -> str:
    marked = _SOURCE.sub("**Source:** ", _TOKENS.sub(lambda found: _token(found, text), text))
    while (joined := _NAMES_GO_ON.sub(r"\1\2 ", marked)) != marked:
        marked = joined
    return _RETURNS.sub(lambda found: f":returns: {found[1].strip()}\n\n", marked)


def _token(found: re.Match[str], text: str) -> str:
    if found["block"]:
        indent = re.search(r"[^\n]*$", text[: found.start()])
        margin = " " * (len(indent[0]) - len(indent[0].lstrip()) if indent else 0)
        return f"\n\n{margin}.. math::\n\n{margin}   {' '.join(found['block'].split())}\n\n{margin}"
    if found["formula"]:
        return f":math:`{' '.join(found['formula'].split())}`"
    if found["code"]:
        return f"``{' '.join(found['code'].strip('`').split())}``"
    return f"\\{found['special']}"


def _convert(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    if what == "property":
        # Napoleon would take what stands before a colon in its first line for a type.
        _PROPERTIES[name], lines[:] = converted(lines), []
    else:
        lines[:] = converted(lines)


def _put_back(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    lines[:] = _PROPERTIES.pop(name, lines)


_PROPERTIES: dict[str, list[str]] = {}


def setup(app: Sphinx) -> None:
    # Before and after napoleon, which makes fields of the sections.
    app.connect("autodoc-process-docstring", _convert, priority=100)
    app.connect("autodoc-process-docstring", _put_back, priority=900)
