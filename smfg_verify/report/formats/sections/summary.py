"""The first section: one row a property, what fell, what was not looked at."""

from smfg_verify.assumptions import AssumptionReport, property_names
from smfg_verify.assumptions.summary import constant_words
from smfg_verify.report.formats.document import Cell, Column, Section, Table, slug
from smfg_verify.report.formats.saved import Saved

_COLUMNS = (
    Column("property", width=0.17),
    Column("verdict", width=0.14),
    Column("decided by", width=0.14),
    Column("constant", numbers=True, width=0.16),
    Column("what it means here", width=0.39),
)


def summary_section(saved: Saved) -> Section:
    """One row a property: verdict, the statement that decides with its constant, what it means for this game."""
    tables = () if saved.assumptions is None else (_table(saved.assumptions),)
    return Section("Summary", tuple(_sentences(saved)), tables)


def _sentences(saved: Saved) -> list[str]:
    summary, said = saved.record["summary"], []
    if saved.assumptions is not None:
        unchecked = [name for name in property_names() if name not in saved.assumptions.properties]
        checked = f"{len(saved.assumptions.properties)} of {len(property_names())} properties checked"
        said.append(f"Refuted: {', '.join(summary['refuted']) or 'none'}; {checked}.")
        said += [f"Not checked: {', '.join(unchecked)}."] if unchecked else []
    if saved.bounds is not None:
        said.append(f"Slower than claimed: {', '.join(summary['slower']) or 'none'}; {_judged(saved)}.")
    said += [f"Warning: {warning}" for warning in saved.record["warnings"]]
    said += [f"Missing beside report.json, which names it: {name}." for name in saved.missing]
    return said


def _judged(saved: Saved) -> str:
    rows = saved.bounds.rows if saved.bounds is not None else ()
    verdicts = [row.verdict.value for row in rows]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    return f"rates of {len(rows)} rows: {counts}"


def _table(report: AssumptionReport) -> Table:
    rows = tuple(_row(report, name) for name in report.properties)
    caption = (
        "Constant and meaning are those of the statement in the third column, the first that the verdict rests on; the "
        "constant is rounded to its safe side. Certified rests on a proof, supported on a search that found nothing "
        "against it, and refuted has a witness that anyone can repeat."
    )
    return Table("Properties", _COLUMNS, rows, caption, identifier="properties")


def _row(report: AssumptionReport, name: str) -> tuple[Cell, ...]:
    verdict, (finding, *alike) = report.verdict(name).value, report.deciding(name)
    others = f" and {len(alike)} more" if alike else ""
    return (
        Cell(name, target=slug(name)),
        Cell(verdict, verdict=verdict),
        Cell(f"{finding.statement}{others}"),
        Cell(constant_words(finding), value=finding.constant),
        Cell(finding.meaning),
    )
