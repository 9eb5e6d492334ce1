"""Properties at the iterates of a run: a row a number, and what is proved around the leaders."""

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.assumptions import AlongRun
from smfg_verify.assumptions.along.certified_near import KEPT
from smfg_verify.assumptions.along.conditions import CONDITIONS, NOT_OF_ITERATES
from smfg_verify.assumptions.along.record import Near, Row
from smfg_verify.jobs.along import Along
from smfg_verify.numerals import at_least, at_most
from smfg_verify.report.tables.layout import brief_table

# Of what is proved around iterates: what it is about.
_TITLES = {
    "alignment": "Alignment around the leaders",
    "modulus": "Contraction around the equilibria",
    "modulus_at_mean_field": "Contraction around the run's mean fields",
    "rate": "One-sided contraction around the equilibria",
    "rate_at_mean_field": "One-sided contraction around the run's mean fields",
    "index": "Uniqueness around the equilibria",
}


def along_tables(along: Along) -> Group:
    """The numbers in brief, and sentences on what is proved."""
    said = (Text(line, style="bold") for line in said_near(along.found))
    return Group(_table(along.found, along.settings.name), *said)


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


def said_near(found: AlongRun) -> list[str]:
    """What is proved around the iterates, a sentence a number."""
    near = found.near
    total = len(found.seeds) * len(found.iterations)
    return [
        f"{_TITLES[name]}: nothing proved, {reason}."
        if reason
        else f"{_TITLES[name]}: {_said(name, near[name], total)}"
        for name, reason in found.uncertified.items()
    ]


def _said(name: str, near: Near, total: int) -> str:
    if near.proved == 0:
        return f"proved around none of the {near.tried} iterates at which it holds."
    least, median = (f"{at_least(radius):.3g}" for radius in near.radius)
    around = f"around {near.proved} of {total} iterates ({near.tried} could have a proof)"
    share = f"each keeps {KEPT:.0%} of what there is up to the limit or more"
    if name == "alignment":
        where = (
            f"at all leaders whose log-ratios are within {least} (median {median}) of theirs, each at an equilibrium "
            "found from the iterate's"
        )
        return f"certified c >= {at_least(near.constant):.3g} {around}, {where}; {share}, of 1 where that is larger."
    where = f"within {least} (median {median}) of theirs in total variation"
    if name == "index":
        return f"certified {around}: no leader {where} has two equilibria as near to the iterate's."
    if CONDITIONS[name].side == "above":
        number, share = f"c >= {at_least(near.constant):.3g}", f"{share}, of 1 where that is larger"
    else:
        number = f"modulus <= {at_most(near.constant):.4g}"
    return f"certified {number} {around}, for all leaders and mean fields {where}; {share}."
