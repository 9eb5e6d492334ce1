"""Tables of residuals and their rates for the screen."""

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.bounds import (
    RUNNING_AVERAGE,
    RUNNING_MINIMUM,
    BoundReport,
    ChangePoint,
    ChangeStatus,
    RateFinding,
    RateVerdict,
)
from smfg_verify.report.tables.layout import brief_table, pairs_table

MEANINGS = {
    "e_omega": "||grad Phi(omega)||^2",
    "policy_gap": "policy-space stationarity gap of the leader",
    "e_theta": "J_f(pi*(phi, mu_hat)) - J_f(pi)",
    "e_mu": "||mu_hat - mu*(phi)||^2",
    "e_Vf": "||V_f - V_f^{pi, phi, mu_hat}||^2",
    "e_Vl": "||V_l - V_l^{pi, phi, mu_hat}||^2",
    RUNNING_MINIMUM: "smallest seed mean of ||grad Phi(omega)||^2 over the checkpoints so far",
    RUNNING_AVERAGE: "seed mean of ||grad Phi(omega)||^2 averaged over all iterations so far",
}
_STYLES = {
    RateVerdict.CONSISTENT: "green",
    RateVerdict.FASTER: "green",
    RateVerdict.SLOWER: "bold red",
    RateVerdict.INCONCLUSIVE: "yellow",
}


RATE_NUMBERS = ("first", "last", "slope [interval]", "envelope C", "not finite")
RATE_COLUMNS = ("residual", *RATE_NUMBERS[:3], "verdict", RATE_NUMBERS[3], "growing", RATE_NUMBERS[4])
CHANGE_NUMBERS = ("k of the break", "slope before", "slope after", "one line's slope")
CHANGE_COLUMNS = ("residual", *CHANGE_NUMBERS, "why none")
CHANGES_TITLE = "Where the transient ends"


def bounds_tables(report: BoundReport) -> Group:
    """Each residual's slope against -1/2, with interval, window, verdict, envelope, and what could not be measured."""
    table = brief_table(rates_title(report), *RATE_COLUMNS, numbers=RATE_NUMBERS, unbroken="slope [interval]")
    for row in report.rows:
        cells = [Text(cell) for cell in rate_cells(row)]
        cells[RATE_COLUMNS.index("verdict")] = rate_verdict_text(row)
        table.add_row(*cells)
    table.caption, table.caption_justify = Text(rates_caption(report)), "left"
    reasons = {row.name: row.reason for row in report.rows if row.reason}
    unclear = [pairs_table("Why inconclusive", reasons)] if reasons else []
    return Group(
        table,
        pairs_table("Windows of the slopes", windows(report)),
        *unclear,
        _changes(report),
        pairs_table("Residuals", MEANINGS),
        pairs_table("Evaluated exactly", counts(report)),
    )


def rates_title(report: BoundReport) -> str:
    """What the table of rates is called."""
    return f"Rates of {report.num_seeds} seeds' means"


def rates_caption(report: BoundReport) -> str:
    """What has to be known to read the table of rates."""
    return (
        "first and last: the seed mean at the first and at the last checkpoint. slope: of log mean against log(k + 1) "
        "over the window, the last two decades from the last change-point on, or all of them where that leaves too few "
        f"checkpoints. C = sup of mean * sqrt(k+1) / log(k+2), attained at k in brackets; growing: it is attained late "
        f"and the {100 * report.confidence:g}% interval of its trend is upward. The claim is about the running "
        "minimum; policy_gap carries none, it tells a stationary policy from a saturated softmax; the running "
        f"average is interpolated between checkpoints, {_interpolated(report)}, and never forgets its start."
    )


def rate_cells(row: RateFinding) -> tuple[str, ...]:
    """One residual's cells under `RATE_COLUMNS`."""
    return (row.name, *_ends(row), row.slope_in_words, row.verdict.value, *_envelope(row), f"{row.num_not_finite}")


def windows(report: BoundReport) -> dict[str, str]:
    """Which checkpoints each slope was fitted to."""
    return {
        row.name: f"k = {row.window[0]:,} ... {row.window[1]:,}, {row.num_checkpoints} checkpoints"
        for row in report.rows
    }


def counts(report: BoundReport) -> dict[str, str]:
    """How much was evaluated, what could not be, and how intervals were made."""
    return {
        "points": f"{report.num_points:,} (seeds x checkpoints)",
        "diverged": f"{report.num_diverged:,}",
        "equilibrium not found": f"{report.num_not_converged:,}",
        "intervals": f"{100 * report.confidence:g}%, {report.num_resamples:,} bootstrap resamples of whole seeds, seed "
        f"{report.resampling_seed}",
    }


def _changes(report: BoundReport) -> Table:
    table = brief_table(CHANGES_TITLE, *CHANGE_COLUMNS, numbers=CHANGE_NUMBERS)
    for name, change in report.changes.items():
        table.add_row(*map(Text, change_cells(name, change)))
    table.caption, table.caption_justify = Text(changes_caption(report)), "left"
    return table


def changes_caption(report: BoundReport) -> str:
    """What has to be known to read the table of breaks."""
    return (
        "the last break: two lines against one for log mean against log(k + 1), over all checkpoints, then over those "
        f"after the break, until one line fits; with its {100 * report.confidence:g}% interval. A break says that one "
        "power law does not fit, not that the second lasts."
    )


def change_cells(name: str, change: ChangePoint) -> tuple[str, ...]:
    """One residual's cells under `CHANGE_COLUMNS`."""
    return (name, *_break(change), change.reason)


def _break(change: ChangePoint) -> tuple[str, ...]:
    if change.status is not ChangeStatus.FOUND:
        whole = "" if math.isnan(change.one_line_slope) else f"{change.one_line_slope:.3f}"
        return change.status.label, "", "", whole
    place = f"{change.iteration:,.0f} [{change.lower:,.0f}, {change.upper:,.0f}]"
    return place, f"{change.slope_before:.3f}", f"{change.slope_after:.3f}", f"{change.one_line_slope:.3f}"


def _interpolated(report: BoundReport) -> str:
    if math.isnan(report.interpolation_change):
        return "where by how much could not be told"
    return f"which changes it by about {report.interpolation_change:.1%} (with every other one left out)"


def _ends(row: RateFinding) -> tuple[str, str]:
    return f"{row.means[0]:.3g}", f"{row.means[-1]:.3g}"


def rate_verdict_text(row: RateFinding) -> Text:
    """A rate's verdict in its colour."""
    return Text(row.verdict.value, style=_STYLES[row.verdict])


def _envelope(row: RateFinding) -> tuple[str, str]:
    if math.isnan(row.envelope.constant):
        return "none", "unknown"
    growing = "unknown" if row.envelope.growing is None else "yes" if row.envelope.growing else "no"
    return f"{row.envelope.constant:.3g} ({row.envelope.iteration:,})", growing
