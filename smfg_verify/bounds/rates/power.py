"""How many seeds and iterations tell a slope of -1/2 from one of -2/5: the power of `validate_bounds` on a game."""

import dataclasses
import enum
import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.bounds.rates.bootstrap import MIN_RESAMPLES, MIN_SEEDS, resample_counts
from smfg_verify.bounds.rates.change_point import ChangePoint, ChangeStatus, last_change_point
from smfg_verify.bounds.rates.decay import MIN_CHECKPOINTS, decay_rate, rate_window
from smfg_verify.bounds.rates.findings import CLAIMED_SLOPE
from smfg_verify.bounds.rates.sentences import ASSUMPTION, Obstacle
from smfg_verify.bounds.rates.transient import LeaderWay, asymptotic_window, transient_obstacle
from smfg_verify.errors import InputError
from smfg_verify.records.codec import kept, plain
from smfg_verify.records.documents import document, headed
from smfg_verify.records.status import NamedStatus

SCHEMA = "smfg-verify/power-plan"
SCHEMA_VERSION = 2

# The rate k^(-2/5) of nested bilevel methods.
ALTERNATIVE_SLOPE = -0.4
TARGET_POWER = 0.8
_SEEDS = (8, 16, 32, 64, 128, 256)
_ITERATION_FACTORS = (1, 4, 16)


@kept
class PlanStatus(NamedStatus, enum.StrEnum):
    """What a plan can say.

    Examples:
        >>> from smfg_verify.bounds import PlanStatus
        >>> [status.value for status in PlanStatus]
        ['planned', 'out of reach', 'inconclusive']
    """

    PLANNED = "planned"
    OUT_OF_REACH = "out of reach"
    INCONCLUSIVE = "inconclusive"


@kept
@dataclasses.dataclass(frozen=True)
class PowerCell:
    """One choice of seeds and iterations.

    Attributes:
        seeds, iterations: of the run planned.
        power: share of simulated runs of slope -1/2 whose interval excludes -2/5.
        error_rate: share of simulated runs of slope -2/5 whose interval excludes -2/5; nominally 1 - confidence.
        standard_error: of `power`, of the simulation alone: the pilot's own chance is not in it.

    Examples:
        >>> from smfg_verify.bounds import PowerCell
        >>> PowerCell(seeds=32, iterations=1000, power=0.9, error_rate=0.05, standard_error=0.02).samples
        32000
    """

    seeds: int
    iterations: int
    power: float
    error_rate: float
    standard_error: float

    @property
    def samples(self) -> int:
        """Seeds times iterations."""
        return self.seeds * self.iterations


