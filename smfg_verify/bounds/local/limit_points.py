"""Where AC-SMFG can stop: zeros of its mean dynamics, their stability, and how far from stationary they are."""

import dataclasses
import itertools
import math

import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.assumptions.gradient_alignment.rest_points import RestPoints, follow
from smfg_verify.bounds.local.components import Components, movable_directions, step_constants, unflattened
from smfg_verify.bounds.local.kinks import is_differentiable
from smfg_verify.bounds.local.limit_record import LimitPoint as LimitPoint
from smfg_verify.bounds.local.limit_record import LimitPoints as LimitPoints
from smfg_verify.bounds.local.limit_record import LimitStatus as LimitStatus
from smfg_verify.bounds.local.limit_record import deduplicated
from smfg_verify.bounds.local.mean_dynamics import prepared
from smfg_verify.bounds.local.zeros import Zero, size_of_values, zero_near
from smfg_verify.errors import InputError
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, advantage, checked, evaluate_leaders
from smfg_verify.exact.objective import leader_value
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic.schedules import Schedule

# Stationarity at which a flow may stop, and the residual the polish must reach; relative to the scale of values.
FLOW_TOLERANCE = 1e-6
POLISHED = 1e-10
# Where no start has a gradient the flow's tolerance is still a number.
_LEAST_SCALE = 1e-12
# A flow that has not come to rest tells of a zero only where Newton's method stays this near, in probabilities.
_NEAR = 0.05
# What an action pays less than the others must be this many times what the flow has not yet found its zero by.
_CLEARLY_LESS = 1e3


def find_limit_points(
    game: AbstractGame,
    schedule: Schedule | None = None,
    *,
    starts: Float[ArrayLike, "K O B"] | None = None,
    num_starts: int = 8,
    leader_scale: float = 1.5,
    seed: int = 0,
    max_steps: int = 400,
) -> LimitPoints:
    r"""Zeros of the mean dynamics $h(x) = 0$, where AC-SMFG can stop, from many starts.

    At a zero the critics are exact, the follower is soft optimal and the mean field consistent, so that all but omega
    follow from omega and what is left is a zero of the direct gradient, $p(\omega) = 0$ (the leader's entropy
    included). Policy mirror ascent along p finds it; Newton on all five components of h polishes it where it is
    interior. Zeros that repel the mirror ascent are not searched for. The field is not a gradient: ascent along it
    may attract where AC-SMFG's own time scales do not, hence the separate test of stability.

    Args:
        game: the game.
        schedule: step constants for the test of stability; `Schedule()` if None.
        starts: leader logits to start from, (K, O, B); if None the uniform policy and `num_starts` - 1 random ones.
        num_starts: number of starts when none are given.
        leader_scale: standard deviation of the random logits.
        seed: of the random logits.
        max_steps: steps of each flow.

    Returns:
        The limits, deduplicated, each with its residual, status, stability and stationarity.

    Raises:
        ValueError: an invalid game, float64 off, logits of the wrong shape or not finite, a zero step constant, or
            options out of range.

    Source: the limit of stochastic approximation at zeros of its mean dynamics; Borkar (2008), chapter 2.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import find_limit_points
        >>> found = find_limit_points(games.load("laffer-tax"), starts=np.zeros((1, 1, 2)))
        >>> found.points[0].status.value, round(found.points[0].least_probability, 3)  # AC-SMFG goes to the highest tax
        ('boundary', 0.0)
    """
    schedule = Schedule() if schedule is None else schedule
    game = checked(game)
    step_constants(game, schedule)
    logits = _starts(game, starts, num_starts, leader_scale, seed)
    rest = _flow(game, logits, max_steps)
    found = [_limit_of(game, schedule, rest, index) for index in range(len(logits))]
    return LimitPoints(deduplicated(found), len(logits))


