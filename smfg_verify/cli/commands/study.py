"""Why, and what else: how long a run must be, where a proof loses, which step sizes and which method do better."""

from pathlib import Path

from smfg_verify.cli.computing import prepare
from smfg_verify.cli.config import assigned_texts, gather
from smfg_verify.cli.endings import FINISHED
from smfg_verify.cli.options import (
    BoundRunOptions,
    CheckOptions,
    CompareOptions,
    DriftRunOptions,
    FigureOptions,
    GameName,
    GameOptions,
    LabRunOptions,
    MatchOptions,
    PilotOptions,
    PlannedOptions,
    ProgramOptions,
    ProofOptions,
    StepOptions,
    given,
)
from smfg_verify.cli.result_options import (
    BoundOutOptions,
    DriftOutOptions,
    OutOptions,
    PlanOutOptions,
    TheoremsOutOptions,
)
from smfg_verify.cli.saving import saving
from smfg_verify.cli.screen import say_written, say_written_to, screen
from smfg_verify.errors import InputError


def plan(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    pilot: PilotOptions = PilotOptions(),
    planned: PlannedOptions = PlannedOptions(),
    steps: StepOptions = StepOptions(),
    results: PlanOutOptions = PlanOutOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Run a pilot, and say how many seeds and iterations tell a slope of -1/2 from one of -2/5."""
    settings = gather(game, parameters, pilot, steps, command="plan")
    run_settings = settings.run
    prepare(programs)
    from smfg_verify.jobs.plan import make_plan
    from smfg_verify.report.files.plan import write_plan
    from smfg_verify.report.tables.plan import plan_tables

    with saving(results) as store:
        made = make_plan(settings.game, run_settings, store, **given(planned))
        screen().print(plan_tables(made))
        if results.out is not None:
            say_written_to(write_plan(made, results.out))
    return FINISHED


def drift(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    length: DriftRunOptions = DriftRunOptions(),
    steps: StepOptions = StepOptions(),
    results: DriftOutOptions = DriftOutOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Hold a run against a proof's drift inequalities: which one binds or breaks, and is there a Lyapunov function."""
    settings = gather(game, parameters, length, steps, command="drift")
    prepare(programs)
    from smfg_verify.jobs.drift import find_drift
    from smfg_verify.report.files.drift import write_drift
    from smfg_verify.report.tables.drift import drift_tables

    with saving(results) as store:
        found = find_drift(settings.game, settings.run, store)
        screen().print(drift_tables(found))
        if results.out is not None:
            say_written_to(write_drift(found, results.out))
    return FINISHED


def bound(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    length: BoundRunOptions = BoundRunOptions(),
    steps: StepOptions = StepOptions(),
    proofs: ProofOptions = ProofOptions(),
    results: BoundOutOptions = BoundOutOptions(),
    figures: FigureOptions = FigureOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Bound a run's errors by the theorem of docs/theorem.md, from certified constants, or say which is missing."""
    settings = gather(game, parameters, length, steps, command="bound")
    prepare(programs)
    from smfg_verify.jobs.bound import find_bound
    from smfg_verify.report.theorem.files import write_bound
    from smfg_verify.report.theorem.tables import bound_tables

    with saving(results) as store:
        found = find_bound(settings.game, settings.run, proofs.budget, store)
        screen().print(bound_tables(found))
        if results.out is not None:
            say_written(write_bound(found, results.out, width=figures.width))
    return FINISHED


def theorems(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    steps: StepOptions = StepOptions(),
    hardness: CheckOptions = CheckOptions(),
    match: MatchOptions = MatchOptions(),
    results: TheoremsOutOptions = TheoremsOutOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Say which published theorems cover a game: of each hypothesis what decides it, or what would."""
    settings = gather(game, parameters, steps=steps, check=hardness, command="theorems")
    exponents = assigned_texts("--exponent", match.exponent or ())
    unused = sorted(given(hardness).keys() - {"budget", "time_limit"}) if match.report is not None else []
    if unused:
        raise InputError(f"--report: got {', '.join(unused)} too, expected --budget or --time-limit alone beside it.")
    check_settings, constants = settings.check, settings.given_run.get("schedule", {})
    prepare(programs)
    from smfg_verify.jobs.theorems import find_theorems
    from smfg_verify.report.theorems.files import write_theorems
    from smfg_verify.report.theorems.tables import theorem_tables
    from smfg_verify.theorems import power_steps

    with saving(results) as store:
        found = find_theorems(settings.game, check_settings, power_steps(constants, exponents), match.report, store)
        screen().print(theorem_tables(found))
        if results.out is not None:
            say_written(write_theorems(found, results.out))
    return FINISHED


def lab(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    length: LabRunOptions = LabRunOptions(),
    steps: StepOptions = StepOptions(),
    results: OutOptions = OutOptions(),
    figures: FigureOptions = FigureOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Sweep step constants and exponents: a heat map with the certified region, predicted optimum against found."""
    settings = gather(game, parameters, length, steps, command="lab")
    prepare(programs)
    from smfg_verify.jobs.lab import run_laboratory
    from smfg_verify.report.files.lab import write_lab
    from smfg_verify.report.tables.lab import lab_tables

    with saving(results, Path("results") / settings.game.short_name) as store:
        found = run_laboratory(settings.game, settings.run, store)
        written = write_lab(found, store.folder, width=figures.width)
        screen().print(lab_tables(found))
        say_written(written)
    return FINISHED


def compare(
    game: GameName,
    /,
    parameters: GameOptions = GameOptions(),
    budget: CompareOptions = CompareOptions(),
    results: OutOptions = OutOptions(),
    figures: FigureOptions = FigureOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Hold AC-SMFG against other methods: the same samples, the same tuning, exact measures, paired tests."""
    settings = gather(game, parameters, command="compare").game
    prepare(programs)
    from smfg_verify.comparison import CompareSettings, contender_names
    from smfg_verify.jobs.compare import make_comparison
    from smfg_verify.report.files.compare import write_comparison
    from smfg_verify.report.tables.comparison import comparison_tables

    how = CompareSettings(
        samples=budget.samples,
        seeds=budget.seeds,
        trials=budget.trials,
        tuning_samples=max(100, budget.samples // 2),
    )
    with saving(results, Path("results") / settings.short_name) as store:
        found = make_comparison(settings, budget.methods or contender_names(), how, store)
        written = write_comparison(found, store.folder, width=figures.width)
        screen().print(comparison_tables(found))
        say_written(written)
    return FINISHED
