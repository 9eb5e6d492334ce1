"""Methods beside each other: what each reached, how it stands to AC-SMFG, what it was tuned to."""

import math
from collections.abc import Mapping

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.comparison import Comparison, PairedDifference
from smfg_verify.comparison.compare import ContenderResult
from smfg_verify.comparison.contenders import REFERENCE
from smfg_verify.comparison.paired import PairedVerdict
from smfg_verify.comparison.quartiles import quartiles
from smfg_verify.jobs.compare import Compared
from smfg_verify.records.entries import Entries
from smfg_verify.report.tables.layout import brief_table
from smfg_verify.report.tables.markdown import markdown_table

_STYLES = {PairedVerdict.BETTER: "green", PairedVerdict.WORSE: "bold red", PairedVerdict.UNDECIDED: "yellow"}


_COLUMNS = ("method", "samples", "seconds", "Phi", "exploitability", "||grad Phi||^2", "policy gap", "diverged")


def comparison_tables(compared: Compared) -> Group:
    """What every method reached, and how it stands to AC-SMFG."""
    found = compared.comparison
    parts = [_reached(compared.settings.name, found)]
    if found.differences:
        parts.append(_tests(found.differences))
    return Group(*parts, _tuned(found))


def table_rows(found: Comparison) -> list[tuple[str, ...]]:
    """One row a method: samples, seconds, medians with quartiles at the end, diverged seeds."""
    return [_row(result) for result in found.results.values()]


def _row(result: ContenderResult) -> tuple[str, ...]:
    measures = result.measures
    names = ("exploitability", "e_omega", "policy_gap")
    cells = [_spread(measures.objective, result.diverged, -math.inf, 4)]
    cells += [_spread(getattr(measures, name), result.diverged, math.inf, 2) for name in names]
    diverged = int(result.diverged.sum())
    samples = f"{result.samples[-1]:,}" if result.transitions_per_iteration else "none (exact)"
    return (result.name, samples, f"{result.seconds:.2f}", *cells, f"{diverged} of {len(result.diverged)}")


def _spread(values: np.ndarray, diverged: np.ndarray, worst: float, digits: int) -> str:
    low, middle, high = (float(quartile[-1]) for quartile in quartiles(values, worst))
    # A seed may have no number without having diverged, where no equilibrium of its leader was found.
    lost = "diverged" if np.all(diverged[~np.isfinite(values[:, -1])]) else "none"
    shown = (f"{value:.{digits}g}" if math.isfinite(value) else lost for value in (middle, low, high))
    return "{} [{}, {}]".format(*shown)


def _reached(name: str, found: Comparison) -> Table:
    table = brief_table(f"Methods on {name}", *_COLUMNS, numbers=_COLUMNS[1:3], unbroken="method")
    for row in table_rows(found):
        table.add_row(*map(Text, row))
    settings = found.settings
    table.caption = Text(
        f"median over {settings.seeds} seeds [quartiles] at the end, a seed without a number counted as the worst; "
        '"diverged" or, where a seed had no number without diverging, "none" stand for such a seed. Measured without '
        "sampling at the policies of the run. Phi: the leader's objective at the equilibrium of its policy. "
        "exploitability: what a follower gains by deviating, against the population of its own policy. seconds: all "
        f"seeds, compilation apart. Step sizes: the best of {settings.trials} random choices (the defaults first) by "
        f"the median final Phi on {settings.tuning_seeds} other seeds, with {settings.tuning_samples:,} samples for "
        f"every method that samples and {settings.exact_iterations:,} iterations for one that does not."
    )
    table.caption_justify = "left"
    return table


def _tests(differences: Mapping[str, PairedDifference]) -> Table:
    columns = ("method", "Phi minus AC-SMFG's", "interval", "verdict")
    table = brief_table("Against AC-SMFG, paired by seed", *columns, unbroken="method")
    for name, entry in differences.items():
        if entry.verdict is PairedVerdict.NOT_TESTED:
            table.add_row(name, "", "", Text(f"{entry.verdict}: {entry.reason}"))
            continue
        interval = f"[{entry.lower:.3g}, {entry.upper:.3g}]"
        table.add_row(
            name, f"{entry.difference:.3g}", interval, Text(entry.verdict.value, style=_STYLES[entry.verdict])
        )
    level = next(iter(differences.values())).level
    table.caption = Text(
        f"mean difference of final Phi, bootstrap over seeds; {100 * level:.2f}% each, so that all hold together at "
        "95% or more (Bonferroni), as far as a bootstrap of so few seeds covers what it says."
    )
    table.caption_justify = "left"
    return table


def _tuned(found: Comparison) -> Table:
    table = brief_table("Options chosen", "method", "options", "score", "the defaults' score", unbroken="method")
    for name, result in found.results.items():
        best = max(trial.score for trial in result.trials)
        table.add_row(name, _options(result.options), f"{best:.4g}", f"{result.trials[0].score:.4g}")
    return table


def _options(options: Entries) -> str:
    flat = {**options, **options.get("schedule", {})}
    flat.pop("schedule", None)
    return ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in flat.items()
    )


def comparison_markdown(found: Comparison) -> str:
    """The table of what was reached, with the verdict against AC-SMFG, as Markdown."""
    rows = [(*row, _against(row[0], found)) for row in table_rows(found)]
    return markdown_table((*_COLUMNS, "against AC-SMFG"), rows)


def _against(name: str, found: Comparison) -> str:
    entry = found.differences.get(name)
    if entry is None:
        return "reference" if name == REFERENCE else ""
    if entry.verdict is PairedVerdict.NOT_TESTED:
        return f"{entry.verdict}"
    return f"{entry.verdict}, {entry.difference:+.3g} [{entry.lower:.3g}, {entry.upper:.3g}]"
