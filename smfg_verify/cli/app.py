"""Commands of `smfg-verify`. What they need is imported when they run, so that --help answers at once."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from smfg_verify.cli.endings import (
    BAD_INPUT,
    EXIT_CODES,
    FINISHED,
    PROGRAM,
    STRICT_FAILURE,
    ending_of,
    say,
)
from smfg_verify.cli.options import Settings, check_options, gather, steps_of
from smfg_verify.cli.saving import InterruptedJob, saving, say_interrupted

_PLAIN_WIDTH = 120

# Typer depends on click in some versions and carries a copy in others, so this class has no fixed home.
_UsageError: Any = typer.BadParameter.__bases__[0]

app = typer.Typer(
    help="Verify the theory of learning in Stackelberg mean field games on concrete games.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

GameName = Annotated[
    str,
    typer.Argument(
        metavar="GAME",
        help="A name out of `games`, or a file of yours: file.py, file.py:Class, :instance or :function.",
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="A parameter of the game, such as kappa=2 or kappa=[1,2]; repeatable."
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file with tables game, run, schedule, check; the command line wins over it.")
]
Out = Annotated[Path | None, typer.Option(help="Directory of the results; results/GAME if not given.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if a property is refuted or a rate slower.")]
Properties = Annotated[
    list[str] | None, typer.Option("--property", metavar="NAME", help="A property to check; repeatable [all].")
]
Budget = Annotated[str | None, typer.Option(help="How hard the check searches: quick, normal or thorough [normal].")]
Leaders = Annotated[int | None, typer.Option(help="Random leaders of the check [the budget's].")]
Starts = Annotated[int | None, typer.Option(help="Starts of each worst-case search [the budget's].")]
CheckSeed = Annotated[int | None, typer.Option("--check-seed", help="Seed of the check's random draws [0].")]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        help="Cut each proof by branch and bound short after so long [never]; its finding then says so.",
    ),
]
Seeds = Annotated[int | None, typer.Option(help="Number of seeds of the run [64].")]
Iterations = Annotated[int | None, typer.Option(help="Iterations of the run [400000].")]
Sampling = Annotated[str | None, typer.Option(help="markov or iid [markov].")]
LeaderStep = Annotated[float | None, typer.Option(help="c of the leader's step size zeta = c / sqrt(k + 1).")]
MeanFieldStep = Annotated[float | None, typer.Option(help="The same of the mean field's, xi.")]
FollowerStep = Annotated[float | None, typer.Option(help="The same of the follower's, alpha.")]
CriticStep = Annotated[float | None, typer.Option(help="The same of the critics', beta.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from what an interrupted command of these settings left in --out.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace another run in the results' directory.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line, without the program's name; those of this process if None.

    Returns:
        The exit code, see `EXIT_CODES`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = typer.main.get_command(app)(args=given or ["--help"], prog_name=PROGRAM, standalone_mode=False)
    except _UsageError as error:
        return say(error.format_message(), BAD_INPUT)
    except InterruptedJob as interruption:
        return say_interrupted(interruption.saved, given)
    except typer.Abort:
        return say_interrupted(None, given)
    except Exception as error:
        return ending_of(error, given)
    return FINISHED if code is None else int(code)


def _screen() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def _say_written(paths: Iterable[Path]) -> None:
    _screen().print(f"Written: {', '.join(map(str, paths))}", soft_wrap=True, markup=False)


def _exact_arithmetic() -> None:
    import jax

    jax.config.update("jax_enable_x64", True)


@app.command()
def games() -> int:
    """List the games with their sizes and sources."""
    from smfg_verify.games import describe, names
    from smfg_verify.report.tables.game import games_table

    _screen().print(games_table(describe(name) for name in names()))
    return FINISHED


@app.command()
def show(game: GameName, assignments: Assignments = None, config: Config = None) -> int:
    """Show a game: sizes, parameters, formula, and its equilibrium and gradient under a uniform leader."""
    _exact_arithmetic()
    from smfg_verify.jobs import pipeline
    from smfg_verify.report import show

    settings = gather(game, assignments or (), config).game
    loaded = pipeline.load_game(settings)
    show.show_game(_screen(), loaded, settings, pipeline.at_uniform_leader(loaded))
    return FINISHED


@app.command()
def check(
    game: GameName,
    assignments: Assignments = None,
    config: Config = None,
    properties: Properties = None,
    budget: Budget = None,
    leaders: Leaders = None,
    starts: Starts = None,
    check_seed: CheckSeed = None,
    time_limit: TimeLimit = None,
    leader_step: LeaderStep = None,
    mean_field_step: MeanFieldStep = None,
    follower_step: FollowerStep = None,
    critic_step: CriticStep = None,
    out: Out = None,
    resume: Resume = False,
    strict: Strict = False,
) -> int:
    """Check the properties that the theory assumes."""
    hard = check_options(properties, budget, leaders, starts, check_seed, time_limit)
    steps = steps_of(leader_step, mean_field_step, follower_step, critic_step)
    settings = gather(game, assignments or (), config, schedule=steps, check=hard)
    return _carry_out("check", settings, out, strict, resume=resume)


@app.command()
def atlas(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[GAME]...", help="Games [all that are shipped].")
    ] = None,
    properties: Properties = None,
    budget: Budget = None,
    leaders: Leaders = None,
    starts: Starts = None,
    check_seed: CheckSeed = None,
    time_limit: TimeLimit = None,
    out: Out = None,
    resume: Resume = False,
    strict: Strict = False,
) -> int:
    """Check every shipped game, and print one table of games by properties."""
    hard = check_options(properties, budget, leaders, starts, check_seed, time_limit)
    settings = gather("atlas", (), None, check=hard).check
    _exact_arithmetic()
    from smfg_verify import games
    from smfg_verify.jobs.atlas import make_atlas
    from smfg_verify.report.show import show_atlas

    with saving(out, Path("results") / "atlas", resume=resume) as store:
        found = make_atlas(names or games.names(), settings, store)
        show_atlas(_screen(), found, store.directory)
    return STRICT_FAILURE if strict and found.refuted else FINISHED


@app.command()
def run(
    game: GameName,
    assignments: Assignments = None,
    config: Config = None,
    seeds: Seeds = None,
    iterations: Iterations = None,
    sampling: Sampling = None,
    leader_step: LeaderStep = None,
    mean_field_step: MeanFieldStep = None,
    follower_step: FollowerStep = None,
    critic_step: CriticStep = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    strict: Strict = False,
) -> int:
    """Run AC-SMFG."""
    given = {"seeds": seeds, "iterations": iterations, "sampling": sampling}
    steps = steps_of(leader_step, mean_field_step, follower_step, critic_step)
    settings = gather(game, assignments or (), config, run=given, schedule=steps)
    return _carry_out("run", settings, out, strict, resume=resume, overwrite=overwrite)


@app.command()
def validate(
    game: GameName,
    assignments: Assignments = None,
    config: Config = None,
    seeds: Seeds = None,
    iterations: Iterations = None,
    sampling: Sampling = None,
    leader_step: LeaderStep = None,
    mean_field_step: MeanFieldStep = None,
    follower_step: FollowerStep = None,
    critic_step: CriticStep = None,
    properties: Properties = None,
    budget: Budget = None,
    leaders: Leaders = None,
    starts: Starts = None,
    check_seed: CheckSeed = None,
    time_limit: TimeLimit = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    strict: Strict = False,
) -> int:
    """Run AC-SMFG, check the properties along the run too, and hold its residuals against the claimed rate."""
    given = {"seeds": seeds, "iterations": iterations, "sampling": sampling}
    steps = steps_of(leader_step, mean_field_step, follower_step, critic_step)
    hard = check_options(properties, budget, leaders, starts, check_seed, time_limit)
    settings = gather(game, assignments or (), config, run=given, schedule=steps, check=hard)
    return _carry_out("validate", settings, out, strict, resume=resume, overwrite=overwrite)


@app.command()
def cases(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Cases [all].")] = None,
    full: Annotated[
        bool, typer.Option("--full/--quick", help="The whole of each case, minutes; or seconds each.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Directory of cases.json and cases.md; nothing is written if not given.")
    ] = None,
    resume: Resume = False,
) -> int:
    """Run cases: claims of the theory, each measured and held against what it predicts. Exit code 1 if one fails."""
    _exact_arithmetic()
    from smfg_verify.cases import CaseVerdict, Version, run_cases
    from smfg_verify.jobs.progress import Progress
    from smfg_verify.report.files.cases import write_cases
    from smfg_verify.report.tables.cases import cases_tables

    progress = Progress()
    version = Version.FULL if full else Version.QUICK
    with saving(out, resume=resume) as store:
        keep = store.job("cases", None, {"version": version})
        outcomes = run_cases(names or None, version, progress=lambda name: progress.say(f"Case {name} ..."), keep=keep)
        _screen().print(cases_tables(outcomes))
        if out is not None:
            _say_written(write_cases(outcomes, out))
    return STRICT_FAILURE if any(outcome.verdict is CaseVerdict.FAILS for outcome in outcomes) else FINISHED


@app.command()
def plan(
    game: GameName,
    assignments: Assignments = None,
    config: Config = None,
    pilot_seeds: Annotated[int, typer.Option(help="Seeds of the pilot.")] = 32,
    pilot_iterations: Annotated[int, typer.Option(help="Iterations of the pilot.")] = 100_000,
    seeds: Annotated[
        list[int] | None, typer.Option(help="A number of seeds to plan for; repeatable [8, 16, ... 256].")
    ] = None,
    iterations: Annotated[
        list[int] | None,
        typer.Option(help="A number of iterations to plan for; repeatable [1, 4, 16 times the pilot's]."),
    ] = None,
    sampling: Sampling = None,
    leader_step: LeaderStep = None,
    mean_field_step: MeanFieldStep = None,
    follower_step: FollowerStep = None,
    critic_step: CriticStep = None,
    out: Annotated[Path | None, typer.Option(help="Directory of plan.json; nothing is written if not given.")] = None,
    resume: Resume = False,
) -> int:
    """Run a pilot, and say how many seeds and iterations tell a slope of -1/2 from one of -2/5."""
    given = {"seeds": pilot_seeds, "iterations": pilot_iterations, "sampling": sampling}
    steps = steps_of(leader_step, mean_field_step, follower_step, critic_step)
    settings = gather(game, assignments or (), config, run=given, schedule=steps)
    run_settings = settings.run
    choices = {name: value for name, value in (("seeds", seeds), ("planned_iterations", iterations)) if value}
    _exact_arithmetic()
    from smfg_verify.jobs.plan import make_plan
    from smfg_verify.report.files.plan import write_plan
    from smfg_verify.report.tables.plan import plan_tables

    with saving(out, resume=resume) as store:
        made = make_plan(settings.game, run_settings, store, **choices)
        _screen().print(plan_tables(made))
        if out is not None:
            _screen().print(f"Written to {write_plan(made, out)}", soft_wrap=True, markup=False)
    return FINISHED


@app.command()
def drift(
    game: GameName,
    assignments: Assignments = None,
    config: Config = None,
    seeds: Annotated[int, typer.Option(help="Seeds that the constants are fitted to.")] = 4,
    iterations: Annotated[int, typer.Option(help="Iterations of each seed.")] = 5000,
    sampling: Sampling = None,
    leader_step: LeaderStep = None,
    mean_field_step: MeanFieldStep = None,
    follower_step: FollowerStep = None,
    critic_step: CriticStep = None,
    out: Annotated[Path | None, typer.Option(help="Directory of drift.json; nothing is written if not given.")] = None,
    resume: Resume = False,
) -> int:
    """Hold a run against a proof's drift inequalities: which one binds or breaks, and is there a Lyapunov function."""
    given = {"seeds": seeds, "iterations": iterations, "sampling": sampling}
    steps = steps_of(leader_step, mean_field_step, follower_step, critic_step)
    settings = gather(game, assignments or (), config, run=given, schedule=steps)
    _exact_arithmetic()
    from smfg_verify.jobs.drift import find_drift
    from smfg_verify.report.files.drift import write_drift
    from smfg_verify.report.tables.drift import drift_tables

    with saving(out, resume=resume) as store:
        found = find_drift(settings.game, settings.run, store)
        _screen().print(drift_tables(found))
        if out is not None:
            _screen().print(f"Written to {write_drift(found, out)}", soft_wrap=True, markup=False)
    return FINISHED


