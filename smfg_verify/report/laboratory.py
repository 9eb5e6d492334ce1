"""The step-size laboratory as a job: its run, its tables, lab.json and the figure."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.bounds.drift import validate_drift
from smfg_verify.bounds.drift_inequalities import LEARNERS, DriftInequality
from smfg_verify.bounds.laboratory import Laboratory, Optimum, check_sweep, step_laboratory
from smfg_verify.bounds.step_sweep import default_planes, whole_choice
from smfg_verify.errors import InputError
from smfg_verify.files import write_in
from smfg_verify.game import AbstractGame
from smfg_verify.report.drawing import figure_files
from smfg_verify.report.finished import Store
from smfg_verify.report.laboratory_figure import laboratory_figure
from smfg_verify.report.pipeline import load_game
from smfg_verify.report.progress import Progress
from smfg_verify.report.record import game_record, plain
from smfg_verify.report.settings import GameSettings, RunSettings
from smfg_verify.report.tables import brief_table, pairs_table
from smfg_verify.stochastic import Schedule, ac_smfg

LAB_FILE, LAB_FIGURE = "lab.json", "lab"
FORMAT, SCHEMA_VERSION = "smfg-verify lab", 1
# The run that the drift inequalities are fitted to.
_DRIFT_SEEDS, _DRIFT_ITERATIONS, _DRIFT_CHECKPOINTS = 4, 5000, 24


@dataclasses.dataclass(frozen=True)
class LabResult:
    """A laboratory with its game and settings."""

    settings: GameSettings
    game: AbstractGame
    run: RunSettings
    lab: Laboratory


def run_laboratory(settings: GameSettings, run: RunSettings, store: Store | None = None) -> LabResult:
    """Fit the drift inequalities at the base step constants, then sweep around them.

    Args:
        settings: the game.
        run: seeds, iterations and sampling of every run, and the base step constants.
        store: keeps what is finished; nothing is kept if None.

    Returns:
        The result; without a certified region, and with the reason, where the drift is out of reach.

    Raises:
        ValueError: bad settings.
    """
    game, progress = load_game(settings), Progress()
    schedule = Schedule(**run.schedule)
    run = dataclasses.replace(run, schedule=schedule.constants())
    check_sweep(schedule, run.iterations, run.seeds)
    job = (store or Store(None)).job("lab", game, {"run": run})
    with progress.stage("drift", "Fitting drift inequalities at the base step constants"):
        inequalities, obstacle = job("inequalities", lambda: _inequalities(game, schedule, run))
    planes = default_planes(whole_choice(run.schedule))
    total = run.seeds * sum(math.prod(plane.shape) for plane in planes)
    with progress.stage("sweep", f"Sweeping step sizes, {total:,} runs of {run.iterations:,} iterations"):
        lab = step_laboratory(
            game,
            schedule,
            num_iterations=run.iterations,
            num_seeds=run.seeds,
            sampling=run.sampling,
            planes=planes,
            inequalities=inequalities,
            callback=progress.counted(total, "runs"),
            keep=job,
        )
    return LabResult(settings, game, run, dataclasses.replace(lab, region_missing=obstacle or lab.region_missing))


def _inequalities(
    game: AbstractGame, schedule: Schedule, run: RunSettings
) -> tuple[dict[str, DriftInequality] | None, str]:
    trace = ac_smfg(
        game,
        num_iterations=_DRIFT_ITERATIONS,
        seeds=range(_DRIFT_SEEDS),
        schedule=schedule,
        sampling=run.sampling,
        checkpoints=_DRIFT_CHECKPOINTS,
    )
    try:
        return dict(validate_drift(game, trace).inequalities), ""
    except InputError as error:  # the budget of exact expectations
        return None, str(error)


def lab_tables(result: LabResult) -> Group:
    """Both optima on fresh seeds, and how well the prediction does over the whole sweep."""
    lab = result.lab
    parts = [
        *([] if lab.found is None else [_optima(lab)]),
        pairs_table(f"Step-size laboratory on {result.settings.name}", _summary(lab)),
    ]
    return Group(*parts, Text(_answer(lab)))


def _optima(lab: Laboratory) -> Table:
    columns = ("optimum", "step constants", "exponents", "measured", "predicted", "fresh seeds", "policy gap", "Phi")
    table = brief_table("Least final ||grad Phi(omega)||^2", *columns, unbroken="optimum")
    for name, optimum in (("found", lab.found), ("predicted", lab.foreseen)):
        if optimum is not None:
            table.add_row(name, *_cells(optimum))
    table.caption = Text(
        f"measured: mean of {lab.seeds} seeds, the same for every choice; the least of many such means is too small. "
        f"fresh seeds: mean of {4 * lab.seeds} seeds that were not in the sweep, +- its standard error; "
        "policy gap and Phi are theirs. A small gradient in logits with a large policy gap is a saturated softmax, not "
        "a stationary policy."
    )
    table.caption_justify = "left"
    return table


def _cells(optimum: Optimum) -> tuple[str, ...]:
    choice = optimum.choice
    constants = ", ".join(f"{name} {choice[name]:.3g}" for name in LEARNERS)
    exponents = f"leader {choice['leader_exponent']:.2g}, others {choice['tracking_exponent']:.2g}"
    swept = (f"{optimum.measured:.3g}", f"{optimum.predicted:.3g}")
    fresh = f"{optimum.fresh:.3g} +- {optimum.fresh_error:.2g}"
    return (constants, exponents, *swept, fresh, f"{optimum.policy_gap:.3g}", f"{optimum.objective:.4g}")


def _summary(lab: Laboratory) -> dict[str, str]:
    measured = np.concatenate([plane.measured.ravel() for plane in lab.planes])
    certified = np.concatenate([plane.certified.ravel() for plane in lab.planes])
    low, middle, high = lab.ratio
    shares = f"{np.mean(certified):.0%} of {certified.size} choices" if not lab.region_missing else lab.region_missing
    return {
        "runs": f"{measured.size} choices, {lab.seeds} seeds, {lab.num_iterations:,} iterations, {lab.sampling}",
        "diverged": f"{np.sum(~np.isfinite(measured))} choices",
        "drift certifies": shares,
        "measured / predicted": _known(middle, f"median {middle:.3g}, quartiles {low:.3g} to {high:.3g}"),
        "rank correlation": _known(lab.rank_correlation, f"{lab.rank_correlation:.3f} (Spearman)"),
        "error of the prediction's integration": _known(
            lab.refinement, f"{lab.refinement:.2g} relative, blocks halved"
        ),
    }


def _known(number: float, said: str) -> str:
    return "none" if math.isnan(number) else said


def _answer(lab: Laboratory) -> str:
    if lab.found is None:
        return f"No optimum: {lab.undecided}.\n"
    if lab.foreseen is None:
        return "No prediction: the linear noise approximation gives no finite number for any choice.\n"
    apart, error = lab.difference
    if lab.found.choice == lab.foreseen.choice:
        return "The predicted optimum is the one found.\n"
    if not (math.isfinite(apart) and math.isfinite(error)):
        return "The predicted optimum is another than the one found; on fresh seeds they could not be compared.\n"
    said = "cannot be told apart" if abs(apart) <= 2.0 * error else "differ"
    return (
        f"On fresh seeds the predicted optimum's mean is {apart:+.2g} +- {error:.2g} above that of the one found: at "
        f"two standard errors they {said}.\n"
    )


def write_lab(result: LabResult, directory: Path) -> list[Path]:
    """Write lab.json and the figure, all or nothing, into a directory that exists; returns the files."""
    record = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "game": game_record(result.game, result.settings.name),
        "run": plain(result.run),
        "lab": plain(result.lab),
    }
    text = json.dumps(record, indent=1, allow_nan=False)
    contents = {LAB_FILE: f"{text}\n".encode(), **figure_files(laboratory_figure(result.lab), LAB_FIGURE)}
    return write_in(directory, contents)
