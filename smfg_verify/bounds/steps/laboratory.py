r"""The step-size laboratory: final $\|\nabla\Phi\|^2$ over step constants and exponents, measured and predicted."""

import functools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from smfg_verify.bounds.drift.inequalities import DriftInequality
from smfg_verify.bounds.drift.step_region import perron_root
from smfg_verify.bounds.local.linear_noise import expected_stationarity, linear_noise
from smfg_verify.bounds.steps.sentences import DRAWN, FOUND, NoOptimum, NoRegion
from smfg_verify.bounds.steps.sweep import (
    PARAMETERS,
    StepPlane,
    check_planes,
    default_planes,
    final_leaders,
    power_schedule,
    whole_choice,
)
from smfg_verify.bounds.steps.sweep_record import Laboratory, Optimum, PlaneResult
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_where_finite
from smfg_verify.game import AbstractGame
from smfg_verify.learners import LEARNERS
from smfg_verify.progress import Callback
from smfg_verify.records.parts import Keep, made_anew
from smfg_verify.stochastic.iterate import Sampling
from smfg_verify.stochastic.schedules import Schedule

# A standard error of fewer is hardly one.
MIN_SEEDS = 4
# Blocks of a prediction that is checked, twice the usual, and of how many choices one is.
_FINER, _CHECKED = 32, 6
_QUARTILES = (0.25, 0.5, 0.75)


def step_laboratory(
    game: AbstractGame,
    schedule: Schedule | None = None,
    *,
    num_iterations: int = 10_000,
    num_seeds: int = 16,
    sampling: Sampling = "markov",
    planes: Sequence[StepPlane] | None = None,
    inequalities: Mapping[str, DriftInequality] | None = None,
    callback: Callback | None = None,
    keep: Keep = made_anew,
) -> Laboratory:
    r"""Sweep step sizes around a schedule, and hold what is found against what is predicted.

    Each choice is run with the same seeds. The prediction (`linear_noise`) uses no run. The certified region is that
    of `step_region` for the inequalities given, which were fitted elsewhere: it is drawn at the step sizes of the last
    iteration, which for equal exponents is the same at every iteration.

    Args:
        game: the game.
        schedule: base step constants; `Schedule()` if None.
        num_iterations: of each run.
        num_seeds: of each choice, at least 4; as many fresh ones again, times four, for the two optima.
        sampling: "markov" or "iid".
        planes: what is swept; `default_planes` if None.
        inequalities: of `validate_drift`, for the region; None for no region.
        callback: called with the number of finished runs.
        keep: called with the name of each part (a plane, the prediction, the fresh seeds) and what makes it, to keep
            it or take back a kept one.

    Returns:
        The laboratory's record.

    Raises:
        ValueError: bad numbers, a zero step constant, no plane or an unknown parameter, an invalid game, float64 off.

    Source: ours; the prediction is van Kampen's expansion, see `linear_noise`.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import StepPlane, step_laboratory
        >>> plane = StepPlane("leader", "critic", np.array([0.1, 0.2]), np.array([1.0, 2.0]))
        >>> laboratory = step_laboratory(games.load("laffer-tax"), num_iterations=4, num_seeds=4, planes=[plane])
        >>> laboratory.found.choice["leader"] in (0.1, 0.2), laboratory.found.measured > 0.0
        (True, True)
    """
    schedule = Schedule() if schedule is None else schedule
    check_sweep(schedule, num_iterations, num_seeds)
    game = checked(game)
    base = whole_choice(schedule.constants())
    planes = default_planes(base) if planes is None else tuple(planes)
    check_planes(planes)
    choices = np.concatenate([plane.choices(base) for plane in planes])
    arguments = (num_iterations, sampling)
    squared, gap, objective, level = _swept(game, planes, base, np.arange(num_seeds), arguments, callback, keep)
    measured, error = squared.mean(axis=1), squared.std(axis=1, ddof=1) / np.sqrt(num_seeds)
    predicted = keep("predicted", lambda: _predicted(game, choices, *arguments))
    finer = keep("predicted-finer", lambda: _predicted(game, choices[::_CHECKED], *arguments, fineness=_FINER))
    change = _ratios(finer, predicted[::_CHECKED]) - 1.0
    certified, no_region = _region(choices, num_iterations, inequalities)
    tables = (measured, error, predicted, gap.mean(axis=1), objective.mean(axis=1), certified)
    fresh = np.arange(num_seeds, 5 * num_seeds)
    no_optimum = _no_optimum(measured, level.mean(axis=1))
    found, foreseen, difference = (None, None, (np.nan, np.nan))
    if not no_optimum:
        optima = functools.partial(_optima, game, choices, measured, predicted, fresh, arguments)
        found, foreseen, difference = keep("optima", optima)
    return Laboratory(
        base=schedule.constants(),
        num_iterations=num_iterations,
        seeds=num_seeds,
        sampling=sampling,
        planes=_split(planes, tables),
        found=found,
        foreseen=foreseen,
        no_optimum=no_optimum,
        difference=difference,
        rank_correlation=_rank_correlation(measured, predicted),
        ratio=_quartiles(_ratios(measured, predicted)),
        refinement=_largest(change),
        no_region=no_region,
    )


