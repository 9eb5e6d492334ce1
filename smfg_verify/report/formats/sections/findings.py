"""Every finding of a check: one table a property, each row with its witness and what was searched."""

from smfg_verify.assumptions import AssumptionReport, Finding, find_property
from smfg_verify.assumptions.summary import constant_words
from smfg_verify.report.formats.document import Cell, Column, Section, Table, slug
from smfg_verify.report.formats.saved import Saved
from smfg_verify.report.formats.sections.details import detail_lines
from smfg_verify.report.formats.sections.pictures import pictures

_COLUMNS = (
    Column("statement", width=0.17),
    Column("verdict", width=0.14),
    Column("constant", numbers=True, width=0.14),
    Column("role", width=0.12),
    Column("meaning", width=0.25),
    Column("evidence", width=0.18),
)
_CAPTION = (
    "role: whether the property stands or falls with the statement (decides), is proved by it and not hurt without it "
    "(sufficient), or only tells more (aside). The witness of each finding, with all its digits, is in report.json."
)


def findings_section(saved: Saved) -> Section | None:
    """A table a property; None where nothing was checked."""
    report = saved.assumptions
    if report is None:
        return None
    tables = tuple(_table(report, name) for name in report.properties)
    return Section("Findings", (_CAPTION,), tables, pictures(saved, "contraction"))


def _table(report: AssumptionReport, name: str) -> Table:
    rows = tuple(_row(finding) for finding in report[name])
    return Table(name, _COLUMNS, rows, identifier=slug(name), verdict=report.verdict(name).value, long=True)


def _row(finding: Finding) -> tuple[Cell, ...]:
    entry, verdict = find_property(finding.property), finding.verdict.value
    role = "sufficient" if finding.statement in entry.sufficient else "aside"
    witness = [f"witness, {line}" for line in detail_lines(finding.witness)]
    searched = [f"looked at, {line}" for line in detail_lines(finding.searched)]
    return (
        Cell(finding.statement),
        Cell(verdict, verdict=verdict),
        Cell(constant_words(finding), value=finding.constant),
        Cell("decides" if entry.decides(finding.statement) else role),
        Cell(finding.meaning),
        Cell(f"{finding.evidence.value}: {finding.method}", more=(*witness, *searched)),
    )
