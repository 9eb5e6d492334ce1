r"""A run of AC-SMFG held against the lines of a convergence proof: drift, Lyapunov function, bound curves.

Everything here is empirical in one sense: constants are the smallest that hold at the recorded iterates, for the
expectations after one iteration, which are exact. They are not those of a theorem.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.bounds.drift.expected_residuals import MAX_POINTS, ExpectedResiduals, expected_residuals
from smfg_verify.bounds.drift.inequalities import RESIDUALS, DriftInequality, fit_inequality, held_out_violation
from smfg_verify.bounds.drift.lyapunov import LyapunovCertificate, RateConstants, certify, rate_matrix, undecided
from smfg_verify.bounds.drift.sentences import Undecided
from smfg_verify.bounds.drift.step_region import StepRegion, step_region
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.learners import LEARNERS
from smfg_verify.records.codec import kept
from smfg_verify.stochastic.schedules import Schedule
from smfg_verify.stochastic.trace import Trace

# The one iteration looked at is also asked about slower learners, or terms of one schedule could not be told apart.
_SLOWER = 0.25
_TRACKING = ("e_theta", "e_mu", "e_Vf", "e_Vl")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class BoundCurves:
    """The recursion of the inequalities, unrolled from the first iterate, beside the seeds it was not fitted to.

    Attributes:
        iterations: k, (C,).
        tracking: residual -> bound of its mean, (C,); infinite where the recursion blows up.
        leader: bound of the smallest mean e_omega over the iterations so far, (C,); infinite where a = 0.
        held_out: residual -> mean over the seeds left out, (C,).
        num_held_out: these seeds.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import BoundCurves
        >>> curves = BoundCurves(
        ...     iterations=np.array([0, 10]),
        ...     tracking={"e_mu": np.array([1.0, 0.5])},
        ...     leader=np.array([2.0, 1.0]),
        ...     held_out={"e_mu": np.array([1.0, 0.4])},
        ...     num_held_out=4,
        ... )
        >>> bool((curves.held_out["e_mu"] <= curves.tracking["e_mu"]).all())
        True
    """

    iterations: Int[np.ndarray, " C"]
    tracking: Mapping[str, Float[np.ndarray, " C"]]
    leader: Float[np.ndarray, " C"]
    held_out: Mapping[str, Float[np.ndarray, " C"]]
    num_held_out: int


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class DriftReport:
    """What became of each line of the proof.

    Attributes:
        constants: step constants of the run.
        data: the iterates looked at and the exact expectations after them.
        inequalities: residual -> its inequality.
        held_out: residual -> for each group of seeds left out, share of broken rows and largest excess, (K, 2).
        binding: residual -> (seed's row, iteration) at which its inequality is tightest; None where unsolved.
        lyapunov: weights of a common decrease at the run's step constants, or the proof that there are none.
        region: the step constants for which there are weights.
        markov_correction: residual -> largest |E[. | chains] - E[. | exact laws]| over the largest expected change.

    Examples:
        >>> from smfg_verify import ac_smfg, games
        >>> from smfg_verify.bounds import validate_drift
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> report = validate_drift(game, trace, folds=2)
        >>> report.constants["leader"], report.held_out["e_mu"].shape
        (0.2, (2, 2))
    """

    constants: Mapping[str, float]
    data: ExpectedResiduals
    inequalities: Mapping[str, DriftInequality]
    held_out: Mapping[str, Float[np.ndarray, "K 2"]]
    binding: Mapping[str, tuple[int, int] | None]
    lyapunov: LyapunovCertificate
    region: StepRegion
    markov_correction: Mapping[str, float]


def validate_drift(game: AbstractGame, trace: Trace, *, folds: int = 4, max_points: int = MAX_POINTS) -> DriftReport:
    """Fit every drift inequality to a run, hold it against seeds left out, and look for a Lyapunov function.

    Args:
        game: the game of the run.
        trace: the run, of AC-SMFG.
        folds: groups of seeds left out in turn.
        max_points: budget of the exact expectations, see `expected_residuals`.

    Returns:
        The report.

    Raises:
        ValueError: the trace of another game or of another method, float64 off, or a budget too small for one
            checkpoint.

    Source: the structure of the proof of Zeng et al. (arXiv 2509.15392); the inequalities, their constants and the
        search for weights are ours.

    Examples:
        >>> from smfg_verify import ac_smfg, games
        >>> from smfg_verify.bounds import validate_drift
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> report = validate_drift(game, trace, folds=2)
        >>> list(report.inequalities), all(line.violation < 1e-9 for line in report.inequalities.values())
        (['e_omega', 'e_theta', 'e_mu', 'e_Vf', 'e_Vl'], True)
    """
    constants = trace.metadata.step_constants
    data = expected_residuals(game, trace, schedules_around(constants), max_points=max_points)
    inequalities = {name: fit_inequality(data, name) for name in RESIDUALS}
    return DriftReport(
        constants=constants,
        data=data,
        inequalities=inequalities,
        held_out={name: held_out_violation(data, name, folds=folds) for name in RESIDUALS},
        binding={name: _binding(data, inequality) for name, inequality in inequalities.items()},
        lyapunov=_certificate(inequalities, constants),
        region=step_region(inequalities, constants),
        markov_correction={name: _markov_correction(data, name) for name in RESIDUALS},
    )


def _certificate(inequalities: Mapping[str, DriftInequality], constants: Mapping[str, float]) -> LyapunovCertificate:
    unsolved = [name for name, inequality in inequalities.items() if not inequality.solved]
    if unsolved:
        return undecided(Undecided("unsolved", {"residuals": unsolved}))
    return certify(rate_matrix(inequalities, constants))


def schedules_around(constants: Mapping[str, float]) -> list[Schedule]:
    """The run's own schedule, then with the leader slower, then the mean field too, then the follower too."""
    factors = [{}, *({name: _SLOWER for name in LEARNERS[:k]} for k in (1, 2, 3))]
    return [Schedule.from_constants({name: constants[name] * by.get(name, 1.0) for name in LEARNERS}) for by in factors]


def _binding(data: ExpectedResiduals, inequality: DriftInequality) -> tuple[int, int] | None:
    if not inequality.solved:
        return None
    row = inequality.binding % len(data.seeds)
    return int(data.seeds[row]), int(data.iterations[row])


def _markov_correction(data: ExpectedResiduals, residual: str) -> float:
    """At the run's own schedule; NaN where nothing changes by more than its rounding."""
    change = data.stationary[residual][0] - data.before[residual]
    apart = data.chains[residual][0] - data.stationary[residual][0]
    finite = np.isfinite(change) & np.isfinite(apart)
    if not np.any(np.abs(change[finite]) > data.rounding[residual][finite]):
        return float("nan")
    return float(np.max(np.abs(apart[finite])) / np.max(np.abs(change[finite])))


def bound_curves(
    report: DriftReport, residuals: Mapping[str, Float[np.ndarray, "S C"]], iterations: Int[np.ndarray, " C"]
) -> BoundCurves:
    r"""Unroll the fitted inequalities from the first iterate and set them beside seeds they were not fitted to.

    The recursion is linear, so it holds for means. The leader's squared gradient drives it and is that of the seeds
    held out, read between checkpoints along straight lines; its own bound is that of the ascent summed up,
    $\min_t E\,e_\omega \le [\Delta\Phi + \sum_k \zeta_k \sum_j b_j e_j^k + n \sum_k \zeta_k^2] / (a \sum_k \zeta_k)$,
    with $\Delta\Phi$ the largest rise of the mean objective recorded.

    Args:
        report: fitted to other seeds of the same game and step constants.
        residuals: "objective" and the five residuals of the seeds held out, from `exact_residuals`.
        iterations: their checkpoints, starting at 0.

    Returns:
        The curves, at the checkpoints.

    Raises:
        ValueError: checkpoints that do not start at 0, no seed, numbers that are not finite, or an inequality without
            constants.

    Examples:
        >>> from smfg_verify import ac_smfg, exact_residuals, games
        >>> from smfg_verify.bounds import bound_curves, validate_drift
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> fresh = ac_smfg(game, num_iterations=20, seeds=[2, 3], checkpoints=[0])
        >>> found = exact_residuals(game, fresh)
        >>> names = ("objective", "e_omega", "e_theta", "e_mu", "e_Vf", "e_Vl")
        >>> held_out = {name: getattr(found, name) for name in names}
        >>> curves = bound_curves(validate_drift(game, trace, folds=2), held_out, found.iterations)
        >>> curves.iterations.tolist(), curves.num_held_out, sorted(curves.tracking)
        ([0, 20], 2, ['e_Vf', 'e_Vl', 'e_mu', 'e_theta'])
    """
    iterations = np.asarray(iterations)
    if not iterations.size or iterations[0] != 0:
        raise InputError(f"iterations: got {iterations[:1]} first, expected 0: the recursion starts there.")
    tables = {name: np.asarray(residuals[name]) for name in (*RESIDUALS, "objective")}
    _require_numbers(report, tables)
    means = {name: np.mean(table, axis=0) for name, table in tables.items()}
    every = np.arange(iterations[-1] + 1)
    driving = np.interp(every, iterations, means["e_omega"])
    start = np.array([means[name][0] for name in _TRACKING])
    steps = jax.vmap(Schedule.from_constants(report.constants).at)(jnp.asarray(every))
    lines = jax.tree.map(jnp.asarray, RateConstants.of(report.inequalities))
    path, fed = map(np.asarray, _unrolled(lines, start, driving, jnp.stack(steps, axis=1)))
    leader = report.inequalities["e_omega"]
    zeta = np.cumsum(steps.leader)
    rise = max(0.0, float(np.max(means["objective"]) - means["objective"][0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        smallest = np.append(np.inf, ((rise + fed) / (leader.contraction * zeta))[:-1])
    return BoundCurves(
        iterations=iterations,
        tracking={name: path[iterations, k] for k, name in enumerate(_TRACKING)},
        leader=np.where(np.isnan(smallest), np.inf, smallest)[iterations],
        held_out=means,
        num_held_out=len(tables["objective"]),
    )


def _require_numbers(report: DriftReport, tables: Mapping[str, Float[np.ndarray, "S C"]]) -> None:
    for name, inequality in report.inequalities.items():
        if not inequality.solved:
            raise InputError(
                f"report: got no constants for {name} ({inequality.status}), expected those of every line."
            )
    for name, table in tables.items():
        bad = int(np.sum(~np.isfinite(table)))
        if bad or not table.size:
            raise InputError(
                f"residuals[{name!r}]: got {len(table)} seeds and {bad} numbers that are not finite, expected at least "
                "one seed and finite numbers; likely cause: runs that diverged. Leave those seeds out, and say so."
            )


@jax.jit
def _unrolled(
    constants: RateConstants, start: Float[Array, "4"], driving: Float[Array, " K"], steps: Float[Array, "K 4"]
) -> tuple[Float[Array, "K 4"], Float[Array, " K"]]:
    """Bounds of the tracking residuals at every iteration, and what they fed the leader with so far."""
    index, leader = np.array([RESIDUALS.index(name) for name in _TRACKING]), RESIDUALS.index("e_omega")

    def one(carry: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        (current, fed), (squared, step) = carry, now
        rates, noise = constants.matrix(step), constants.noise_at(step)
        fed = fed + rates[leader, index] @ current + noise[leader]
        moved = rates[np.ix_(index, index)] @ current + rates[index, leader] * squared + noise[index]
        following = jnp.where(jnp.isnan(current + moved), jnp.inf, jnp.maximum(current + moved, 0.0))
        return (following, fed), (current, fed)

    return jax.lax.scan(one, (start, jnp.zeros(())), (driving, steps))[1]
