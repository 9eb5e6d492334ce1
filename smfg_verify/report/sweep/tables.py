"""A sweep as tables: how many cells came to what, what was varied, and why cells have no numbers."""

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.jobs.sweep import SweepResult
from smfg_verify.report.tables.layout import SHOWN_ROWS, brief, brief_table
from smfg_verify.sweep.kinds.outcome import CellStatus
from smfg_verify.sweep.slices import Slice

_FEW, _MOST_COLUMNS = 6, 8


def sweep_tables(result: SweepResult) -> Group:
    """Counts of every kind by status, the axes, and the reasons of cells without numbers."""
    parts = [_counts(result), _axes(result)]
    return Group(*parts, *([_failures(result)] if result.swept.failures else []))


def slice_table(drawn: Slice) -> Table:
    """The numbers of a figure, as many as fit on a screen; what is held, and whether a part is left out, under them."""
    heads, rows = _listed(drawn) if drawn.scattered or not drawn.y else _crossed(drawn)
    shown = heads[: _MOST_COLUMNS + 1]
    table = brief_table(drawn.name, *shown, numbers=shown[1:])
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*row[: len(shown)])
    cut = len(rows) > SHOWN_ROWS or len(shown) < len(heads)
    held = [drawn.words, *(f"{axis}: {text}" for axis, text in drawn.held.items())]
    table.caption = Text("; ".join([*held, *(["a part; the dataset has all"] if cut else [])]))
    table.caption_justify = "left"
    return table


def _listed(drawn: Slice) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of a curve, or of the points of a random design: a place and its number a row."""
    axes = {drawn.x: drawn.x_values, **({drawn.y: drawn.y_values} if drawn.y else {})}
    columns = [[brief(value) for value in values.tolist()] for values in axes.values()]
    numbers = [_value(drawn, value) for value in drawn.values.tolist()]
    return [*axes, drawn.name], [list(row) for row in zip(*columns, numbers, strict=True)]


def _crossed(drawn: Slice) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of a map: the first axis across, the second one down."""
    heads = [f"{drawn.y} / {drawn.x}", *(brief(value) for value in drawn.x_values.tolist())]
    pairs = zip(drawn.y_values.tolist(), drawn.values.tolist(), strict=True)
    return heads, [[brief(y), *(_value(drawn, value) for value in row)] for y, row in pairs]


def _value(drawn: Slice, value: float) -> str:
    if math.isnan(value):
        return "none"
    return drawn.flags[int(value)] if drawn.flags else f"{value:.4g}"


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