@kept
@dataclasses.dataclass(frozen=True)
class PowerPlan:
    """Power of telling two slopes apart, from a pilot, see `plan_power`.

    Attributes:
        status: a `PlanStatus`.
        obstacle: why there is no recommendation, as a case with its numbers; the empty one otherwise.
        slope, alternative: told apart.
        confidence, target: of the interval, and the power asked for.
        pilot_seeds, pilot_iterations: of the pilot.
        window: first and last iteration of the pilot that the noise is taken from.
        change: the pilot's last change-point.
        num_simulations, num_resamples, seed: of the simulation.
        cells: one a choice, seeds varying fastest; empty where the pilot tells nothing.
        recommended: the cell of fewest samples whose power exceeds the target by two standard errors, or None.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import plan_power
        >>> k = np.unique(np.geomspace(1, 1e4, 30).astype(int))
        >>> noise = np.exp(0.05 * np.random.default_rng(0).normal(size=(8, len(k))))
        >>> plan = plan_power(noise * (k + 1.0) ** -0.5, k, seeds=(5, 10), num_simulations=100, num_resamples=100)
        >>> plan.status.value, len(plan.cells), plan.alternative
        ('planned', 6, -0.4)
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("reason", "assumption")

    status: PlanStatus
    obstacle: Obstacle
    slope: float
    alternative: float
    confidence: float
    target: float
    pilot_seeds: int
    pilot_iterations: int
    window: tuple[int, int]
    change: ChangePoint
    num_simulations: int
    num_resamples: int
    seed: int
    cells: tuple[PowerCell, ...]
    recommended: PowerCell | None

    @property
    def reason(self) -> str:
        """Why there is no recommendation, in words; empty otherwise."""
        return self.obstacle.sentence

    @property
    def assumption(self) -> str:
        """What the simulation takes for granted, in words."""
        return ASSUMPTION

    def to_json(self, **further: object) -> str:
        """The plan as JSON text with its schema version.

        Args:
            **further: entries to stand beside the plan, such as the game, as plain JSON values.

        Returns:
            The text.
        """
        return document(headed(SCHEMA, SCHEMA_VERSION, {**further, **plain(self)}))


def plan_power(
    values: Float[np.ndarray, "S C"],
    iterations: Int[np.ndarray, " C"],
    *,
    rounding: Float[np.ndarray, "S C"] | None = None,
    way: LeaderWay | None = None,
    seeds: Sequence[int] = _SEEDS,
    planned_iterations: Sequence[int] | None = None,
    alternative: float = ALTERNATIVE_SLOPE,
    target: float = TARGET_POWER,
    confidence: float = 0.95,
    num_simulations: int = 200,
    num_resamples: int = 400,
    seed: int = 0,
) -> PowerPlan:
    r"""How often a run of slope -1/2 would exclude -2/5, for each number of seeds and iterations.

    The pilot's noise is $m_{s,k} = e_{s,k} / \bar e_k$ on its window: the last two decades, from the last
    change-point on where there is one. A run of S seeds and K iterations is simulated as $(k+1)^{-1/2} m$ from the
    window's start to K, the pilot's checkpoints stretched in log(k + 1), m that of S pilot seeds drawn with
    replacement, and judged by the very interval of `decay_rate`. A slope of -2/5 multiplies by $(k+1)^{1/10}$, which
    shifts every interval by exactly 1/10: one simulation gives power and error rate.

    What is taken for granted stands in `ASSUMPTION`. Drawing from the few seeds of a pilot makes their noise the whole
    law: a heavy tail that they do not show is not planned for, and a pilot that is quieter than others plans too small.
    The standard error of a power is that of the simulation and leaves the pilot's own chance out.

    Args:
        values: the pilot's residual, one row a seed.
        iterations: its checkpoints.
        rounding: the size below which each value is only rounding error, whose noise is no residual's; none if None.
        way: `leader_way` of the pilot, which tells whether its leader has arrived; not looked at if None.
        seeds: numbers of seeds to plan for, each at least 5.
        planned_iterations: numbers of iterations to plan for; 1, 4 and 16 times the pilot's if None.
        alternative: the slope to be told from -1/2.
        target: power asked for.
        confidence: nominal coverage of the interval; 1 - confidence is the level.
        num_simulations: runs simulated for each choice.
        num_resamples: bootstrap resamples of each of them.
        seed: of all draws.

    Returns:
        The plan; inconclusive with a reason where the pilot has too few seeds or checkpoints, numbers that are not
        positive and finite or are at rounding level, or is still in its transient.

    Raises:
        ValueError: an option out of its range.

    Source: power by simulation from a pilot, textbook; the noise model and the pair of slopes are ours.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import plan_power
        >>> k = np.unique(np.geomspace(1, 1e4, 30).astype(int))
        >>> noise = np.exp(0.05 * np.random.default_rng(0).normal(size=(8, len(k))))
        >>> plan = plan_power(noise * (k + 1.0) ** -0.5, k, seeds=(5, 10), num_simulations=100, num_resamples=100)
        >>> plan.recommended.seeds, plan.recommended.power
        (5, 1.0)
    """
    check_choices(
        int(iterations[-1]),
        seeds=seeds,
        planned_iterations=planned_iterations,
        alternative=alternative,
        target=target,
        confidence=confidence,
        num_simulations=num_simulations,
        num_resamples=num_resamples,
    )
    change = last_change_point(values, iterations, rounding=rounding, confidence=confidence, seed=seed)
    mask = asymptotic_window(iterations, change)
    inside = np.asarray(iterations)[mask]
    plan = PowerPlan(
        status=PlanStatus.INCONCLUSIVE,
        obstacle=_obstacle(values, mask, change, way),
        slope=CLAIMED_SLOPE,
        alternative=alternative,
        confidence=confidence,
        target=target,
        pilot_seeds=len(values),
        pilot_iterations=int(iterations[-1]),
        window=(int(inside[0]), int(inside[-1])),
        change=change,
        num_simulations=num_simulations,
        num_resamples=num_resamples,
        seed=seed,
        cells=(),
        recommended=None,
    )
    if plan.obstacle:
        return plan
    lengths = planned_iterations or [factor * plan.pilot_iterations for factor in _ITERATION_FACTORS]
    noise = values[:, mask] / values[:, mask].mean(axis=0)
    cells = tuple(_cell(plan, noise, inside, number, length) for length in lengths for number in seeds)
    return _with_recommendation(dataclasses.replace(plan, cells=cells))


def _with_recommendation(plan: PowerPlan) -> PowerPlan:
    enough = [cell for cell in plan.cells if cell.power - 2.0 * cell.standard_error >= plan.target]
    if enough:
        best = min(enough, key=lambda cell: (cell.samples, cell.seeds))
        return dataclasses.replace(plan, status=PlanStatus.PLANNED, recommended=best)
    best = max(plan.cells, key=lambda cell: cell.power)
    facts = {"power": best.power, "seeds": best.seeds, "iterations": best.iterations}
    return dataclasses.replace(plan, status=PlanStatus.OUT_OF_REACH, obstacle=Obstacle("out-of-reach", facts))


def _cell(
    plan: PowerPlan, noise: Float[np.ndarray, "P W"], inside: Int[np.ndarray, " W"], seeds: int, iterations: int
) -> PowerCell:
    checkpoints = _planned_checkpoints(inside, iterations)
    mask = rate_window(checkpoints, (int(checkpoints[0]), int(checkpoints[-1])))
    counts = resample_counts(seeds, plan.num_resamples, plan.seed)
    generator = np.random.default_rng([plan.seed, seeds, iterations])
    shift = plan.alternative - plan.slope
    excluded, wrongly = 0, 0
    for _ in range(plan.num_simulations):
        paths = noise[generator.integers(len(noise), size=seeds)]
        rate = decay_rate(
            paths * (checkpoints + 1.0) ** plan.slope, checkpoints, mask, counts, confidence=plan.confidence
        )
        excluded += not rate.lower <= plan.alternative <= rate.upper
        wrongly += not rate.lower + shift <= plan.alternative <= rate.upper + shift
    power = excluded / plan.num_simulations
    # Of a share that came out 0 or 1 the usual formula gives no error at all; one count more or less is left.
    error = math.sqrt(max(power * (1.0 - power), 1.0 / plan.num_simulations) / plan.num_simulations)
    return PowerCell(seeds, iterations, power, wrongly / plan.num_simulations, error)


def _planned_checkpoints(inside: Int[np.ndarray, " W"], last: int) -> Int[np.ndarray, " W"]:
    """The pilot's checkpoints, stretched in log(k + 1) so that the first stays and the last is the last iteration."""
    x = np.log1p(inside)
    stretched = x[0] + (x - x[0]) * (np.log1p(last) - x[0]) / (x[-1] - x[0])
    result: Int[np.ndarray, " W"] = np.round(np.expm1(stretched)).astype(int)
    return result


