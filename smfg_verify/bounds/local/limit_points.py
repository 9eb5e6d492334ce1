"""Where AC-SMFG can stop: zeros of its mean dynamics, their stability, and how far from stationary they are."""

import dataclasses
import enum
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import ArrayLike, Complex, Float

from smfg_verify.assumptions.gradient_alignment.rest_points import RestPoints, follow
from smfg_verify.bounds.local.kinks import is_differentiable
from smfg_verify.bounds.local.mean_dynamics import (
    Components,
    flattened,
    linearised,
    movable_directions,
    prepared,
    step_constants,
    unflattened,
)
from smfg_verify.errors import InputError
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, advantage, checked, evaluate_leaders
from smfg_verify.exact.objective import leader_value
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.policies import softmax_policy
from smfg_verify.records.status import NamedStatus
from smfg_verify.stochastic.schedules import Schedule

# Stationarity at which a flow may stop, and the residual the polish must reach; relative to the scale of values.
FLOW_TOLERANCE = 1e-6
POLISHED = 1e-10
# From this condition number of the Jacobian on, a zero is not isolated within double precision.
_SINGULAR = 1e12
_MAX_NEWTON_STEPS = 40
_MAX_HALVINGS = 12
# Two interior zeros are one if their policies and mean fields agree so far; ends of flows into a vertex are blurrier.
_SAME = 1e-6
_SAME_AT_BOUNDARY = 1e-3


class LimitStatus(NamedStatus, enum.Enum):
    """What was found at the end of a search for a zero."""

    INTERIOR = "interior"
    BOUNDARY = "boundary"
    DEGENERATE = "degenerate"
    NOT_DIFFERENTIABLE = "not-differentiable"
    NOT_CONVERGED = "not-converged"


@dataclasses.dataclass(frozen=True)
class LimitPoint:
    r"""A zero of the mean dynamics, or why there is none where a search ended.

    Numbers that the status leaves without meaning are NaN: stability is known for INTERIOR points only, since towards
    a deterministic policy the logits run off and softmax saturates, so that no Jacobian tells whether it attracts.

    Attributes:
        status: INTERIOR (isolated zero, polished), BOUNDARY (the leader's policy tends to a deterministic one in some
            row, with a strictly worse payoff of what it drops), DEGENERATE (a zero that is not isolated),
            NOT_DIFFERENTIABLE (a zero at which differences of the dynamics disagree with their Jacobian: a kink) or
            NOT_CONVERGED.
        iterate: the five components; at a BOUNDARY the last iterate of the flow, whose policies and mean field are
            the limit's and whose logits are not; NaN where not converged.
        residual: $\|h\|_2$ over all five components, always measured at the last iterate, in units of reward.
        newton_steps: of the polish.
        eigenvalues: of diag(c) dh/dx on the movable directions, slowest (largest real part) first, (R,).
        dominant: name of the component that takes the largest part in each mode (participation factors), (R,).
        stable: all real parts are negative: AC-SMFG with these step constants can stop here.
        ordered: the constants obey zeta <= xi <= alpha <= beta.
        condition: 2-norm condition number of dh/dx on the movable directions.
        gradient_norm: $\|\nabla\Phi\|_2$ in logits, in units of the objective: not zero where the direct gradient
            misses a part.
        policy_gap: policy-space stationarity gap of Phi, which does not vanish where softmax merely saturates.
        direct_norm: $\|p\|_2$, the direct part.
        direct_policy_gap: its policy-space gap.
        objective: Phi.
        least_probability: smallest entry of the leader's policy.
        num_starts: how many starts ended here.
    """

    status: LimitStatus
    iterate: Components
    residual: float
    newton_steps: int
    eigenvalues: Complex[np.ndarray, " R"]
    dominant: tuple[str, ...]
    stable: bool
    ordered: bool
    condition: float
    gradient_norm: float
    policy_gap: float
    direct_norm: float
    direct_policy_gap: float
    objective: float
    least_probability: float
    num_starts: int = 1

    @property
    def spectral_abscissa(self) -> float:
        """Largest real part of the eigenvalues: minus the slowest rate, in 1 / (sum of step scales); NaN if unknown."""
        return float(self.eigenvalues[0].real) if self.eigenvalues.size else math.nan