def check_sweep(schedule: Schedule, num_iterations: int, num_seeds: int) -> None:
    """Refuse a sweep that would tell nothing.

    Raises:
        ValueError: what was got and what was expected.
    """
    constants = schedule.constants()
    if min(constants.values()) <= 0.0:
        raise InputError(f"schedule: got the constants {constants}, expected all > 0: factors on zero change nothing.")
    if num_iterations < 1 or num_seeds < MIN_SEEDS:
        raise InputError(
            f"num_iterations, num_seeds: got {num_iterations} and {num_seeds}, expected at least 1 and {MIN_SEEDS}; a "
            "standard error needs several seeds."
        )


def _swept(
    game: AbstractGame,
    planes: Sequence[StepPlane],
    base: Mapping[str, float],
    seeds: np.ndarray,
    arguments: tuple[int, Sampling],
    callback: Callback | None,
    keep: Keep,
) -> np.ndarray:
    """`_measured` at the choices of all planes, (4, V, S), each plane a part."""
    done, tables, (num_iterations, sampling) = 0, [], arguments
    for number, plane in enumerate(planes):
        choices = plane.choices(base)
        told = None if callback is None else lambda runs, before=done: callback(before + runs)
        make = functools.partial(_measured, game, choices, seeds, num_iterations, sampling, told)
        tables.append(keep(f"plane-{number}-{plane.x}-{plane.y}", make))
        done += len(choices) * len(seeds)
    return np.concatenate(tables, axis=1)


def _measured(
    game: AbstractGame,
    choices: np.ndarray,
    seeds: np.ndarray,
    num_iterations: int,
    sampling: Sampling,
    callback: Callback | None = None,
) -> np.ndarray:
    """Final squared gradients, gaps, objectives and rounding of the first, (4, V, S); NaN where a run diverged."""
    logits = final_leaders(game, choices, seeds, num_iterations, sampling, callback=callback)
    points = evaluate_where_finite(game, logits.reshape(-1, *logits.shape[2:]))
    measures = (points.total_norm**2, points.total_gap, points.objective, points.error**2)
    return np.stack([measure.reshape(logits.shape[:2]) for measure in measures])


def _predicted(
    game: AbstractGame, choices: np.ndarray, num_iterations: int, sampling: Sampling, **options: int
) -> np.ndarray:
    law = linear_noise(game, power_schedule(choices), num_iterations, sampling, **options)
    return expected_stationarity(game, law).squared_gradient


