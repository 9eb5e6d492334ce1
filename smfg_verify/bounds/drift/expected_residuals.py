"""Residuals before one iteration of AC-SMFG and their exact conditional expectations after it, along a run."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer

from smfg_verify.bounds.drift.one_step import Outcomes, num_outcomes, num_population_points, outcomes
from smfg_verify.bounds.local.components import Components
from smfg_verify.bounds.rates.run_residuals import measure, require_same_game
from smfg_verify.bounds.rates.tracking_residuals import LARGEST_BATCH, tracking_of_points, tracking_residuals
from smfg_verify.errors import InputError
from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, evaluate_leaders
from smfg_verify.exact.gradient.stackelberg import gradient_of_logits
from smfg_verify.exact.precision import require_float64
from smfg_verify.game import AbstractGame, traced, validate
from smfg_verify.game.base import AnyArray
from smfg_verify.records.codec import kept
from smfg_verify.stochastic.schedules import Schedule, StepSizes
from smfg_verify.stochastic.trace import Trace
from smfg_verify.stochastic.value_bounds import ValueBounds, value_bounds

T = TypeVar("T")

QUANTITIES = ("objective", "e_omega", "e_theta", "e_mu", "e_Vf", "e_Vl")
# Next iterates measured by one call.
_POINTS_A_CALL = 4096
# Next iterates measured for a whole run by default: seconds for a game of two states.
MAX_POINTS = 200_000


@kept
class ExpectedResiduals(NamedTuple):
    """Residuals at P iterates of a run, and expected after one more iteration under V schedules.

    NaN where an equilibrium that counts was not found.

    Attributes:
        seeds: row of the trace, (P,).
        iterations: completed iterations k, (P,).
        steps: zeta_k, xi_k, alpha_k, beta_k of each schedule, (V, P, 4).
        before: name of a quantity -> its value, (P,).
        rounding: name -> the size below which it is only rounding error, (P,).
        stationary: name -> expectation where both chains have their exact laws, (V, P).
        chains: name -> expectation given where the chains stand, (V, P).
        num_outcomes: samples that one iteration can draw.
        num_left_out: recorded iterates that were left out to stay within the budget.

    Examples:
        >>> from smfg_verify import Schedule, ac_smfg, games
        >>> from smfg_verify.bounds import expected_residuals
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> expected = expected_residuals(game, trace, [Schedule()])
        >>> expected.steps.shape, expected.iterations.tolist()
        ((1, 4, 4), [10, 20, 10, 20])
    """

    seeds: Integer[np.ndarray, " P"]
    iterations: Int[np.ndarray, " P"]
    steps: Float[np.ndarray, "V P 4"]
    before: dict[str, Float[np.ndarray, " P"]]
    rounding: dict[str, Float[np.ndarray, " P"]]
    stationary: dict[str, Float[np.ndarray, "V P"]]
    chains: dict[str, Float[np.ndarray, "V P"]]
    num_outcomes: int
    num_left_out: int


def expected_residuals(
    game: AbstractGame, trace: Trace, schedules: Sequence[Schedule], *, max_points: int = MAX_POINTS
) -> ExpectedResiduals:
    r"""$e^k$ and $E[e^{k+1} \mid x_k]$ of every residual and of the objective, at iterates of a run.

    The expectation is the finite sum over everything that the iteration may draw. What the iteration does at x_k is
    known for any step sizes, so several schedules can be asked about the iterates of one run.

    Args:
        game: the game of the run.
        trace: recorded iterates.
        schedules: step sizes of the one iteration.
        max_points: next iterates measured in all; where the run holds more, its checkpoints are thinned evenly.

    Returns:
        The expectations.

    Raises:
        ValueError: the trace of another game, float64 off, no schedule, or a budget below one iterate.

    Source: the drifts of the analysis of Zeng et al. (arXiv 2509.15392), as exact finite sums; ours.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import Schedule, ac_smfg, games
        >>> from smfg_verify.bounds import expected_residuals
        >>> game, still = games.load("laffer-tax"), Schedule(leader=0, mean_field=0, follower=0, critic=0)
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> expected = expected_residuals(game, trace, [still])
        >>> np.allclose(expected.stationary["e_mu"][0], expected.before["e_mu"])  # no step, no drift
        True
    """
    validate(game)
    require_float64(game)
    require_same_game(game, trace)
    game = traced(game)
    if not schedules:
        raise InputError("schedules: got none, expected at least one: the step sizes of the iteration looked at.")
    number = num_outcomes(game)
    affordable = max_points // (number * len(schedules))
    if affordable < len(trace.seeds):
        raise InputError(
            f"max_points: got {max_points}, expected at least {number * len(schedules) * len(trace.seeds)}: one "
            f"iteration of this game can draw {number} samples, and {len(trace.seeds)} seeds under {len(schedules)} "
            "schedules are asked for; give fewer seeds or more points."
        )
    seeds, columns = _chosen(trace, affordable)
    points = Components(*(np.asarray(getattr(trace, name))[seeds, columns] for name in Components._fields))
    states = (trace.occupancy_state[seeds, columns], trace.population_state[seeds, columns])
    iterations = np.asarray(trace.iterations)[columns]
    steps = np.stack([np.stack(jax.vmap(schedule.at)(jnp.asarray(iterations)), axis=-1) for schedule in schedules])
    before, rounding, after = _all_expected(game, points, states, steps)
    total = trace.leader_logits.shape[0] * trace.leader_logits.shape[1]
    return ExpectedResiduals(
        seeds=seeds,
        iterations=iterations,
        steps=steps,
        before=dict(zip(QUANTITIES, before.T, strict=True)),
        rounding=dict(zip(QUANTITIES, rounding.T, strict=True)),
        stationary=dict(zip(QUANTITIES, np.moveaxis(after[..., 0, :], -1, 0), strict=True)),
        chains=dict(zip(QUANTITIES, np.moveaxis(after[..., 1, :], -1, 0), strict=True)),
        num_outcomes=number,
        num_left_out=total - len(seeds),
    )


def _chosen(trace: Trace, affordable: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the finite iterates looked at: all seeds at evenly thinned checkpoints."""
    num_seeds, num_columns = trace.leader_logits.shape[:2]
    kept = np.unique(np.linspace(0, num_columns - 1, min(num_columns, affordable // num_seeds)).astype(int))
    seeds, columns = (grid.ravel() for grid in np.meshgrid(np.arange(num_seeds), kept, indexing="ij"))
    arrays = [np.asarray(getattr(trace, name))[seeds, columns] for name in Components._fields]
    finite = np.logical_and.reduce([np.isfinite(a.reshape(len(a), -1)).all(axis=1) for a in arrays])
    return seeds[finite], columns[finite]


def _all_expected(
    game: AbstractGame, points: Components, states: tuple[np.ndarray, np.ndarray], steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantities before and their rounding levels, (P, Q), and expected after, (V, P, 2, Q)."""
    bounds = value_bounds(game)
    before, rounding = _before(game, points, leaders := evaluate_leaders(game, points.leader_logits, rescue=False))
    # Newton for the leaders one iteration away starts from the equilibrium of this one.
    fields, most = leaders.mean_field, batch_size(game, LARGEST_BATCH)
    size = max(1, _POINTS_A_CALL // num_outcomes(game))
    call: Callable[..., Array] = lambda step, point, field, first, second: _expected(  # noqa: E731
        game, bounds, step, point, field, first, second, most
    )
    return before, rounding, np.stack([in_batches(call, size, step, points, fields, *states) for step in steps])


def _before(
    game: AbstractGame, points: Components, leaders: LeaderPoints
) -> tuple[Float[np.ndarray, "P Q"], Float[np.ndarray, "P Q"]]:
    """Quantities and their rounding levels, as in `exact_residuals`."""
    precision = float(np.finfo(float).eps)
    tracking = tracking_of_points(game, points, precision)
    measured = measure(leaders, tracking, np.asarray(points.mean_field), precision)
    values, rounding = (np.stack([part[name] for name in QUANTITIES], axis=-1) for part in measured)
    return values, rounding


@jit_for_game
def _expected(
    game: AbstractGame,
    bounds: ValueBounds,
    steps: Array,
    points: Components,
    fields: Array,
    occupancy_states: Array,
    population_states: Array,
    batch: int,
) -> Float[Array, "V 2 Q"]:
    def one(step: Array, point: Components, *states: Array) -> Outcomes:
        return outcomes(game, bounds, StepSizes(*step), point, *states)

    found = jax.vmap(one)(steps, points, occupancy_states, population_states)
    weights = jnp.stack([found.stationary_weights, found.chain_weights], axis=1)
    # The leader moves with the learners' sample alone, so its equilibria are solved once for all population points.
    logits = found.points.leader_logits.reshape(len(fields), -1, num_population_points(game), *points[0].shape[1:])
    starts = jnp.broadcast_to(fields[:, None], (*logits.shape[:2], *fields.shape[1:]))
    solve = lambda pair: _of_leader(game, *pair)  # noqa: E731
    objective, squared, moved = jax.lax.map(solve, _merged((logits[:, :, 0], starts)), batch_size=batch)
    repeat: Callable[[Array], Array] = lambda leaf: jnp.repeat(leaf, num_population_points(game), axis=0)  # noqa: E731
    pairs = (_merged(found.points), repeat(moved))
    tracking = jax.lax.map(lambda pair: _tracking(game, *pair), pairs, batch_size=batch)
    values = _stacked((repeat(objective), repeat(squared)), tracking)
    values = values.reshape(weights.shape[0], 1, -1, len(QUANTITIES))
    # A sample that cannot be drawn does not count, whether or not its iterate has an equilibrium.
    counted = jnp.where(weights[..., None] > 0.0, values, 0.0)
    return jnp.sum(weights[..., None] * counted, axis=2)


def _merged(tree: T) -> T:
    result: T = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), tree)
    return result


def _of_leader(game: AbstractGame, logits: Array, start: Array) -> tuple[Array, Array, Array]:
    """Objective, squared gradient and equilibrium mean field of a leader; NaN where not converged."""
    found = gradient_of_logits(game, logits, start, rescue=False)
    return found.objective, jnp.sum(found.total**2), found.equilibrium.mean_field


def _tracking(game: AbstractGame, point: Components, field: Array) -> tuple[AnyArray, ...]:
    found = tracking_residuals(game, point, float(jnp.finfo(float).eps))
    return found.e_theta, jnp.sum((point.mean_field - field) ** 2), found.e_Vf, found.e_Vl


def _stacked(leader: tuple[Array, Array], tracking: tuple[AnyArray, ...]) -> Float[Array, "*P Q"]:
    """In the order of `QUANTITIES`."""
    return jnp.stack([*leader, *tracking], axis=-1)