def _obstacle(
    values: Float[np.ndarray, "S C"], mask: Bool[np.ndarray, " C"], change: ChangePoint, way: LeaderWay | None
) -> Obstacle:
    """Why the pilot tells nothing, if anything stands against it."""
    if change.status is ChangeStatus.INCONCLUSIVE:
        return change.obstacle
    if len(values) < MIN_SEEDS:
        return Obstacle("few-seeds", {"seeds": len(values), "least": MIN_SEEDS})
    if np.sum(mask) < MIN_CHECKPOINTS and change.status is not ChangeStatus.FOUND:
        return Obstacle("few-checkpoints-in-all", {"checkpoints": int(np.sum(mask)), "least": MIN_CHECKPOINTS})
    return transient_obstacle(mask, change, way)


def check_choices(
    pilot_iterations: int,
    *,
    seeds: Sequence[int] = _SEEDS,
    planned_iterations: Sequence[int] | None = None,
    alternative: float = ALTERNATIVE_SLOPE,
    target: float = TARGET_POWER,
    confidence: float = 0.95,
    num_simulations: int = 200,
    num_resamples: int = 400,
) -> None:
    """Refuse options of `plan_power` that are out of range; to be called before a pilot is run.

    Raises:
        ValueError: what was got and what was expected.
    """
    if not seeds or min(seeds) < MIN_SEEDS:
        raise InputError(f"seeds: got {list(seeds)}, expected numbers of at least {MIN_SEEDS}: fewer give no interval.")
    if planned_iterations is not None and (not planned_iterations or min(planned_iterations) < pilot_iterations):
        raise InputError(
            f"planned_iterations: got {list(planned_iterations)}, expected numbers of at least the pilot's "
            f"{pilot_iterations}; a shorter run is a part of the pilot."
        )
    if alternative == CLAIMED_SLOPE or not math.isfinite(alternative):
        raise InputError(f"alternative: got {alternative}, expected a slope other than {CLAIMED_SLOPE}.")
    for name, value in (("target", target), ("confidence", confidence)):
        if not 0.0 < value < 1.0:
            raise InputError(f"{name}: got {value}, expected a number in (0, 1).")
    for name, count in (("num_simulations", num_simulations), ("num_resamples", num_resamples)):
        if count < MIN_RESAMPLES:
            raise InputError(
                f"{name}: got {count}, expected at least {MIN_RESAMPLES}: shares and tail levels are read off them."
            )
