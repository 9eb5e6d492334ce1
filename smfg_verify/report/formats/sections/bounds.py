"""The run, and its residuals against the claimed rate."""

from smfg_verify.bounds import BoundReport, ChangePoint, RateFinding
from smfg_verify.records.entries import Record
from smfg_verify.report.formats.document import Cell, Column, Section, Table, pairs, slug
from smfg_verify.report.formats.saved import Saved
from smfg_verify.report.formats.sections.pictures import pictures
from smfg_verify.report.tables import bounds as tables

# Of columns that need more than their share.
_WIDTHS = {"residual": 1.8, "slope [interval]": 2.2, "verdict": 1.5, "envelope C": 1.4, "why none": 2.5}


def bounds_section(saved: Saved) -> Section | None:
    """What was run, the slope of each residual with verdict and envelope, where transients end; None without a run."""
    if "run" not in saved.record:
        return None
    found = [pairs("Run", _run(saved.record["run"]))]
    if saved.bounds is not None:
        report = saved.bounds
        found += [
            _rates(report),
            _windows(report),
            _changes(report),
            pairs("Residuals", tables.MEANINGS, ("residual", "what it is")),
            pairs("Evaluated exactly", tables.counts(report)),
        ]
    return Section("Runs against bounds", (), tuple(found), pictures(saved, "convergence"))


def _run(run: Record) -> dict[str, str]:
    schedule = run["method_options"]["schedule"]
    return {
        "algorithm": f"{run['method']}, {run['method_options']['sampling']} sampling, "
        f"{run['transitions_per_iteration']} transitions an iteration",
        "seeds": f"{len(run['seeds'])}",
        "iterations": f"{run['checkpoints'][-1]:,} of {run['num_iterations']:,}",
        "checkpoints": f"{len(run['checkpoints'])}",
        "step sizes c/sqrt(k+1)": ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in schedule.items()),
        "diverged seeds": f"{len(run['diverged_seeds'])} of {len(run['seeds'])}",
        "arithmetic": run["dtype"],
    }


def _columns(names: tuple[str, ...], numbers: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(Column(name, numbers=name in numbers, width=_WIDTHS.get(name, 1.0)) for name in names)


def _rates(report: BoundReport) -> Table:
    rows = tuple(_rate(row) for row in report.rows)
    title, columns = tables.rates_title(report), _columns(tables.RATE_COLUMNS, tables.RATE_NUMBERS)
    return Table(title, columns, rows, tables.rates_caption(report), identifier="rates")


def _rate(row: RateFinding) -> tuple[Cell, ...]:
    by = {
        "first": row.means[0],
        "last": row.means[-1],
        "slope [interval]": row.slope,
        "envelope C": row.envelope.constant,
        "not finite": float(row.num_not_finite),
    }
    verdict = row.verdict.value
    cells = zip(tables.RATE_COLUMNS, tables.rate_cells(row), strict=True)
    return tuple(
        Cell(text, value=by.get(name), verdict=slug(verdict) if name == "verdict" else "") for name, text in cells
    )


def _windows(report: BoundReport) -> Table:
    windows = tables.windows(report)
    rows = tuple((Cell(row.name), Cell(windows[row.name]), Cell(row.reason)) for row in report.rows)
    columns = (Column("residual", width=0.2), Column("window", width=0.35), Column("why inconclusive", width=0.45))
    return Table("Windows of the slopes", columns, rows, identifier="windows")


def _changes(report: BoundReport) -> Table:
    rows = tuple(_change(name, change) for name, change in report.changes.items())
    columns = _columns(tables.CHANGE_COLUMNS, tables.CHANGE_NUMBERS)
    return Table(tables.CHANGES_TITLE, columns, rows, tables.changes_caption(report), identifier="changes")


def _change(name: str, change: ChangePoint) -> tuple[Cell, ...]:
    values = (change.iteration, change.slope_before, change.slope_after, change.one_line_slope)
    by = dict(zip(tables.CHANGE_NUMBERS, values, strict=True))
    cells = zip(tables.CHANGE_COLUMNS, tables.change_cells(name, change), strict=True)
    return tuple(Cell(text, value=by.get(column)) for column, text in cells)
