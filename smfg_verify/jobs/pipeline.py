"""The jobs, one stage after the other: run, check, bounds; each stage returns its record, nothing is printed."""

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from smfg_verify.assumptions import (
    AssumptionReport,
    Finding,
    budget_settings,
    check,
    find_property,
    properties_checked,
    property_names,
    search_settings,
)
from smfg_verify.assumptions.programs_ahead import programs_ahead
from smfg_verify.bounds import (
    RUNNING_AVERAGE,
    BoundReport,
    RateFinding,
    RateVerdict,
    Residuals,
    exact_residuals,
    validate_bounds,
)
from smfg_verify.errors import InputError
from smfg_verify.exact import StackelbergGradient
from smfg_verify.game import AbstractGame, game_hash, game_name
from smfg_verify.jobs.finished import Finished, Store
from smfg_verify.jobs.one_game import at_uniform_leader, load_game
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import CheckSettings, Command, GameSettings, RunSettings
from smfg_verify.records.entries import Arguments, Entries
from smfg_verify.records.parts import Keep
from smfg_verify.stochastic import Schedule, Trace, ac_smfg, resume

T = TypeVar("T")
Tell = Callable[[AbstractGame, StackelbergGradient | AssumptionReport], None]

TRACE_FILE = "trace.nc"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Results:
    """What a job found; None where the job has no such stage.

    Attributes:
        command: "check", "run" or "validate".
        settings: the game's name and the parameters given.
        game: the game itself.
        uniform: equilibrium, objective and gradient under the uniform leader; NaN where not converged.
        run: settings of the stochastic run.
        trace: the run.
        check: settings of the check.
        assumptions: its findings.
        residuals: of the run, at every checkpoint of every seed.
        bounds: their rates.
        warnings: what the stages warned of, in words.
        timings: seconds of each stage.
    """

    command: Command
    settings: GameSettings
    game: AbstractGame
    uniform: StackelbergGradient
    run: RunSettings | None = None
    trace: Trace | None = None
    check: CheckSettings | None = None
    assumptions: AssumptionReport | None = None
    residuals: Residuals | None = None
    bounds: BoundReport | None = None
    warnings: tuple[str, ...] = ()
    timings: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def refuted(self) -> tuple[str, ...]:
        """Refuted statements that a property falls with, as property/statement."""
        return () if self.assumptions is None else self.assumptions.refuted

    @property
    def slower(self) -> tuple[str, ...]:
        """Residuals that decay slower than the claimed rate, among those judged."""
        return tuple(row.name for row in self.judged if row.verdict is RateVerdict.SLOWER)

    @property
    def judged(self) -> tuple[RateFinding, ...]:
        """Rows that can count against the claim."""
        return () if self.bounds is None else judged_rows(self.bounds)


def judged_rows(report: BoundReport) -> tuple[RateFinding, ...]:
    """Rows that can count against the claim.

    The policy-space gap carries no claim, and a running average may be slower because it remembers its start.
    """
    return tuple(row for row in report.rows if row.name not in ("policy_gap", RUNNING_AVERAGE))