def _region(
    choices: np.ndarray, num_iterations: int, inequalities: Mapping[str, DriftInequality] | None
) -> tuple[np.ndarray, NoRegion]:
    nowhere = np.zeros(len(choices), dtype=bool)
    if inequalities is None:
        return nowhere, NoRegion("not-given")
    unsolved = [name for name, inequality in inequalities.items() if not inequality.solved]
    if unsolved:
        return nowhere, NoRegion("unsolved", {"residuals": unsolved})
    steps = power_schedule(choices).at(num_iterations - 1)
    table = np.stack([np.asarray(step) for step in steps], axis=1)
    roots = [perron_root(inequalities, dict(zip(LEARNERS, row, strict=True))) for row in table]
    return np.asarray(roots) < 1.0, DRAWN


def _no_optimum(measured: Float[np.ndarray, " V"], level: Float[np.ndarray, " V"]) -> NoOptimum:
    """Why no choice is the best, if none is."""
    known = np.isfinite(measured)
    if not known.any():
        return NoOptimum("no-mean")
    if np.all(measured[known] <= level[known]):
        return NoOptimum("all-zero")
    return FOUND


def _optima(
    game: AbstractGame,
    choices: np.ndarray,
    measured: np.ndarray,
    predicted: np.ndarray,
    fresh: np.ndarray,
    arguments: tuple[int, Sampling],
) -> tuple[Optimum, Optimum | None, tuple[float, float]]:
    """The least of the sweep, that of the prediction, and their difference on fresh seeds."""
    places = [int(np.nanargmin(measured))]
    places += [int(np.nanargmin(predicted))] if np.isfinite(predicted).any() else []
    again = _measured(game, choices[places], fresh, *arguments)
    optima = [_optimum(choices[k], measured[k], predicted[k], again[:, row]) for row, k in enumerate(places)]
    if len(optima) == 1:
        return optima[0], None, (np.nan, np.nan)
    apart = again[0, 1] - again[0, 0]
    return optima[0], optima[1], (float(apart.mean()), float(apart.std(ddof=1) / np.sqrt(len(apart))))


def _optimum(choice: np.ndarray, measured: float, predicted: float, again: np.ndarray) -> Optimum:
    squared, gap, objective, _ = again
    return Optimum(
        choice=dict(zip(PARAMETERS, choice.tolist(), strict=True)),
        measured=float(measured),
        predicted=float(predicted),
        fresh=float(squared.mean()),
        fresh_error=float(squared.std(ddof=1) / np.sqrt(len(squared))),
        policy_gap=float(gap.mean()),
        objective=float(objective.mean()),
    )


def _split(planes: tuple[StepPlane, ...], tables: Sequence[np.ndarray]) -> tuple[PlaneResult, ...]:
    ends = np.cumsum([plane.shape[0] * plane.shape[1] for plane in planes])
    parts = zip(planes, *(np.split(table, ends[:-1]) for table in tables), strict=True)
    return tuple(_shaped(plane, *rows) for plane, *rows in parts)


def _shaped(plane: StepPlane, *rows: np.ndarray) -> PlaneResult:
    names = ("measured", "standard_error", "predicted", "policy_gap", "objective", "certified")
    return PlaneResult(plane=plane, **{name: row.reshape(plane.shape) for name, row in zip(names, rows, strict=True)})


def _rank_correlation(measured: np.ndarray, predicted: np.ndarray) -> float:
    """Of fewer than three choices, or of equal ones, there is none."""
    known = np.isfinite(measured) & np.isfinite(predicted)
    if known.sum() < 3 or np.ptp(measured[known]) == 0.0 or np.ptp(predicted[known]) == 0.0:
        return np.nan
    import scipy.stats  # a third of a second to import, which only a sweep should pay

    return float(scipy.stats.spearmanr(measured[known], predicted[known]).statistic)


def _ratios(values: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Not finite where the prediction is zero or none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: np.ndarray = values / predicted
        return result


def _largest(changes: np.ndarray) -> float:
    known = np.abs(changes[np.isfinite(changes)])
    return float(np.max(known)) if known.size else np.nan


def _quartiles(ratios: np.ndarray) -> tuple[float, float, float]:
    known = ratios[np.isfinite(ratios)]
    low, middle, high = np.quantile(known, _QUARTILES) if known.size else (np.nan, np.nan, np.nan)
    return float(low), float(middle), float(high)
