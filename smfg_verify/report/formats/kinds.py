"""The formats of a document, and the file that each goes to; importing this loads nothing else."""

from typing import Literal

Format = Literal["html", "latex", "markdown", "json"]

# Where a format goes if nothing else is said; JSON is in report.json already and is printed.
FILES: dict[Format, str] = {"html": "report.html", "latex": "report.tex", "markdown": "report.md"}
