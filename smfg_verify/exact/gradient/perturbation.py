r"""How errors of an equilibrium and of rounding reach the Stackelberg gradient, to first order.

The gradient is $\partial_\phi \mathcal L$ of $\mathcal L(\phi, x) = J_l(\phi, x) - \lambda^T F(\phi, x)$ at $F = 0$ and
$\partial_x \mathcal L = 0$. A perturbation of the equations moves the point by $\delta x = -F_x^{-1} \delta F$, the
multiplier by $\delta\lambda = F_x^{-T}(\partial_x D\mathcal L + \delta r)$ and the gradient by
$\partial_\phi D\mathcal L - F_\phi^T \delta\lambda$, $D$ the derivative along all perturbations. One column of
perturbations is what the equations still miss, others are random roundings.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from smfg_verify.exact.batching import one_at_a_time
from smfg_verify.exact.equilibrium.residual import Jacobian, Point, Setting
from smfg_verify.exact.gradient.empty_entries import is_empty
from smfg_verify.exact.gradient.lagrangian import Change, known_place, residual_near, slopes_along
from smfg_verify.exact.kernel import Kernel, follower_model, tabulate
from smfg_verify.game import mean_field_shape

# Columns of random roundings, and directions in which the leader's policy is moved.
_COLUMNS, _DIRECTIONS = 4, 2
# Unit roundoffs granted to each quantity: sums of some hundred terms, each rounded.
_ROUNDINGS = 4.0


class Adjoint(NamedTuple):
    """The transposed Jacobian, right-hand sides and multipliers; columns: all, through policy, through mean field.

    Entries of the mean field that stay empty are fixed: their rows are the identity's, their multipliers zero.
    """

    matrix: Jacobian
    right: Point
    solution: Point
    fixed: Bool[Array, " M"]


class Perturbed(NamedTuple):
    """First-order changes, the axis in front counts the columns; the first is what the equations miss.

    Attributes:
        total, direct, held_field: of the derivatives in the entries of the leader's policy, (C, O, B).
        objective: of Phi, (C,).
        mean_field: of the point, flattened, (C, M).
        value: of the follower's value, (C, n).
        assembly: roundings of the last sums of each row of the gradient, (O,), in units of the objective.
        response: change of the mean field when the leader's policy moves in a random direction, (D, M).
    """

    total: Float[Array, "C O B"]
    direct: Float[Array, "C O B"]
    held_field: Float[Array, "C O B"]
    objective: Float[Array, " C"]
    mean_field: Float[Array, "C M"]
    value: Float[Array, "C n"]
    assembly: Float[Array, " O"]
    response: Float[Array, "D M"]


class _Roundings(NamedTuple):
    """Sizes, or one column of signed values, of what is rounded.

    Attributes:
        equations: of F, its value's part in units of reward.
        log_policy: of the logarithms of the follower's policy, (n, A).
        reward: of the leader's reward in the equation of its value, (n,).
        initial: of the first law in the equation of the occupancy, (n,).
        adjoint: of the adjoint equation.
    """

    equations: Point
    log_policy: Float[Array, "n A"]
    reward: Float[Array, " n"]
    initial: Float[Array, " n"]
    adjoint: Point


def propagate(setting: Setting, point: Point, adjoint: Adjoint, grain: Kernel) -> Perturbed:
    """Carry the errors of a point, and roundings of everything on the way, to gradient and objective.

    Args:
        setting: the equilibrium problem.
        point: near its solution.
        adjoint: solved there.
        grain: what the three functions may be off by beyond common roundings, see `grain`.

    Returns:
        One column for the residual left, then one for each draw of roundings.
    """
    held = _factor(adjoint.matrix.value_value)
    place = known_place(
        setting,
        point,
        value_of=lambda right: _solve(*held, right[:, None])[:, 0],
        visits_of=lambda right: _solve_transposed(*held, right[:, None])[:, 0],
    )
    remainder, push = jax.linearize(lambda phi: residual_near(place, phi), setting.leader_policy)
    defect = jax.tree.map(lambda b, a: (b - a)[:, 0], adjoint.right, adjoint.matrix.apply(adjoint.solution))
    sizes, assembly = _sizes(setting, point, adjoint, grain, place.leader_value, place.occupancy)
    columns = _columns(sizes, remainder, defect)
    forward, backward = _solvers(setting, adjoint.matrix)
    pushed = jax.vmap(push)(leader_directions(setting.leader_policy.shape))
    every = jax.tree.map(lambda *parts: -jnp.concatenate(parts), columns.equations, pushed)
    moved = forward(every)
    # An entry is empty because nothing flows into it: it stays so, and slopes there may be infinite.
    stays = is_empty(point.mean_field)
    moved = Point(jnp.where(stays, 0.0, moved.mean_field), moved.value)
    split = len(columns.reward)
    shifts = jax.tree.map(lambda leaf: leaf[:split], moved)
    multiplier = jax.tree.map(lambda leaf: leaf[:, 0], adjoint.solution)
    # Where the mean field is held the value's equation is alone.
    alone = _solve_transposed(*held, adjoint.right.value[:, 1:2])[:, 0]
    changes = Change(shifts, columns.log_policy, columns.reward, columns.initial)
    slopes = jax.vmap(lambda change: slopes_along(place, multiplier, alone, change))(changes)
    by_field = jnp.where(adjoint.fixed, 0.0, slopes.point.mean_field)
    turned = backward(jax.tree.map(jnp.add, Point(by_field, slopes.point.value), columns.adjoint))
    answered = _solve_transposed(*held, (slopes.held_value + columns.adjoint.value).T).T
    pull = jax.linear_transpose(push, setting.leader_policy)
    through = [
        jax.vmap(lambda column: pull(column)[0])(solved)
        for solved in (turned, Point(jnp.zeros_like(turned.mean_field), answered))
    ]
    return Perturbed(
        total=slopes.leader + slopes.followers - through[0],
        direct=slopes.leader,
        held_field=slopes.leader + slopes.held_followers - through[1],
        objective=slopes.objective,
        mean_field=shifts.mean_field,
        value=shifts.value,
        assembly=assembly,
        response=moved.mean_field[split:],
    )


def leader_directions(shape: tuple[int, ...]) -> Float[Array, "D O B"]:
    """Random directions of the leader's policy, rows sum to zero and have largest entry 1."""
    random = np.random.default_rng(1).uniform(-1.0, 1.0, (_DIRECTIONS, *shape))
    centred = random - random.mean(axis=-1, keepdims=True)
    largest = np.max(np.abs(centred), axis=-1, keepdims=True)
    return jnp.asarray(centred / np.where(largest > 0.0, largest, 1.0))