@dataclasses.dataclass(frozen=True)
class LimitPoints:
    """All different ends of a multi-start search, those most starts ended at first.

    Attributes:
        points: one record for each different limit; every start that failed is a record of its own status.
        num_starts: starts in all.
    """

    points: tuple[LimitPoint, ...]
    num_starts: int

    @property
    def interior(self) -> tuple[LimitPoint, ...]:
        """The isolated zeros."""
        return tuple(point for point in self.points if point.status is LimitStatus.INTERIOR)

    @property
    def stable(self) -> tuple[LimitPoint, ...]:
        """The isolated zeros that attract."""
        return tuple(point for point in self.interior if point.stable)

    @property
    def boundary(self) -> tuple[LimitPoint, ...]:
        """The limits with a leader that is deterministic somewhere."""
        return tuple(point for point in self.points if point.status is LimitStatus.BOUNDARY)


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
    """
    schedule = Schedule() if schedule is None else schedule
    game = checked(game)
    step_constants(game, schedule)
    logits = _starts(game, starts, num_starts, leader_scale, seed)
    rest = _flow(game, logits, max_steps)
    found = [_limit_of(game, schedule, rest, index) for index in range(len(logits))]
    return LimitPoints(_deduplicated(found), len(logits))


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
    """
    schedule = Schedule() if schedule is None else schedule
    game, arrays = prepared(game, iterate)
    return _polished(game, schedule, arrays)


def _starts(game: AbstractGame, starts, num_starts: int, leader_scale: float, seed: int) -> np.ndarray:
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
    scale = np.nanmax(np.append(gaps[np.isfinite(gaps)], 1e-12))
    return follow(game, logits, "direct", tolerance=FLOW_TOLERANCE * float(scale), max_steps=max_steps)


def _limit_of(game: AbstractGame, schedule: Schedule, rest: RestPoints, index: int) -> LimitPoint:
    points = rest.points.at(slice(index, index + 1))
    if not points.converged[0]:
        return _failed(game, schedule, LimitStatus.NOT_CONVERGED)
    iterate = _reduced(game, points)
    if rest.reached[index] and _drops_an_action(points):
        return _described(game, schedule, iterate, LimitStatus.BOUNDARY, 0)
    polished = _polished(game, schedule, iterate)
    # A flow that has not come to rest says nothing: Newton from there may leap to any zero, so only a near one counts.
    moved = np.max(np.abs(_policy(polished.iterate) - _policy(iterate)))
    if rest.reached[index] or moved < 0.05 or polished.status is LimitStatus.NOT_CONVERGED:
        return polished
    return dataclasses.replace(_failed(game, schedule, LimitStatus.NOT_CONVERGED), residual=_residual_at(game, iterate))


def _policy(iterate: Components) -> np.ndarray:
    return np.asarray(softmax_policy(jnp.asarray(iterate.leader_logits)))


def _drops_an_action(points: LeaderPoints) -> bool:
    """Whether some action that the leader hardly plays would pay strictly less: then its probability tends to zero.

    At an interior zero every action pays the same, however small its probability is.
    """
    pays_less = -np.min(advantage(points.logits, points.direct_table))
    return bool(pays_less > 1e3 * max(float(points.direct_gap[0]), float(points.direct_norm[0]), points.error[0]))


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
def _leader_critic(game: AbstractGame, logits, follower_policy, mean_field):
    return leader_value(game, softmax_policy(logits), follower_policy, mean_field)


def _residual_at(game: AbstractGame, iterate: Components) -> float:
    return float(np.linalg.norm(flattened(linearised(game, _arrays(iterate))[0])))