@app.command()
def lab(
    game: GameName,
    assignments: Assignments = None,
    config: Config = None,
    seeds: Annotated[int, typer.Option(help="Seeds of every choice of step sizes.")] = 16,
    iterations: Annotated[int, typer.Option(help="Iterations of each run.")] = 10_000,
    sampling: Sampling = None,
    leader_step: LeaderStep = None,
    mean_field_step: MeanFieldStep = None,
    follower_step: FollowerStep = None,
    critic_step: CriticStep = None,
    out: Out = None,
    resume: Resume = False,
) -> int:
    """Sweep step constants and exponents: a heat map with the certified region, predicted optimum against found."""
    given = {"seeds": seeds, "iterations": iterations, "sampling": sampling}
    steps = steps_of(leader_step, mean_field_step, follower_step, critic_step)
    settings = gather(game, assignments or (), config, run=given, schedule=steps)
    _exact_arithmetic()
    from smfg_verify.jobs.lab import run_laboratory
    from smfg_verify.report.files.lab import write_lab
    from smfg_verify.report.tables.lab import lab_tables

    with saving(out, Path("results") / settings.game.short_name, resume=resume) as store:
        found = run_laboratory(settings.game, settings.run, store)
        written = write_lab(found, store.directory)
        _screen().print(lab_tables(found))
        _say_written(written)
    return FINISHED