def _sizes(
    setting: Setting, point: Point, adjoint: Adjoint, grain: Kernel, leader_values: Array, occupancy: Array
) -> tuple[_Roundings, Array]:
    """Roundings of each quantity, from the sizes of what is added on the way to it; and of the last sums by row."""
    game, tau = setting.game, setting.temperature
    field = jnp.abs(point.mean_field)
    kernel = tabulate(game, point.mean_field.reshape(mean_field_shape(game)))
    # What is averaged over the leader's actions may cancel, and is rounded all the same.
    model = follower_model(jax.tree.map(jnp.abs, kernel), setting.leader_rows)
    unit = _ROUNDINGS * jnp.finfo(field.dtype).eps
    span = jnp.max(point.value) - jnp.min(point.value)
    rows, follower, leader = (_by_state(table) / unit for table in jax.tree.leaves(grain))
    rows = game.discount * rows
    action_values = jnp.max(model.reward, axis=1) + game.discount * span + tau
    action_values = action_values + follower + rows * jnp.max(jnp.abs(point.value))
    logarithms = 1.0 + action_values / tau
    sharpness = jnp.max(logarithms)
    leader_size = jnp.max(model.leader_reward, axis=1) + jnp.max(jnp.abs(leader_values))
    leader_size = leader_size + leader + rows * jnp.max(jnp.abs(leader_values))
    right = jax.tree.map(lambda leaf: jnp.sum(jnp.abs(leaf), axis=1), adjoint.right)
    multiplier = jax.tree.map(lambda leaf: jnp.abs(leaf[:, :1]), adjoint.solution)
    applied = jax.tree.map(jnp.abs, adjoint.matrix).apply(multiplier)
    left = jax.tree.map(lambda leaf: leaf[:, 0], applied)
    sizes = _Roundings(
        equations=Point(unit * sharpness * field, unit * (jnp.max(jnp.abs(point.value)) + action_values)),
        log_policy=unit * jnp.broadcast_to(logarithms[:, None], model.reward.shape),
        reward=unit * leader_size,
        initial=unit * occupancy,
        adjoint=jax.tree.map(lambda b, a: unit * sharpness * (b + a), right, left),
    )
    by_state = field if game.mean_field_support == "states" else jnp.sum(field.reshape(model.reward.shape), axis=1)
    terms = occupancy * leader_size + multiplier.value[:, 0] * action_values
    terms = terms + by_state * jnp.max(multiplier.mean_field)
    observed = jnp.zeros(setting.leader_policy.shape[0]).at[jnp.asarray(game.leader_observation)].add(terms)
    return sizes, unit * observed


