"""Rates on the screen: every row's slope, window, verdict and envelope, the breaks, and why nothing could be told."""

import math

import numpy as np
import pytest

from smfg_verify.bounds import ChangeStatus
from smfg_verify.report.tables.bounds import MEANINGS, bounds_tables
from tests.bounds.rates.test_change_point import with_break
from tests.bounds.rates.test_decay import noisy_power_law
from tests.bounds.rates.test_validate_bounds import report_of
from tests.support.screens import cells, pairs, printed, tables_in, titled


@pytest.fixture(scope="module")
def report():
    return report_of(with_break(3000.0, -1.5, -0.5, noise=0.2))


@pytest.fixture(scope="module")
def unknown():
    values = noisy_power_law(np.random.default_rng(0), -0.5, num_seeds=4)
    values[1, 3] = np.nan
    return report_of(values)


def test_each_row_shows_the_numbers_of_its_finding(report):
    table = titled(bounds_tables(report), f"Rates of {report.num_seeds} seeds' means")
    for found, row in zip(cells(table), report.rows, strict=True):
        name, first, last, slope, verdict, envelope, growing, lost = found
        assert (name, verdict, lost) == (row.name, row.verdict.value, str(row.num_not_finite))
        assert (first, last) == (f"{row.means[0]:.3g}", f"{row.means[-1]:.3g}")
        assert slope == f"{row.slope:.3f} [{row.lower:.3f}, {row.upper:.3f}]"
        assert envelope == f"{row.envelope.constant:.3g} ({row.envelope.iteration:,})"
        assert growing == {True: "yes", False: "no", None: "unknown"}[row.envelope.growing]


def test_windows_and_breaks_are_those_of_the_report(report):
    shown = bounds_tables(report)
    windows = pairs(titled(shown, "Windows"))
    for row in report.rows:
        assert windows[row.name] == f"k = {row.window[0]:,} ... {row.window[1]:,}, {row.num_checkpoints} checkpoints"
    for name, place, before, after, one_line, reason in cells(titled(shown, "Where the transient ends")):
        change = report.changes[name]
        assert change.status is ChangeStatus.FOUND
        assert place == f"{change.iteration:,.0f} [{change.lower:,.0f}, {change.upper:,.0f}]"
        slopes = (change.slope_before, change.slope_after, change.one_line_slope)
        assert (before, after, one_line, reason) == (*(f"{slope:.3f}" for slope in slopes), "")


def test_every_residual_s_meaning_and_the_counts_are_there(report):
    shown = bounds_tables(report)
    assert pairs(titled(shown, "Residuals")) == MEANINGS
    assert {row.name for row in report.rows} == set(MEANINGS)
    counts = pairs(titled(shown, "Evaluated exactly"))
    assert counts["points"].startswith(f"{report.num_points:,} ")
    assert counts["diverged"] == f"{report.num_diverged:,}"
    assert f"{report.num_resamples:,} bootstrap resamples" in counts["intervals"]
    assert not [table for table in tables_in(shown) if str(table.title) == "Why inconclusive"]


def test_what_cannot_be_told_has_a_reason_and_no_number(unknown):
    shown = bounds_tables(unknown)
    reasons = pairs(titled(shown, "Why inconclusive"))
    assert reasons == {row.name: row.reason for row in unknown.rows if row.reason}
    assert set(reasons) == {row.name for row in unknown.rows}
    rows = cells(titled(shown, "Rates"))
    assert {row[4] for row in rows} == {"inconclusive"}
    for found, row in zip(rows, unknown.rows, strict=True):
        assert (found[3] == "none") == math.isnan(row.slope)
        assert (found[5] == "none") == math.isnan(row.envelope.constant)
    assert "where by how much could not be told" in printed(titled(shown, "Rates"))