@app.command()
def compare(
    game: GameName,
    assignments: Assignments = None,
    config: Config = None,
    methods: Annotated[
        list[str] | None, typer.Option("--method", metavar="NAME", help="A method; repeatable [all seven].")
    ] = None,
    samples: Annotated[int, typer.Option(help="Transitions that each sampled method may draw.")] = 100_000,
    seeds: Annotated[int, typer.Option(help="Seeds of the comparison.")] = 16,
    trials: Annotated[int, typer.Option(help="Random step sizes tried for each method, on other seeds.")] = 8,
    out: Out = None,
    resume: Resume = False,
) -> int:
    """Hold AC-SMFG against other methods: the same samples, the same tuning, exact measures, paired tests."""
    settings = gather(game, assignments or (), config)
    _exact_arithmetic()
    from smfg_verify.comparison import CompareSettings, contender_names
    from smfg_verify.jobs.compare import make_comparison
    from smfg_verify.report.files.compare import write_comparison
    from smfg_verify.report.tables.comparison import comparison_tables

    how = CompareSettings(samples=samples, seeds=seeds, trials=trials, tuning_samples=max(100, samples // 2))
    with saving(out, Path("results") / settings.game.short_name, resume=resume) as store:
        found = make_comparison(settings.game, methods or contender_names(), how, store)
        written = write_comparison(found, store.directory)
        _screen().print(comparison_tables(found))
        _say_written(written)
    return FINISHED


def _carry_out(
    command: Any, settings: Settings, out: Path | None, strict: bool, *, resume: bool = False, overwrite: bool = False
) -> int:
    run_settings, check_settings = settings.run, settings.check
    _exact_arithmetic()
    from smfg_verify.jobs import pipeline
    from smfg_verify.report import show

    with saving(out, Path("results") / settings.game.short_name, resume=resume) as store:
        results = pipeline.carry_out(
            command,
            settings.game,
            store.directory,
            run=run_settings,
            check_settings=check_settings,
            resumed_with=settings.given_run if resume else None,
            overwrite=overwrite,
            store=store,
        )
        show.show_results(_screen(), results, store.directory, show.write_files(results, store.directory))
    return STRICT_FAILURE if strict and (results.refuted or results.slower) else FINISHED
