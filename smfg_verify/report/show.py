"""A job's results on the screen and in files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.text import Text

from smfg_verify.assumptions import AssumptionReport
from smfg_verify.assumptions.game_class import class_line
from smfg_verify.assumptions.summary import refuted_line
from smfg_verify.bounds import RateVerdict, Residuals
from smfg_verify.exact import StackelbergGradient
from smfg_verify.files import write_in
from smfg_verify.game import AbstractGame, game_hash
from smfg_verify.jobs.atlas import Atlas
from smfg_verify.jobs.pipeline import TRACE_FILE, Results, Tell
from smfg_verify.report.drawing_beside import Drawing
from smfg_verify.report.figures.alignment import alignment_figure
from smfg_verify.report.figures.alignment_field import alignment_field_figure
from smfg_verify.report.figures.contraction import contraction_figure
from smfg_verify.report.figures.convergence import convergence_figure
from smfg_verify.report.figures.equilibrium import equilibrium_figure
from smfg_verify.report.figures.widths import FigureWidth
from smfg_verify.report.files.atlas import ATLAS_FILE, atlas_bytes
from smfg_verify.report.files.report import REPORT_FILE, report_bytes
from smfg_verify.report.labels import free_parameter_names
from smfg_verify.report.leader_policies import final_policies, uniform_policy
from smfg_verify.report.tables import findings, run
from smfg_verify.report.tables import game as game_tables
from smfg_verify.report.tables.atlas import atlas_markdown, atlas_table
from smfg_verify.report.tables.bounds import bounds_tables
from smfg_verify.report.tables.summary import rates_summary, summary_table

ATLAS_TABLE = "atlas.md"
Build = Callable[[], Figure | None]
EQUILIBRIUM, UNIFORM = "equilibrium", "Leader's policy, uniform"


def show_results(
    console: Console, results: Results, directory: Path, files: tuple[str, ...], *, full: bool = True
) -> None:
    """Print a job's results: what was found in one screen, in full with all there is to say, and what was written.

    Args:
        console: where to.
        results: of the job.
        directory: of its files.
        files: their names.
        full: with everything that is known of each statement; else the findings in brief.
    """
    if full:
        _show_game_of(console, results, directory)
    if results.assumptions is not None:
        console.print(summary_table(results.assumptions), end="\n" * 2)
        if full:
            console.print(findings.findings_tables(results.assumptions))
    if results.bounds is not None:
        console.print(bounds_tables(results.bounds) if full else rates_summary(results.bounds))
    for warning in results.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"))
    seconds = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in results.timings.items())
    console.print(Text(f"Time: {seconds}", style="dim"))
    console.print(Text(f"Written to {directory}: {', '.join(files)}"), soft_wrap=True)
    if not full:
        console.print(Text("All there is to say of each statement: --full", style="dim"))
    if results.command != "run":
        console.print(_summary(results))


def _show_game_of(console: Console, results: Results, directory: Path) -> None:
    """The game, its equilibrium under the uniform leader, and what the run ended with."""
    console.print(game_tables.sizes_table(results.game, results.settings.name, game_hash(results.game)))
    console.print(game_tables.gradient_table(results.uniform, "Under the uniform leader"))
    if results.trace is not None:
        console.print(run.run_table(results.trace, str(directory / TRACE_FILE)))
        console.print(run.learned_table(results.game, results.trace))


def _summary(results: Results) -> Text:
    """The last lines: what is slower than claimed, the class of the game, and what is refuted."""
    parts = [] if results.bounds is None else [f"Slower than claimed: {_slower(results)}"]
    if results.assumptions is not None:
        parts += [line for line in (class_line(results.assumptions), refuted_line(results.assumptions)) if line]
    return Text("\n".join(parts), style="bold")


def _slower(results: Results) -> str:
    """What is slower, out of how many residuals, and how many of them could not be judged."""
    rows = results.judged
    open_ = sum(row.verdict is RateVerdict.INCONCLUSIVE for row in rows)
    scope = f"{len(rows)} residuals judged" + (f", {open_} of them inconclusive" if open_ else "")
    return f"{', '.join(results.slower)}; of {scope}" if results.slower else f"none of {scope}"


def write_files(
    results: Results, directory: Path, *, width: FigureWidth = "two", drawing: Drawing | None = None
) -> tuple[str, ...]:
    """Write figures and report.json into the directory, beside the trace: all of them or none.

    Args:
        results: of the job.
        directory: one that exists.
        width: of the figures, one column of a paper or two.
        drawing: where figures may have been begun already, see `begin_figures`; they are drawn here if None.

    Returns:
        The names of all files of the job.
    """
    drawing, figures = drawing or Drawing(), _figures(results, width)
    for name, build in figures.items():
        drawing.begin(name, build)
    contents = drawing.files(figures)
    files = (*(() if results.trace is None else (TRACE_FILE,)), *contents)
    write_in(directory, {**contents, REPORT_FILE: report_bytes(results, files)})
    return (REPORT_FILE, *files)


def _figures(results: Results, width: FigureWidth) -> dict[str, Build]:
    """What builds each figure of a job, by name, in the order in which their files are told of."""
    policies, residuals, bounds = _leader_policies(results), results.residuals, results.bounds
    equilibrium = results.uniform.equilibrium
    figures: dict[str, Build] = {
        EQUILIBRIUM: lambda: equilibrium_figure(results.game, equilibrium, policies, width=width)
    }
    if results.assumptions is not None:
        figures |= assumption_figures(results.assumptions, results.game, residuals, width=width)
    if residuals is not None and bounds is not None:
        figures["convergence"] = lambda: convergence_figure(residuals, bounds, width=width)
    return figures


def begin_figures(drawing: Drawing, width: FigureWidth) -> Tell:
    """What a check calls with its parts as they are found, so that their figures are drawn while it goes on.

    Args:
        drawing: where they are begun.
        width: of the figures.

    Returns:
        Of the game, and what was found of it: under the uniform leader, or of one property.
    """

    def tell(game: AbstractGame, part: StackelbergGradient | AssumptionReport) -> None:
        if isinstance(part, AssumptionReport):
            for name, build in assumption_figures(part, game, width=width).items():
                drawing.begin(name, build)
        else:
            policies = {UNIFORM: uniform_policy(game)}
            drawing.begin(EQUILIBRIUM, lambda: equilibrium_figure(game, part.equilibrium, policies, width=width))

    return tell


def assumption_figures(
    report: AssumptionReport,
    game: AbstractGame,
    residuals: Residuals | None = None,
    *,
    width: FigureWidth = "two",
) -> dict[str, Build]:
    """What builds the figures of the properties that were checked, by name; None where there is nothing to draw."""
    figures: dict[str, Build] = {}
    if "gradient-alignment" in report.properties:
        cosine, name = report.finding("gradient-alignment", "cosine"), report.game_name
        figures["alignment"] = lambda: alignment_figure(cosine, residuals, game=name, width=width)
        parameters = free_parameter_names(game)
        figures["alignment-field"] = lambda: alignment_field_figure(cosine, parameters, game=name, width=width)
    if "contraction" in report.properties:
        figures["contraction"] = lambda: contraction_figure(report, width=width)
    return figures


def show_atlas(console: Console, atlas: Atlas, directory: Path) -> None:
    """Print the atlas, and write its record and its Markdown table beside the reports, both or neither."""
    console.print(atlas_table(atlas))
    write_in(directory, {ATLAS_FILE: atlas_bytes(atlas), ATLAS_TABLE: atlas_markdown(atlas).encode()})
    for name, report in atlas.reports.items():
        console.print(Text(f"{name}: {refuted_line(report)}", style="bold" if report.refuted else ""))
    seconds = ", ".join(f"{name} {spent:.0f} s" for name, spent in atlas.seconds.items())
    console.print(Text(f"Time: {seconds or 'all read back'}", style="dim"))
    console.print(
        Text(f"Written to {directory}: {ATLAS_FILE}, {ATLAS_TABLE} and a report of each game"), soft_wrap=True
    )


def _leader_policies(results: Results) -> dict[str, np.ndarray]:
    policies = {UNIFORM: uniform_policy(results.game)}
    if results.trace is not None:
        final = final_policies(results.trace)
        if len(final):
            policies[f"Leader's policy after the run, mean of {len(final)} seeds"] = final.mean(axis=0)
    return policies
