"""The first section: one row a property, what fell, what was not looked at."""

from smfg_verify.assumptions import AssumptionReport, property_names
from smfg_verify.assumptions.game_class import class_line
from smfg_verify.assumptions.outlook import could_change
from smfg_verify.assumptions.summary import constant_words, refuted_line
from smfg_verify.bounds import BoundReport
from smfg_verify.jobs.pipeline import judged_rows
from smfg_verify.report.formats.document import Cell, Column, Section, Table, slug
from smfg_verify.report.formats.saved import Saved

_COLUMNS = (
    Column("property", width=0.15),
    Column("verdict", width=0.14),
    Column("decided by", width=0.13),
    Column("constant", numbers=True, width=0.14),
    Column("what it means here", width=0.27),
    Column("what could change it", width=0.17),
)


def summary_section(saved: Saved) -> Section:
    """One row a property: verdict, what decides with its constant, what that means, what could change it."""
    tables = () if saved.assumptions is None else (_table(saved.assumptions),)
    return Section("Summary", tuple(_sentences(saved)), tables)


def _sentences(saved: Saved) -> list[str]:
    summary, said = saved.record["summary"], []
    if saved.assumptions is not None:
        unchecked = [name for name in property_names() if name not in saved.assumptions.properties]
        line = class_line(saved.assumptions)
        said += [f"{line}."] if line else []
        said.append(f"{refuted_line(saved.assumptions)}.")
        said += [f"Refuted statements: {', '.join(summary['refuted'])}."] if summary["refuted"] else []
        said += [f"Not checked: {', '.join(unchecked)}."] if unchecked else []
    if saved.bounds is not None:
        said.append(f"Slower than claimed: {', '.join(summary['slower']) or 'none'}; {_judged(saved.bounds)}.")
    said += [f"Warning: {warning}" for warning in saved.record["warnings"]]
    said += [f"Missing beside report.json, which names it: {name}." for name in saved.missing]
    return said


def _judged(report: BoundReport) -> str:
    """How many rates of each verdict there are, among those that can count against the claim."""
    verdicts = [row.verdict.value for row in judged_rows(report)]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    return f"of {len(verdicts)} residuals judged: {counts}"


def _table(report: AssumptionReport) -> Table:
    rows = tuple(_row(report, name) for name in report.properties)
    caption = (
        "Constant and meaning are those of the statement in the third column, the first that the verdict rests on; the "
        "constant is rounded to its safe side. Certified rests on a proof, supported on a search that found nothing "
        "against it, and refuted has a witness that anyone can repeat."
    )
    return Table("Properties", _COLUMNS, rows, caption, identifier="properties")


def _row(report: AssumptionReport, name: str) -> tuple[Cell, ...]:
    verdict, (first, *others) = report.verdict(name), report.deciding(name)
    more = f" and {len(others)} more" if others else ""
    return (
        Cell(name, target=slug(name)),
        Cell(verdict.value, verdict=verdict.value),
        Cell(f"{first.statement}{more}"),
        Cell(constant_words(first), value=first.constant),
        Cell(first.meaning),
        Cell(could_change(name, verdict)),
    )