def limit_point_at(game: AbstractGame, iterate: Components, schedule: Schedule | None = None) -> LimitPoint:
    """The interior limit point that Newton's method on the mean dynamics reaches from an iterate; it may repel.

    Args:
        game: the game.
        iterate: where to start, as in `mean_dynamics`.
        schedule: step constants for the test of stability; `Schedule()` if None.

    Returns:
        The point, or a record with status DEGENERATE or NOT_CONVERGED.

    Raises:
        ValueError: as `mean_dynamics` and `find_limit_points`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import Components, limit_point_at
        >>> zero = jnp.zeros(2)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> point = limit_point_at(games.load("laffer-tax", leader_temperature=5.0), iterate)
        >>> point.status.value, point.residual < 1e-9
        ('interior', True)
    """
    schedule = Schedule() if schedule is None else schedule
    game, arrays = prepared(game, iterate)
    return _polished(game, schedule, arrays)


def _starts(
    game: AbstractGame, starts: ArrayLike | None, num_starts: int, leader_scale: float, seed: int
) -> np.ndarray:
    shape = leader_logits_shape(game)
    if starts is None:
        if num_starts < 1 or not leader_scale > 0.0:
            raise InputError(
                f"num_starts, leader_scale: got {num_starts} and {leader_scale}, expected at least one start and a "
                "positive spread of the random logits."
            )
        random = np.random.default_rng(seed).standard_normal((num_starts - 1, *shape))
        return np.concatenate([np.zeros((1, *shape)), leader_scale * random])
    logits = np.asarray(starts, dtype=float)
    if logits.shape[1:] != shape or not len(logits) or not np.all(np.isfinite(logits)):
        raise InputError(
            f"starts: got shape {logits.shape}, expected finite logits of shape (K, {shape[0]}, {shape[1]}), K >= 1; "
            "likely cause: one table of logits without the leading axis."
        )
    return logits


def _flow(game: AbstractGame, logits: np.ndarray, max_steps: int) -> RestPoints:
    # The same scale as the objective's, so that the flow's tolerance means the same in every unit of reward.
    gaps = evaluate_leaders(game, logits).direct_gap
    scale = np.nanmax(np.append(gaps[np.isfinite(gaps)], _LEAST_SCALE))
    return follow(game, logits, "direct", tolerance=FLOW_TOLERANCE * float(scale), max_steps=max_steps)


def _limit_of(game: AbstractGame, schedule: Schedule, rest: RestPoints, index: int) -> LimitPoint:
    points = rest.points.at(slice(index, index + 1))
    if not points.converged[0]:
        return _failed(game, schedule, LimitStatus.NOT_CONVERGED)
    iterate = _reduced(game, points)
    if rest.reached[index] and _drops_an_action(points):
        return _described(game, schedule, zero_near(game, iterate, max_steps=0), LimitStatus.BOUNDARY)
    polished = _polished(game, schedule, iterate)
    # A flow that has not come to rest says nothing: Newton from there may leap to any zero, so only a near one counts.
    moved = np.max(np.abs(_policy(polished.iterate) - _policy(iterate)))
    if rest.reached[index] or moved < _NEAR or polished.status is LimitStatus.NOT_CONVERGED:
        return polished
    residual = zero_near(game, iterate, max_steps=0).residual
    return dataclasses.replace(_failed(game, schedule, LimitStatus.NOT_CONVERGED), residual=residual)


def _policy(iterate: Components) -> np.ndarray:
    return np.asarray(softmax_policy(jnp.asarray(iterate.leader_logits)))


def _drops_an_action(points: LeaderPoints) -> bool:
    """Whether some action that the leader hardly plays would pay strictly less: then its probability tends to zero.

    At an interior zero every action pays the same, however small its probability is.
    """
    pays_less = -np.min(advantage(points.logits, points.direct_table))
    return bool(
        pays_less > _CLEARLY_LESS * max(float(points.direct_gap[0]), float(points.direct_norm[0]), points.error[0])
    )


def _reduced(game: AbstractGame, points: LeaderPoints) -> Components:
    """All five components at their own zeros given one leader."""
    policy, field = jnp.asarray(points.follower_policy[0]), jnp.asarray(points.mean_field[0])
    logits = jnp.asarray(points.logits[0])
    critic = _leader_critic(game, logits, policy, field)
    # Centred rows: a constant in a row of logits means nothing, and two searches then agree in their logits too.
    follower = np.log(np.maximum(points.follower_policy[0], np.finfo(float).tiny))
    omega, theta = (rows - rows.mean(axis=-1, keepdims=True) for rows in (points.logits[0], follower))
    return Components(omega, theta, np.asarray(critic), points.follower_value[0], points.mean_field[0])


