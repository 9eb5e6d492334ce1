"""Tables for the screen, built from records; nothing is computed here."""

from collections.abc import Mapping

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.assumptions import AssumptionReport, Finding, Verdict, find_property
from smfg_verify.assumptions.summary import constant_words
from smfg_verify.records.entries import Entries
from smfg_verify.report.tables.layout import brief, brief_table

_VERDICT_STYLES = {
    Verdict.CERTIFIED: "green",
    Verdict.SUPPORTED: "cyan",
    Verdict.REFUTED: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
}


def findings_tables(report: AssumptionReport) -> Group:
    """Every finding: verdict, constant and side, what it means, how it was found, how much was looked at."""
    table = brief_table("Assumptions", "statement", "verdict", "constant", "meaning and method", numbers=["constant"])
    previous = None
    for finding in report.findings:
        if finding.property != previous:
            table.add_row(Text(finding.property, style="bold"), verdict_text(report.verdict(finding.property)))
            previous = finding.property
        decides = find_property(finding.property).decides(finding.statement)
        name = Text(f"  {finding.statement}", style="" if decides else "dim")
        table.add_row(name, verdict_text(finding.verdict), Text(constant_words(finding)), _explained(finding))
    return Group(table, *_searched_tables(report))


def verdict_text(verdict: Verdict) -> Text:
    """A verdict in its colour."""
    return Text(verdict.value, style=_VERDICT_STYLES[verdict])


def _explained(finding: Finding) -> Text:
    text = Text(finding.meaning)
    text.append(f"\n{finding.evidence.value}: {finding.method}", style="dim")
    return text


def _searched_tables(report: AssumptionReport) -> list[Table]:
    """How much was searched and what failed, once for statements that share one search."""
    shared: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if _counts(finding.searched):
            shared.setdefault(_counts(finding.searched), []).append(finding)
    if not shared:
        return []
    table = brief_table("Searched", "statements", "what was looked at")
    for counts, findings in shared.items():
        names: dict[str, list[str]] = {}
        for finding in findings:
            names.setdefault(finding.property, []).append(finding.statement)
        about = "\n".join(f"{name}: {', '.join(statements)}" for name, statements in names.items())
        table.add_row(Text(about), Text(counts, style="dim"))
    return [table]


def _counts(searched: Entries) -> str:
    """What was searched, in one line."""
    parts = []
    for name, value in searched.items():
        text = f"({_counts(value)})" if isinstance(value, Mapping) else brief(value)
        if text:
            parts.append(f"{name.replace('_', ' ')} {text}")
    return ", ".join(parts)
