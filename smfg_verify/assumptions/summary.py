"""A report in brief: for each property its verdict, what that rests on, what it means, and what could change it."""

import dataclasses
import math
import re
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from smfg_verify.assumptions.finding import Finding, Side, Verdict
from smfg_verify.assumptions.game_class import class_line
from smfg_verify.assumptions.outlook import could_change
from smfg_verify.assumptions.properties import property_names
from smfg_verify.numerals import at_least, at_most

if TYPE_CHECKING:
    from smfg_verify.assumptions.report import AssumptionReport  # which stands on this module

_SIDES = {Side.EXACT: "=", Side.UPPER: "<=", Side.LOWER: ">="}
_ROUNDED: dict[Side, Callable[[float], float]] = {Side.EXACT: float, Side.UPPER: at_most, Side.LOWER: at_least}
# A full stop, and a sentence after it.
_END = re.compile(r"(?<=[^.]{3}\.) (?=[A-Z<|])")
_WIDTH = 80


@dataclasses.dataclass(frozen=True)
class SummaryRow:
    """One property in brief.

    Attributes:
        name: of the property.
        verdict: of the property.
        decided_by: the statement that the verdict rests on, with its constant, and how many more there are.
        meaning: the first sentence of what that means for the game.
        outlook: what could change the verdict; empty where it is certified.
    """

    name: str
    verdict: Verdict
    decided_by: str
    meaning: str
    outlook: str


def summary_rows(report: "AssumptionReport") -> tuple[SummaryRow, ...]:
    """One row a property, in the order of the report."""
    return tuple(_row(report, name) for name in report.properties)


def _row(report: "AssumptionReport", name: str) -> SummaryRow:
    verdict, deciding = report.verdict(name), report.deciding(name)
    outlook = "" if verdict is Verdict.CERTIFIED else f"Could change: {could_change(name, verdict)}."
    return SummaryRow(name, verdict, _decided_by(deciding), first_sentence(deciding[0].meaning), outlook)


def _decided_by(deciding: tuple[Finding, ...]) -> str:
    more = f", and {len(deciding) - 1} more" if len(deciding) > 1 else ""
    return f"{deciding[0].statement}: {constant_words(deciding[0])}{more}"


def constant_words(finding: Finding) -> str:
    """How the true constant stands to the finding's, which is rounded to its safe side."""
    if not math.isfinite(finding.constant):
        return "none"
    return f"true {_SIDES[finding.side]} {_ROUNDED[finding.side](finding.constant):.5g}"


def first_sentence(text: str) -> str:
    """The first sentence, marked where more follow."""
    first, *rest = _END.split(text, maxsplit=1)
    return f"{first} [...]" if rest else first


def refuted_line(report: "AssumptionReport") -> str:
    """Which properties are refuted, out of how many, and how many were not looked at."""
    names = [name for name in report.properties if report.verdict(name) is Verdict.REFUTED]
    checked, known = len(report.properties), len(property_names())
    rest = f", {known - checked} not checked" if checked < known else ""
    if not names:
        return f"Refuted: none of {checked} checked{rest}"
    return f"Refuted: {', '.join(names)}: {len(names)} of {checked} checked{rest}"


def summary_text(report: "AssumptionReport") -> str:
    """The report in brief as plain text of 80 columns."""
    rows = summary_rows(report)
    width = max((len(row.name) for row in rows), default=0)
    lines = []
    for row in rows:
        lines.append(f"{row.name:{width}}  {row.verdict.value:14}  {row.decided_by}")
        for text in filter(None, (row.meaning, row.outlook)):
            lines += textwrap.wrap(text, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)
    lines += textwrap.wrap(class_line(report), _WIDTH, subsequent_indent=" " * 4)
    return "\n".join([*lines, refuted_line(report)])