@jit_for_game
def _leader_critic(game: AbstractGame, logits: Array, follower_policy: Array, mean_field: Array) -> Array:
    return leader_value(game, softmax_policy(logits), follower_policy, mean_field)


def _polished(game: AbstractGame, schedule: Schedule, iterate: Components) -> LimitPoint:
    scale, zero = size_of_values(iterate), zero_near(game, iterate)
    isolated = zero.is_isolated(game)
    status = LimitStatus.INTERIOR if isolated and zero.residual <= POLISHED * scale else LimitStatus.NOT_CONVERGED
    if not isolated and zero.residual <= FLOW_TOLERANCE * scale:
        status = LimitStatus.DEGENERATE
    return _described(game, schedule, zero, status)


def _described(game: AbstractGame, schedule: Schedule, zero: Zero, status: LimitStatus) -> LimitPoint:
    iterate, residual, newton_steps = zero.iterate, zero.residual, zero.steps
    if status is LimitStatus.NOT_CONVERGED:
        return dataclasses.replace(_failed(game, schedule, status), residual=residual, newton_steps=newton_steps)
    omega = np.asarray(iterate.leader_logits)[None]
    leader = evaluate_leaders(game, omega, np.maximum(np.asarray(iterate.mean_field), 0.0)[None])
    found = dataclasses.replace(
        _failed(game, schedule, status),
        iterate=iterate,
        residual=residual,
        newton_steps=newton_steps,
        gradient_norm=float(leader.total_norm[0]),
        policy_gap=float(leader.total_gap[0]),
        direct_norm=float(leader.direct_norm[0]),
        direct_policy_gap=float(leader.direct_gap[0]),
        objective=float(leader.objective[0]),
        least_probability=float(np.min(_policy(iterate))),
    )
    if status is not LimitStatus.INTERIOR:
        return found
    if not is_differentiable(game, iterate):
        return dataclasses.replace(found, status=LimitStatus.NOT_DIFFERENTIABLE)
    return _with_stability(game, schedule, found, zero.slope)


def _with_stability(
    game: AbstractGame, schedule: Schedule, point: LimitPoint, slope: Float[np.ndarray, "N N"]
) -> LimitPoint:
    basis = movable_directions(game)
    reduced = basis.T @ slope @ basis
    matrix = basis.T @ (step_constants(game, schedule)[:, None] * slope) @ basis
    eigenvalues, left, right = scipy.linalg.eig(matrix, left=True)
    order = np.argsort(-eigenvalues.real, kind="stable")
    rounding = np.finfo(float).eps * len(matrix) * np.linalg.norm(matrix)
    return dataclasses.replace(
        point,
        eigenvalues=eigenvalues[order].astype(complex),
        dominant=tuple(_largest_share(game, basis @ left[:, i], basis @ right[:, i]) for i in order),
        stable=bool(np.max(eigenvalues.real) < -rounding),
        condition=float(np.linalg.cond(reduced)),
    )


def _largest_share(game: AbstractGame, left: np.ndarray, right: np.ndarray) -> str:
    """The component that takes the largest part in a mode: |left| |right| is free of units, an eigenvector is not."""
    sizes = [np.sum(part) for part in unflattened(game, np.abs(left) * np.abs(right))]
    return Components._fields[int(np.argmax(sizes))]


def _failed(game: AbstractGame, schedule: Schedule, status: LimitStatus) -> LimitPoint:
    constants = list(schedule.constants().values())
    size = len(step_constants(game, schedule))
    return LimitPoint(
        status=status,
        iterate=unflattened(game, np.full(size, np.nan)),
        residual=math.nan,
        newton_steps=0,
        eigenvalues=np.zeros(0, complex),
        dominant=(),
        stable=False,
        ordered=all(slow <= fast for slow, fast in itertools.pairwise(constants)),
        condition=math.nan,
        gradient_norm=math.nan,
        policy_gap=math.nan,
        direct_norm=math.nan,
        direct_policy_gap=math.nan,
        objective=math.nan,
        least_probability=math.nan,
    )
