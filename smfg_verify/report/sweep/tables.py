"""A sweep as tables: how many cells came to what, what was varied, and why cells have no numbers."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.jobs.sweep import SweepResult
from smfg_verify.report.tables.layout import SHOWN_ROWS, brief, brief_table
from smfg_verify.sweep.kinds.outcome import CellStatus

_FEW = 6


def sweep_tables(result: SweepResult) -> Group:
    """Counts of every kind by status, the axes, and the reasons of cells without numbers."""
    parts = [_counts(result), _axes(result)]
    return Group(*parts, *([_failures(result)] if result.swept.failures else []))


def _counts(result: SweepResult) -> Table:
    counts = {kind.name: result.swept.counts(kind.name) for kind in result.settings.kinds}
    met = [status for status in CellStatus if any(found.get(status) for found in counts.values())]
    columns = ("cells", *(status.label for status in met))
    table = brief_table(f"Sweep, {result.swept.plan.num_cells:,} cells", "what", *columns, numbers=columns)
    table.caption = Text(f"finished before, and skipped: {result.swept.skipped:,}")
    table.caption_justify = "left"
    for name, found in counts.items():
        table.add_row(name, f"{sum(found.values()):,}", *(f"{found.get(status, 0):,}" for status in met))
    return table


def _axes(result: SweepResult) -> Table:
    table = brief_table("Varied", "axis", "number", "values", numbers=("number",))
    settings = result.settings
    if settings.design == "random":
        table.caption = Text(f"{settings.samples:,} samples, drawn with the seed {settings.random_seed}")
        table.caption_justify = "left"
    for name, found in result.dataset.coords.items():
        if name == "sample":
            continue
        values = found.values.tolist()
        shown = [brief(value) for value in values]
        few = shown if len(shown) <= _FEW else [*shown[: _FEW - 2], "...", shown[-1]]
        table.add_row(Text(str(name)), f"{len(values):,}", Text(", ".join(few)))
    return table


def _failures(result: SweepResult) -> Table:
    table = brief_table("Cells without all their numbers", "cells", "such as", "reason", numbers=("cells",))
    failures = list(result.swept.failures.items())
    for reason, cells in failures[:SHOWN_ROWS]:
        last = reason.strip().splitlines()[-1]  # of a traceback, the error itself
        table.add_row(f"{len(cells):,}", Text(cells[0]), Text(brief(last)))
    if len(failures) > SHOWN_ROWS:
        table.caption = Text(f"and {len(failures) - SHOWN_ROWS} other reasons; every cell's file has its own")
    return table