def carry_out(
    command: Command,
    settings: GameSettings,
    directory: Path,
    *,
    run: RunSettings | None = None,
    check_settings: CheckSettings | None = None,
    resumed_with: Entries | None = None,
    overwrite: bool = False,
    store: Store | None = None,
    tell: Tell | None = None,
) -> Results:
    """Do a whole job and return everything it found. Bad settings are refused before anything is done or said.

    Args:
        command: which job; "validate" runs, then checks (along the run too), then measures the rates.
        settings: the game.
        directory: where the run keeps its checkpoint file; it exists.
        run: of a new run; defaults if None.
        check_settings: of the check; defaults if None.
        resumed_with: continue the directory's run, if there is one, which must have these settings; None for a new run.
        overwrite: whether a new run may replace another one in the directory.
        store: keeps what is finished; nothing is kept but the run if None.
        tell: of a check, called with its parts as they are found; what it fails with is not the job's affair.

    Returns:
        The results.

    Raises:
        ValueError: bad settings, or a directory that holds another run.
        OSError: the disk is full, or the directory cannot be written.
        KeyboardInterrupt: of the user; the run's checkpoint file is then up to date.
    """
    game, path, progress = load_game(settings), directory / TRACE_FILE, Progress()
    run, check_settings = run or RunSettings(), check_settings or CheckSettings()
    require_known(check_settings)
    resumed = resumed_with is not None and path.exists()
    if command != "check":
        run = _resumable(path, resumed_with or {}) if resumed else _startable(game, path, run, overwrite)
    found: Arguments = {}
    keep: Keep = _kept(store or Store(None), command, game, run, check_settings, path)
    checked = () if command == "run" else properties_checked(game, check_settings.properties)
    with (
        warnings.catch_warnings(record=True) as caught,
        programs_ahead(game, checked, search_settings(**check_settings.as_arguments())),
    ):
        warnings.simplefilter("always", UserWarning)
        found["uniform"] = at_uniform_leader(game, progress)
        if tell is not None and command == "check":
            keep = _telling(tell, game, found["uniform"], keep)
        if command != "check":
            found |= {"run": run, "trace": run_stage(game, run, path, progress, resumed=resumed)}
        if command != "run":
            constants = Schedule(**run.schedule).constants()
            report = check_stage(game, check_settings, constants, found.get("trace"), progress, keep)
            found |= {"check": check_settings, "assumptions": report}
        if command == "validate":
            found |= bounds_stage(game, found["trace"], progress, keep)
    said = tuple(dict.fromkeys(str(item.message) for item in caught if issubclass(item.category, UserWarning)))
    return Results(command=command, settings=settings, game=game, warnings=said, timings=progress.timings, **found)


def _kept(
    store: Store, command: Command, game: AbstractGame, run: RunSettings, check_settings: CheckSettings, trace: Path
) -> Finished:
    """The parts of this job; findings of one property do not depend on which other properties are asked for."""
    check = dataclasses.replace(check_settings, properties=None)
    if command == "check":
        return store.job(command, game, {"check": check})
    store.product(trace)
    return store.job(command, game, {"run": run, "check": check} if command == "validate" else {"run": run})


def _telling(tell: Tell, game: AbstractGame, uniform: StackelbergGradient, keep: Keep) -> Keep:
    """Tell of the equilibrium, and of the findings of each property once they are kept."""

    def told(part: StackelbergGradient | AssumptionReport) -> None:
        # What is warned of in it is warned of again when the results are written.
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tell(game, part)

    def kept(name: str, make: Callable[[], T]) -> T:
        part = keep(name, make)
        findings = cast(tuple[Finding, ...], part)
        told(AssumptionReport(game_name=game_name(game), game_hash=game_hash(game), settings={}, findings=findings))
        return part

    told(uniform)
    return kept


def require_known(settings: CheckSettings) -> None:
    """Refuse an unknown property or budget before anything is computed.

    Raises:
        ValueError: the closest known name is named.
    """
    budget_settings(settings.budget)
    for name in settings.properties or ():
        find_property(name)


def _resumable(path: Path, given: Entries) -> RunSettings:
    """The settings of the run in a checkpoint file, which must be those given."""
    found = settings_of(Trace.load(path))
    for name, value in {**given, **given.get("schedule", {})}.items():
        had = found.schedule.get(name, getattr(found, name, None))
        if name != "schedule" and value != had:
            raise InputError(f"--resume: got {name} = {value!r}, but the run of {path} has {had!r}; leave it out.")
    return found


def _startable(game: AbstractGame, path: Path, run: RunSettings, overwrite: bool) -> RunSettings:
    """The settings with all step constants, if no run would be lost but a finished one that is repeated bit for bit."""
    run = dataclasses.replace(run, schedule=Schedule(**run.schedule).constants())
    if path.exists() and not overwrite:
        found = Trace.load(path)
        same = found.metadata.game_hash == game_hash(game) and settings_of(found) == run
        if not (same and found.complete):
            state = "an unfinished run of these settings; --resume continues it," if same else "another run;"
            raise InputError(f"--out: {path} holds {state} --overwrite replaces it, or choose another directory.")
    return run


