"""Does the theory hold here: its assumptions, a run, both against the claimed rate, and its claims one by one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smfg_verify.certificates import load_verifier
from smfg_verify.cli.computing import prepare
from smfg_verify.cli.config import Settings, gather
from smfg_verify.cli.endings import FINISHED, STRICT_FAILURE
from smfg_verify.cli.options import (
    AlongOptions,
    CheckOptions,
    FigureOptions,
    GameName,
    GameOptions,
    ProgramOptions,
    RunOptions,
    StepOptions,
    given,
)
from smfg_verify.cli.result_options import (
    CasesOutOptions,
    CheckOutOptions,
    RunOutOptions,
    StrictOptions,
    ValidateOutOptions,
)
from smfg_verify.cli.saving import saving
from smfg_verify.cli.screen import say_written, screen
from smfg_verify.errors import InputError
from smfg_verify.jobs.settings import CheckSettings, Command
from smfg_verify.report.formats.kinds import Format


def check(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    hardness: CheckOptions = CheckOptions(),
    steps: StepOptions = StepOptions(),
    run: AlongOptions = AlongOptions(),
    results: CheckOutOptions = CheckOutOptions(),
    figures: FigureOptions = FigureOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Check the properties that the theory assumes."""
    if run.along is not None:
        return _along(game, run.along, parameters, hardness, steps, results, figures, programs)
    settings = gather(game, parameters, steps=steps, check=hardness, command="check")
    if results.certificates is not None:
        load_verifier("--certificates")
    return _carry_out(
        "check",
        settings,
        results,
        figures,
        programs,
        formats=results.formats,
        full=results.full,
        certificates=results.certificates,
    )


def _along(
    game: str,
    place: Path,
    parameters: GameOptions,
    hardness: CheckOptions,
    steps: StepOptions,
    results: CheckOutOptions,
    figures: FigureOptions,
    programs: ProgramOptions,
) -> int:
    """The properties at the iterates of a run."""
    unused = sorted({**given(hardness), **given(steps)}.keys() - {"properties"})
    unused += [name for name in ("formats", "full", "certificates") if getattr(results, name)]
    if unused:
        raise InputError(
            f"check --along: got {', '.join(unused)} too, expected --property alone of what says how a check searches "
            "and is told; nothing is searched along a run."
        )
    settings = gather(game, parameters, check=hardness, command="check")
    prepare(programs)
    from smfg_verify.jobs.along import find_along
    from smfg_verify.report.along.files import write_along
    from smfg_verify.report.along.tables import along_tables

    with saving(results, Path("results") / settings.game.short_name) as store:
        along = find_along(settings.game, place, settings.check, store)
        written = write_along(along, store.folder, width=figures.width)
        screen().print(along_tables(along))
        say_written(written)
    return STRICT_FAILURE if results.strict and along.found.broken else FINISHED


def atlas(
    *names: Annotated[str, Parameter("[GAME]...", help="Games [all that are shipped].")],
    hardness: CheckOptions = CheckOptions(),
    results: StrictOptions = StrictOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Check every shipped game, and print one table of games by properties."""
    settings = CheckSettings(**given(hardness))
    prepare(programs)
    from smfg_verify import games
    from smfg_verify.jobs.atlas import make_atlas
    from smfg_verify.report.show import show_atlas

    with saving(results, Path("results") / "atlas") as store:
        found = make_atlas(names or games.names(), settings, store)
        show_atlas(screen(), found, store.folder)
    return STRICT_FAILURE if results.strict and found.refuted else FINISHED


def run(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    length: RunOptions = RunOptions(),
    steps: StepOptions = StepOptions(),
    results: RunOutOptions = RunOutOptions(),
    figures: FigureOptions = FigureOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Run AC-SMFG."""
    settings = gather(game, parameters, length, steps, command="run")
    return _carry_out("run", settings, results, figures, programs, formats=results.formats, overwrite=results.overwrite)


def validate(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    length: RunOptions = RunOptions(),
    steps: StepOptions = StepOptions(),
    hardness: CheckOptions = CheckOptions(),
    results: ValidateOutOptions = ValidateOutOptions(),
    figures: FigureOptions = FigureOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Run AC-SMFG, check the properties along the run too, and hold its residuals against the claimed rate."""
    settings = gather(game, parameters, length, steps, hardness, command="validate")
    return _carry_out(
        "validate",
        settings,
        results,
        figures,
        programs,
        formats=results.formats,
        overwrite=results.overwrite,
        full=results.full,
    )


def cases(
    *names: Annotated[str, Parameter("[NAME]...", help="Cases [all].")],
    full: Annotated[
        bool,
        Parameter(
            "--full",
            negative="--quick",
            show_default="quick",
            help="The whole of each case, minutes; or seconds each.",
        ),
    ] = False,
    results: CasesOutOptions = CasesOutOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Run cases: claims of the theory, each measured and held against what it predicts. Exit code 1 if one fails."""
    prepare(programs)
    from smfg_verify.cases import CaseVerdict, Version, case_names, run_cases
    from smfg_verify.jobs.progress import Progress
    from smfg_verify.report.files.cases import write_cases
    from smfg_verify.report.tables.cases import cases_tables

    progress = Progress()
    version = Version.FULL if full else Version.QUICK
    with saving(results) as store:
        keep = store.job("cases", None, {"version": version})
        begins = progress.items(len(set(names)) or len(case_names()))
        outcomes = run_cases(names or None, version, progress=begins, keep=keep)
        screen().print(cases_tables(outcomes))
        if results.out is not None:
            say_written(write_cases(outcomes, results.out))
    return STRICT_FAILURE if any(outcome.verdict is CaseVerdict.FAILS for outcome in outcomes) else FINISHED


def _carry_out(
    command: Command,
    settings: Settings,
    results: StrictOptions,
    figures: FigureOptions,
    programs: ProgramOptions,
    *,
    formats: Sequence[Format],
    overwrite: bool = False,
    full: bool = True,
    certificates: Path | None = None,
) -> int:
    run_settings, check_settings = settings.run, settings.check
    prepare(programs)
    from smfg_verify.jobs import pipeline
    from smfg_verify.report import show
    from smfg_verify.report.drawing_beside import drawing_beside

    with saving(results, Path("results") / settings.game.short_name) as store, drawing_beside() as drawing:
        found = pipeline.carry_out(
            command,
            settings.game,
            store.folder,
            run=run_settings,
            check_settings=check_settings,
            resumed_with=settings.given_run if results.resume else None,
            overwrite=overwrite,
            store=store,
            tell=show.begin_figures(drawing, figures.width),
        )
        written = show.write_files(found, store.folder, width=figures.width, drawing=drawing)
        files = written + _documents(store.folder, formats)
        show.show_results(screen(), found, store.folder, files, full=full)
        if certificates is not None:
            from smfg_verify.jobs.certificates import write_certificates
            from smfg_verify.report.tables.certificates import certificate_lines

            screen().print(certificate_lines(write_certificates(found, certificates)), soft_wrap=True)
    return STRICT_FAILURE if results.strict and (found.refuted or found.slower) else FINISHED


def _documents(folder: Path, formats: Sequence[Format]) -> tuple[str, ...]:
    """The documents that were asked for; their templates are loaded for them alone."""
    if not formats:
        return ()
    from smfg_verify.report.formats.writing import write_documents

    return write_documents(folder, formats)
