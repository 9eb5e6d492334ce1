"""A report in one screen: for each property its verdict, what decides it, what that means, and what could change it."""

import re
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from smfg_verify.assumptions import AssumptionReport, Finding, Verdict, property_names
from smfg_verify.assumptions.outlook import could_change
from smfg_verify.bounds import BoundReport
from smfg_verify.report.tables.bounds import rate_verdict_text, slope_text
from smfg_verify.report.tables.findings import constant_text, verdict_text
from smfg_verify.report.tables.layout import brief_table

_INDENT = (0, 0, 0, 4)
# A full stop, and a sentence after it.
_END = re.compile(r"(?<=[^.]{3}\.) (?=[A-Z<|])")


def summary_table(report: AssumptionReport) -> Group:
    """One row a property: name, verdict, deciding statement and constant; under it the meaning and the outlook."""
    width = max(len("property"), *(len(name) for name in report.properties)) if report.properties else 0
    rows: list[RenderableType] = [_row(Text("property"), Text("verdict"), Text("decided by"), width)]
    for name in report.properties:
        rows.extend(_property(report, name, width))
    return Group(*rows)


def _property(report: AssumptionReport, name: str, width: int) -> Iterable[RenderableType]:
    verdict, deciding = report.verdict(name), report.deciding(name)
    yield _row(Text(name, style="bold"), verdict_text(verdict), _decided_by(deciding), width)
    if deciding:
        yield Padding(Text(first_sentence(deciding[0].meaning)), _INDENT)
    if verdict is not Verdict.CERTIFIED:
        yield Padding(Text(f"Could change: {could_change(name, verdict)}.", style="dim"), _INDENT)


def _row(name: Text, verdict: Text, decided: Text, width: int) -> Text:
    name.pad_right(width - len(name.plain) + 2)
    verdict.pad_right(max(len(each.value) for each in Verdict) - len(verdict.plain) + 2)
    return Text.assemble(name, verdict, decided)


def _decided_by(deciding: tuple[Finding, ...]) -> Text:
    if not deciding:
        return Text("no statement")
    more = f", and {len(deciding) - 1} more" if len(deciding) > 1 else ""
    return Text.assemble(f"{deciding[0].statement}: ", constant_text(deciding[0]), more)


def first_sentence(text: str) -> str:
    """The first sentence, marked where more follow."""
    first, *rest = _END.split(text, maxsplit=1)
    return f"{first} [...]" if rest else first


def refuted_line(report: AssumptionReport) -> str:
    """Which properties are refuted, out of how many, and how many were not looked at."""
    names = [name for name in report.properties if report.verdict(name) is Verdict.REFUTED]
    checked, known = len(report.properties), len(property_names())
    rest = f", {known - checked} not checked" if checked < known else ""
    return (
        f"Refuted: {', '.join(names)}: {len(names)} of {checked} checked{rest}"
        if names
        else (f"Refuted: none of {checked} checked{rest}")
    )


def rates_summary(report: BoundReport) -> Table:
    """One row a residual: its slope against the claimed -1/2, and the verdict."""
    title = f"Slopes of {report.num_seeds} seeds' means, claimed -1/2"
    table = brief_table(title, "residual", "slope [interval]", "verdict", numbers=["slope [interval]"])
    for row in report.rows:
        table.add_row(Text(row.name), slope_text(row), rate_verdict_text(row))
    return table
