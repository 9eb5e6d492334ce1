"""Docstrings as Markdown, which they are written in: what stands before their sections, and links within the site."""

import inspect
import re

_SECTIONS = re.compile(r"^(Args|Attributes|Returns|Raises|Source|Examples):", re.MULTILINE)
_FORMULA = re.compile(r"\s*\$\$\s*(.+?)\s*\$\$\s*", re.DOTALL)


def described(value: object) -> str:
    """A docstring up to its first section, with each displayed formula a paragraph of its own."""
    text = _SECTIONS.split(inspect.getdoc(value) or "")[0].strip()
    return _FORMULA.sub(lambda found: f"\n\n$$ {' '.join(found[1].split())} $$\n\n", text)
