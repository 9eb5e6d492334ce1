r"""The Stackelberg gradient of a large game: one adjoint solve by sparse factors and a Krylov method."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.exact.sparse.linearisation import Linear
from smfg_verify.exact.sparse.local_moves import Answer, LeaderSlopes, Local, leader_reward, leader_slopes
from smfg_verify.exact.sparse.places import Pair, Vector
from smfg_verify.game import AbstractGame

Table = Float[np.ndarray, "O B"]
# The adjoint equation's residual, relative to its right-hand side.
TOLERANCE = 1e-12


class Leader(NamedTuple):
    """The leader's side of a point.

    Attributes:
        objective: $\\Phi$.
        value: $V_l$, (n,).
        visits: expected discounted visits to each state, (n,).
        slopes: partial derivatives of the objective, as arrays of NumPy.
        by_policy: slopes in the leader's policy through the follower's answer, unknowns held.
        right: right-hand sides of the adjoint equation: through the follower's policy, and through the mean field.
    """

    objective: float
    value: Vector
    visits: Vector
    slopes: LeaderSlopes
    by_policy: Table
    right: tuple[Pair, Pair]


class Tables(NamedTuple):
    """Derivatives of the objective in the entries of the leader's policy, (O, B) each."""

    total: Table
    direct: Table
    policy_response: Table
    mean_field_response: Table
    held_field: Table


class Formula(NamedTuple):
    """The gradient at a point with what it was computed by.

    Attributes:
        leader: the leader's side.
        tables: the derivatives.
        multipliers: solutions of the adjoint equation, as its right-hand sides.
        residual: largest entry that the adjoint equation misses, relative to the largest of its right-hand side.
    """

    leader: Leader
    tables: Tables
    multipliers: tuple[Pair, Pair]
    residual: float


def objective_of(game: AbstractGame, local: Local, linear: Linear) -> float:
    """The leader's objective at a point."""
    initial = np.asarray(game.initial_distribution, dtype=float)
    return float(initial @ _leader_value(game, local, linear))


def _leader_value(game: AbstractGame, local: Local, linear: Linear) -> Vector:
    place = linear.place
    policy, field = jnp.asarray(place.answer.policy), jnp.asarray(place.point.field)
    return linear.value_value.solve(np.asarray(leader_reward(game, local, policy, field)))


def leader_side(game: AbstractGame, local: Local, linear: Linear) -> Leader:
    """The leader's value and the partial derivatives of its objective at a point."""
    place = linear.place
    policy = jnp.asarray(place.answer.policy)
    initial = np.asarray(game.initial_distribution, dtype=float)
    value = _leader_value(game, local, linear)
    visits = linear.value_value.solve(initial, transposed=True)
    found = leader_slopes(game, local, policy, linear.field, jnp.asarray(value), jnp.asarray(visits))
    slopes: LeaderSlopes = jax.tree.map(np.asarray, found)
    nothing = np.zeros_like(value)
    by_policy, right_field, right_value = linear.pull(
        Answer(np.zeros(np.shape(place.answer.weights)), slopes.by_follower, nothing)
    )
    by_field = np.asarray(slopes.by_field)
    right = (linear.held(Pair(right_field, right_value)), linear.held(Pair(by_field, nothing)))
    return Leader(float(initial @ value), value, visits, slopes, by_policy, right)


def gradient_formula(
    game: AbstractGame,
    local: Local,
    linear: Linear,
    near: tuple[Pair, Pair] | None = None,
    tolerance: float = TOLERANCE,
) -> Formula:
    r"""$\nabla = \partial J_l/\partial\phi - (\partial F/\partial\phi)^T \lambda$ with
    $(\partial F/\partial x)^T \lambda = \partial J_l/\partial x$.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        linear: the equations at a point.
        near: multipliers that are nearly right, which only have to be mended.
        tolerance: largest residual, relative to the right-hand side, or to what `near` leaves of it.

    Returns:
        The derivatives in the entries of the leader's policy, whatever the point's residual is.

    Raises:
        StalledError: the adjoint equation was not solved.
    """
    leader = leader_side(game, local, linear)
    multipliers = tuple(
        _multiplier(linear, right, None if near is None else near[k], tolerance) for k, right in enumerate(leader.right)
    )
    both = multipliers[0].plus(multipliers[1])
    missed, _ = linear.apply_transposed(both)
    right = leader.right[0].plus(leader.right[1])
    size = max(np.max(np.abs(right.field)), np.max(np.abs(right.value)))
    defect = right.plus(missed, -1.0)
    worst = max(np.max(np.abs(defect.field)), np.max(np.abs(defect.value)))
    pulled = [linear.apply_transposed(one)[1] for one in multipliers]
    through, by_field = leader.by_policy - pulled[0], -pulled[1]
    direct = np.asarray(leader.slopes.by_leader)
    tables = Tables(direct + through + by_field, direct, through, by_field, direct + _held_field(linear, leader))
    return Formula(leader, tables, (multipliers[0], multipliers[1]), float(worst / size if size > 0.0 else worst))


def _multiplier(linear: Linear, right: Pair, near: Pair | None, tolerance: float) -> Pair:
    if near is None:
        return linear.solve_transposed(right, tolerance).within(tolerance)
    left = right.plus(linear.apply_transposed(near)[0], -1.0)
    return near.plus(linear.solve_transposed(left, tolerance).within(tolerance))


def _held_field(linear: Linear, leader: Leader) -> Table:
    """What the follower's answer alone brings, the mean field held: a solve with the value's block."""
    multiplier = linear.value_value.solve(leader.right[0].value, transposed=True)
    answer = linear.place.answer
    nothing = Answer(np.zeros(np.shape(answer.weights)), np.zeros(np.shape(answer.policy)), multiplier)
    result: Table = leader.by_policy + linear.pull(nothing)[0]
    return result


def change_along(linear: Linear, leader: Leader, direction: Table, response: Pair) -> float:
    """Derivative of the objective along a direction of the leader's policy, forward, through the unknowns' response."""
    moved = linear.along(direction, response)
    by_policy = np.sum(leader.slopes.by_follower * np.asarray(moved.policy))
    by_field = np.sum(leader.slopes.by_field * response.field)
    return float(np.sum(leader.slopes.by_leader * direction) + by_policy + by_field)