def run_stage(
    game: AbstractGame, settings: RunSettings, path: Path, progress: Progress, *, resumed: bool = False
) -> Trace:
    """Run AC-SMFG, recorded in a checkpoint file: anew, replacing the file, or from where the file stands."""
    verb = "Continuing" if resumed else "Running"
    title = f"{verb} AC-SMFG, {settings.seeds} seeds, {settings.iterations:,} iterations"
    with progress.stage("run", title, spinner=False):
        if resumed:
            return resume(game, path, progress=True)
        return ac_smfg(
            game,
            num_iterations=settings.iterations,
            seeds=range(settings.seeds),
            schedule=Schedule(**settings.schedule),
            sampling=settings.sampling,
            checkpoint_file=path,
            overwrite=True,
            progress=True,
        )


def settings_of(trace: Trace) -> RunSettings:
    """The settings a run was made with."""
    metadata = trace.metadata
    return RunSettings(int(trace.seeds.size), metadata.num_iterations, metadata.sampling, metadata.step_constants)


def check_stage(
    game: AbstractGame,
    settings: CheckSettings,
    step_sizes: Mapping[str, float] | None,
    trace: Trace | None,
    progress: Progress,
    keep: Keep,
) -> AssumptionReport:
    """Check properties, along the leaders of a run too where there is one."""
    trajectory = None
    if trace is not None:
        leaders = trace.leader_logits.reshape(-1, *trace.leader_logits.shape[-2:])
        trajectory = leaders[np.isfinite(leaders).all(axis=(1, 2))]
    along = "" if trajectory is None else f" and {len(trajectory):,} leaders along the run"
    names = properties_checked(game, settings.properties)
    title = f"Checking {len(names)} properties, {settings.budget} budget{along}{_left_out(names, settings)}"
    with progress.stage("check", title):
        return check(
            game,
            names,
            trajectory=trajectory,
            step_sizes=step_sizes,
            progress=progress.items(len(names)),
            keep=keep,
            **settings.as_arguments(),
        )


def _left_out(names: Sequence[str], settings: CheckSettings) -> str:
    """How many of all properties the size of the game leaves out."""
    number = 0 if settings.properties else len(property_names()) - len(names)
    return f" ({number} more need a dense table of all moves, too large here)" if number else ""


def bounds_stage(game: AbstractGame, trace: Trace, progress: Progress, keep: Keep) -> Arguments:
    """Residuals at every checkpoint, and their rates: fields of `Results` by name."""
    with progress.stage("bounds", "Measuring residuals at every checkpoint and their rates"):
        residuals = keep("residuals", lambda: exact_residuals(game, trace))
        return {"residuals": residuals, "bounds": validate_bounds(game, trace, residuals=residuals)}


def kept_run(
    job: Finished,
    name: str,
    game: AbstractGame,
    run: RunSettings,
    seeds: range,
    progress: Progress,
    follower_floor: float | None = None,
) -> Trace:
    """A run of AC-SMFG that is a part of a job: from where an interrupted one stands, if it is this one, or anew.

    Args:
        job: keeps the run's checkpoint file.
        name: of the part.
        game: the game.
        run: iterations, sampling and step constants.
        seeds: of the run.
        progress: is told of the iterations.
        follower_floor: of `ac_smfg`.

    Returns:
        The trace.
    """
    path, callback = job.checkpoint_file(name), progress.iterations(run.iterations)
    if path is not None and path.exists() and _is_run(path, game, run, seeds, follower_floor):
        return resume(game, path, callback=callback)
    return ac_smfg(
        game,
        num_iterations=run.iterations,
        seeds=seeds,
        schedule=Schedule(**run.schedule),
        sampling=run.sampling,
        checkpoint_file=path,
        overwrite=True,
        callback=callback,
        follower_floor=follower_floor,
    )


def _is_run(path: Path, game: AbstractGame, run: RunSettings, seeds: range, follower_floor: float | None) -> bool:
    try:
        found = Trace.load(path)
    except InputError:
        return False
    metadata = found.metadata
    same = (metadata.num_iterations, metadata.sampling) == (run.iterations, run.sampling)
    same = same and metadata.options.get("follower_floor") == follower_floor
    same = same and metadata.step_constants == Schedule(**run.schedule).constants()
    return same and metadata.game_hash == game_hash(game) and found.seeds.tolist() == list(seeds)
