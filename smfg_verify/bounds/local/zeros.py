"""Zeros of the mean dynamics by Newton's method in the directions that an update can move the iterate in."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.bounds.local.components import Components, movable_directions
from smfg_verify.bounds.local.mean_dynamics import linearised_at, mean_dynamics_at
from smfg_verify.exact import root
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.population import solve_linear
from smfg_verify.game import AbstractGame

# From this condition number of the Jacobian on, a zero is not isolated within double precision.
_SINGULAR = 1e12


class Zero(NamedTuple):
    r"""Where a search for $h(x) = 0$ ended.

    Attributes:
        iterate: the five components.
        residual: Euclidean norm of h there.
        slope: dh/dx over the flattened components, (N, N).
        steps: of Newton's method.
    """

    iterate: Components
    residual: float
    slope: Float[np.ndarray, "N N"]
    steps: int

    def is_isolated(self, game: AbstractGame) -> bool:
        """Whether the Jacobian in the movable directions is regular, as far as double precision can tell."""
        basis = movable_directions(game)
        matrix = basis.T @ self.slope @ basis
        return bool(np.all(np.isfinite(matrix)) and np.linalg.cond(matrix) <= _SINGULAR)


def size_of_values(iterate: Components) -> float:
    """What residuals of the mean dynamics are measured against, max(1, max |V|)."""
    return max(1.0, float(np.max(np.abs([iterate.leader_critic, iterate.follower_critic]))))


def zero_near(game: AbstractGame, iterate: Components, *, max_steps: int = root.MAX_STEPS) -> Zero:
    """The end of damped Newton from an iterate; it stops where a Jacobian is singular to rounding.

    Args:
        game: the game, traced.
        iterate: where to start, as in `mean_dynamics`.
        max_steps: 0 only evaluates residual and Jacobian.

    Returns:
        The end, a zero or not.
    """
    start = Components(*(jnp.asarray(component, dtype=float) for component in iterate))
    tolerance = root.TOLERANCE * size_of_values(iterate)
    basis = jnp.asarray(movable_directions(game))
    point, residual, slope, steps = _newton(game, start, basis, jnp.asarray(tolerance), jnp.asarray(max_steps))
    return Zero(Components(*map(np.asarray, point)), float(residual), np.asarray(slope), int(steps))


@jit_for_game
def _newton(
    game: AbstractGame, start: Components, basis: Float[Array, "N R"], tolerance: Array, max_steps: Array
) -> tuple[Components, Array, Array, Array]:
    def direction(slope: Float[Array, "N N"], remainder: Components) -> Components:
        flat, unravel = jax.flatten_util.ravel_pytree(remainder)
        matrix = basis.T @ slope @ basis
        step = basis @ solve_linear(matrix, basis.T @ flat)
        result: Components = unravel(jnp.where(jnp.linalg.cond(matrix) <= _SINGULAR, step, jnp.nan))
        return result

    equations = root.Equations(
        evaluate=lambda point: mean_dynamics_at(game, point),
        linearise=lambda point: linearised_at(game, point),
        direction=direction,
        move=lambda search, step: jax.tree.map(jnp.subtract, search.point, step),
        norm=lambda remainder, _: jnp.linalg.norm(jax.flatten_util.ravel_pytree(remainder)[0]),
    )
    search, slope = root.newton(equations, root.unevaluated(start), max_steps=max_steps, tolerance=tolerance)
    return search.point, search.norm, slope, search.steps
