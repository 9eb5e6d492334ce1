"""A report in one screen, in colours; see `smfg_verify.assumptions.summary`."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from smfg_verify.assumptions import AssumptionReport, Verdict
from smfg_verify.assumptions.summary import SummaryRow, summary_rows
from smfg_verify.bounds import BoundReport
from smfg_verify.report.tables.bounds import rate_verdict_text
from smfg_verify.report.tables.findings import verdict_text
from smfg_verify.report.tables.layout import brief_table

_INDENT = (0, 0, 0, 4)


def summary_table(report: AssumptionReport) -> Group:
    """One row a property: name, verdict, deciding statement and constant; under it the meaning and the outlook."""
    rows = summary_rows(report)
    width = max((len(row.name) for row in rows), default=0)
    lines: list[RenderableType] = [_line(Text("property"), Text("verdict"), "decided by", width)]
    for row in rows:
        lines.extend(_property(row, width))
    return Group(*lines)


def _property(row: SummaryRow, width: int) -> Iterable[RenderableType]:
    yield _line(Text(row.name, style="bold"), verdict_text(row.verdict), row.decided_by, width)
    yield Padding(Text(row.meaning), _INDENT)
    if row.outlook:
        yield Padding(Text(row.outlook, style="dim"), _INDENT)


def _line(name: Text, verdict: Text, decided: str, width: int) -> Text:
    name.pad_right(max(width - len(name.plain), 0) + 2)
    verdict.pad_right(max(len(each.value) for each in Verdict) - len(verdict.plain) + 2)
    return Text.assemble(name, verdict, decided)


def rates_summary(report: BoundReport) -> Table:
    """One row a residual: its slope against the claimed -1/2, and the verdict."""
    title = f"Slopes of {report.num_seeds} seeds' means, claimed -1/2"
    table = brief_table(title, "residual", "slope [interval]", "verdict", numbers=["slope [interval]"])
    for row in report.rows:
        table.add_row(Text(row.name), row.slope_in_words, rate_verdict_text(row))
    return table