def _arrays(iterate: Components) -> Components:
    return Components(*(jnp.asarray(component, dtype=float) for component in iterate))


def _polished(game: AbstractGame, schedule: Schedule, iterate: Components) -> LimitPoint:
    """Damped Newton on h in the movable directions, each step kept only as far as it lowers the residual."""
    basis, point = movable_directions(game), flattened(iterate)
    scale = max(1.0, float(np.max(np.abs([iterate.leader_critic, iterate.follower_critic]))))
    value, slope = _evaluated(game, point)
    steps = 0
    while np.linalg.norm(value) > 1e-3 * POLISHED * scale and steps < _MAX_NEWTON_STEPS:
        matrix = basis.T @ slope @ basis
        if not np.all(np.isfinite(matrix)) or np.linalg.cond(matrix) > _SINGULAR:
            break
        move = basis @ np.linalg.solve(matrix, -basis.T @ value)
        point, value, slope, moved = _line_search(game, point, move, value, slope)
        if not moved:
            break
        steps += 1
    found = unflattened(game, point)
    matrix = basis.T @ slope @ basis
    singular = not np.all(np.isfinite(matrix)) or np.linalg.cond(matrix) > _SINGULAR
    small = np.linalg.norm(value) <= POLISHED * scale
    status = LimitStatus.INTERIOR if small and not singular else LimitStatus.NOT_CONVERGED
    if singular and np.linalg.norm(value) <= FLOW_TOLERANCE * scale:
        status = LimitStatus.DEGENERATE
    return _described(game, schedule, found, status, steps)


def _evaluated(game: AbstractGame, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value, slope = linearised(game, _arrays(unflattened(game, point)))
    return flattened(value), np.asarray(slope)


def _line_search(game: AbstractGame, point, move, value, slope):
    for halving in range(_MAX_HALVINGS):
        trial = point + 0.5**halving * move
        new_value, new_slope = _evaluated(game, trial)
        if np.linalg.norm(new_value) < np.linalg.norm(value):
            return trial, new_value, new_slope, True
    return point, value, slope, False


def _described(
    game: AbstractGame, schedule: Schedule, iterate: Components, status: LimitStatus, newton_steps: int
) -> LimitPoint:
    residual = _residual_at(game, iterate)
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
    return _with_stability(game, schedule, found)


def _with_stability(game: AbstractGame, schedule: Schedule, point: LimitPoint) -> LimitPoint:
    basis, slope = movable_directions(game), _evaluated(game, flattened(point.iterate))[1]
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


def _deduplicated(found: list[LimitPoint]) -> tuple[LimitPoint, ...]:
    """One record for each different limit, with the number of starts that ended there; most starts first."""
    different: list[LimitPoint] = []
    for point in found:
        same = [index for index, other in enumerate(different) if _is_same(point, other)]
        if same:
            kept = different[same[0]]
            different[same[0]] = dataclasses.replace(kept, num_starts=kept.num_starts + 1)
        else:
            different.append(point)
    return tuple(sorted(different, key=lambda point: -point.num_starts))


def _is_same(first: LimitPoint, second: LimitPoint) -> bool:
    if first.status is not second.status or first.status is LimitStatus.NOT_CONVERGED:
        return False
    tolerance = _SAME if first.status is LimitStatus.INTERIOR else _SAME_AT_BOUNDARY
    pairs = zip(_policies_and_field(first.iterate), _policies_and_field(second.iterate), strict=True)
    return all(np.max(np.abs(one - other)) <= tolerance for one, other in pairs)


def _policies_and_field(iterate: Components) -> list[np.ndarray]:
    tables = (iterate.leader_logits, iterate.follower_logits)
    return [*(np.asarray(jax.nn.softmax(jnp.asarray(t), axis=-1)) for t in tables), np.asarray(iterate.mean_field)]