def _by_state(grain: Float[Array, "n A B *s"]) -> Float[Array, " n"]:
    """The worst of the actions; of a row of the kernel its sum."""
    whole = jnp.sum(grain, axis=3) if grain.ndim > 3 else grain
    return jnp.max(whole, axis=(1, 2))


def _columns(sizes: _Roundings, remainder: Point, defect: Point) -> _Roundings:
    """The column of what is missed, then columns of random roundings from a fixed seed.

    Not of random sign: those of two actions, or of two states, may be the same or opposite in all columns.
    """
    generator = np.random.default_rng(0)

    def signed(leaf: Array) -> Array:
        drawn = generator.normal(size=(_COLUMNS, *leaf.shape))
        return jnp.concatenate([jnp.zeros((1, *leaf.shape)), drawn * leaf])

    random = jax.tree.map(signed, sizes)
    missed = (remainder, defect)
    result: _Roundings = eqx.tree_at(
        lambda c: (c.equations, c.adjoint),
        random,
        tuple(
            jax.tree.map(lambda column, first: column.at[0].set(first), columns, first)
            for columns, first in zip((random.equations, random.adjoint), missed, strict=True)
        ),
    )
    return result


def _solvers(setting: Setting, transposed: Jacobian) -> tuple[Callable[[Point], Point], Callable[[Point], Point]]:
    """Solves with the Jacobian and with its transpose, columns in front, by one factorisation in units of tau."""
    tau = setting.temperature
    dense = _scaled(transposed, tau).dense
    factor = _factor(dense)
    size = transposed.field_field.shape[0]

    def solve(columns: Point, trans: int) -> Point:
        scale = tau if trans else 1.0 / tau
        stacked = jnp.concatenate([columns.mean_field, scale * columns.value], axis=1).T
        solved = (_solve_transposed if trans else _solve)(*factor, stacked).T
        return Point(solved[:, :size], solved[:, size:] / scale)

    # What is factorised is the transpose: its plain solve is the adjoint's.
    return lambda columns: solve(columns, 0), lambda columns: solve(columns, 1)


def _scaled(transposed: Jacobian, tau: Array) -> Jacobian:
    """The transposed Jacobian with the value, and the value's equation, measured in units of the temperature."""
    return Jacobian(
        transposed.field_field, transposed.field_value / tau, transposed.value_field * tau, transposed.value_value
    )


@one_at_a_time
def _factor(transposed: Float[Array, "k k"]) -> tuple[Array, Array]:
    result: tuple[Array, Array] = jax.scipy.linalg.lu_factor(transposed)
    return result


@one_at_a_time
def _solve(factor: Array, pivots: Array, columns: Float[Array, "k c"]) -> Float[Array, "k c"]:
    result: Float[Array, "k c"] = jax.scipy.linalg.lu_solve((factor, pivots), columns, trans=1)
    return result


@one_at_a_time
def _solve_transposed(factor: Array, pivots: Array, columns: Float[Array, "k c"]) -> Float[Array, "k c"]:
    result: Float[Array, "k c"] = jax.scipy.linalg.lu_solve((factor, pivots), columns)
    return result


def root_mean_square(columns: Float[Array, "C ..."]) -> Float[Array, "..."]:
    """Over the columns of random roundings, the first column left out."""
    result: Float[Array, ...] = jnp.linalg.norm(columns[1:], axis=0) / math.sqrt(columns.shape[0] - 1)
    return result
