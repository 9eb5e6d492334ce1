"""Cases that were run: tables for the screen, and Markdown for the documentation."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.cases import CaseOutcome, CaseRecord, CaseVerdict, Kind
from smfg_verify.report.tables.layout import brief_table
from smfg_verify.report.tables.markdown import markdown_table

_STYLES = {CaseVerdict.HOLDS: "green", CaseVerdict.FAILS: "bold red", CaseVerdict.INCONCLUSIVE: "yellow"}
_RELATIONS = {Kind.UPPER_BOUND: "<=", Kind.LOWER_BOUND: ">=", Kind.EQUALITY: "=", Kind.RATE: "=", Kind.FAILURE: "="}
_COLUMNS = ("name", "measured", "predicted", "kind", "verdict")


def cases_tables(outcomes: Sequence[CaseOutcome]) -> Group:
    """What each case says, then what was measured and predicted, how they must stand, and whether they do."""
    return Group(_statements(outcomes), _numbers(outcomes))


def _statements(outcomes: Sequence[CaseOutcome]) -> Table:
    table = brief_table("What the cases say", "name", "statement, and what was looked at", unbroken="name")
    for outcome in outcomes:
        about = Text(outcome.case.statement)
        about.append(f"\n{outcome.record.looked_at}; {outcome.version}, {outcome.seconds:.1f} s", style="dim")
        if outcome.record.reason:
            about.append(f"\n{outcome.verdict}: {outcome.record.reason}", style=_STYLES[outcome.verdict])
        table.add_row(Text(outcome.case.name), about)
    return table


def _numbers(outcomes: Sequence[CaseOutcome]) -> Table:
    table = brief_table("Cases", *_COLUMNS, unbroken="name")
    for outcome in outcomes:
        *cells, verdict = _cells(outcome)
        table.add_row(*map(Text, cells), Text(verdict, style=_STYLES[outcome.verdict]))
    table.caption = Text(
        "[l, u]: confidence interval, 99%, where something is random; +-: what is granted, for the reason in "
        "cases.json. A verdict follows from these numbers, that of a failure also from its hypothesis having failed."
    )
    table.caption_justify = "left"
    return table


def cases_markdown(outcomes: Sequence[CaseOutcome]) -> str:
    """The table of numbers, then each case with statement, formula, source and what was looked at, as Markdown."""
    table = markdown_table(_COLUMNS, map(_cells, outcomes)).rstrip()
    return "\n\n".join([table, *map(_section, outcomes)]) + "\n"


def _section(outcome: CaseOutcome) -> str:
    case, record = outcome.case, outcome.record
    details = "; ".join(f"{name.replace('_', ' ')} {value:.5g}" for name, value in record.details.items())
    rows = {
        "Source": case.source,
        "Looked at": f"{record.looked_at} ({outcome.version})",
        "Granted": f"{record.error:.2g}: {record.error_source}",
        "Further numbers": details,
    }
    said = "\n".join(f"- {name}: {text}" for name, text in rows.items() if text)
    return f"### {case.name}\n\n{case.statement}\n\n$$ {case.formula} $$\n\n{said}"


def _cells(outcome: CaseOutcome) -> tuple[str, str, str, str, str]:
    record = outcome.record
    return outcome.case.name, _measured(record), _predicted(record), str(record.kind), str(outcome.verdict)


def _measured(record: CaseRecord) -> str:
    interval = "" if record.interval is None else f" [{record.lower:.4g}, {record.upper:.4g}]"
    return f"{record.measured:.6g}{interval}"


def _predicted(record: CaseRecord) -> str:
    relation = "<=" if record.at_most else _RELATIONS[record.kind]
    granted = f" +- {record.error:.1e}" if record.error else ""
    return f"{relation} {record.predicted:.6g}{granted}"
