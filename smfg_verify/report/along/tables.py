"""Properties at the iterates of a run: a row a number, and what is proved around the leaders."""

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.assumptions import AlongRun
from smfg_verify.assumptions.along.certified_near import KEPT
from smfg_verify.assumptions.along.conditions import NOT_OF_ITERATES
from smfg_verify.assumptions.along.record import Row
from smfg_verify.jobs.along import Along
from smfg_verify.numerals import at_least
from smfg_verify.report.tables.layout import brief_table


def along_tables(along: Along) -> Group:
    """The numbers in brief, and a sentence on what is proved."""
    return Group(_table(along.found, along.settings.name), Text(said_near(along.found), style="bold"))


def _table(found: AlongRun, name: str) -> Table:
    title = f"{name}: {len(found.seeds)} seeds at {len(found.iterations)} checkpoints"
    columns = ("property", "number", "asked", "holds at", "worst", "where", "last: least, median, most")
    table = brief_table(title, *columns, numbers=("holds at", "worst"), unbroken="property")
    for row in found.rows:
        table.add_row(*_cells(row))
    lost = [
        f"{count} {words}"
        for count, words in (
            (found.not_finite, "iterates are not finite"),
            (found.not_converged, "leaders without an equilibrium found"),
        )
        if count
    ]
    table.caption = Text(
        "Measured at the iterates, and proved nowhere but where a number says so; not of iterates: "
        f"{', '.join(NOT_OF_ITERATES)}. A number is missing where a gradient or a gap is within its own error."
        + (f" {'; '.join(lost)}." if lost else "")
    )
    table.caption_justify = "left"
    return table


def _cells(row: Row) -> tuple[str, ...]:
    condition = row.condition
    sign = ">" if condition.side == "above" else "<"
    asked = f"{sign} {condition.limit:g}" if math.isfinite(condition.limit) else "finite"
    place = "" if row.seed < 0 else f"seed {row.seed}, iteration {row.iteration:,}"
    last = ", ".join(f"{value:.3g}" for value in row.last)
    return condition.property, condition.words, asked, f"{row.held} of {row.known}", f"{row.worst:.4g}", place, last


def said_near(found: AlongRun) -> str:
    """What is proved around the leaders, in a sentence; empty where alignment was not asked for."""
    if found.radius is None:
        return ""
    near = found.near
    if near is None:
        return f"Alignment around the leaders: nothing proved, {found.uncertified_reason}."
    if near.proved == 0:
        return f"Alignment around the leaders: proved around none of {near.tried} with a positive constant."
    total = len(found.seeds) * len(found.iterations)
    return (
        f"Certified: c >= {at_least(near.constant):.3g} at {near.proved} of {total} iterates and at all leaders whose "
        f"log-ratios are within {at_least(near.radius):.3g} of theirs ({near.tried} have a positive constant; each "
        f"proof keeps {KEPT:.0%} of it or more, of 1 where it is larger)."
    )
