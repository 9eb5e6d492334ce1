"""The equilibrium of a large game of local moves, as the record that the dense side gives."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.outcome import SMALL, TOLERANCE, Equilibrium, EquilibriumMethod, Status
from smfg_verify.exact.equilibrium.residual import value_scale
from smfg_verify.exact.root import MAX_STEPS
from smfg_verify.exact.sparse.accuracy import Estimate, accuracy, spectral_radius
from smfg_verify.exact.sparse.linearisation import Linear
from smfg_verify.exact.sparse.local_moves import Local, local_problem
from smfg_verify.exact.sparse.newton import Search, near
from smfg_verify.exact.sparse.places import Place
from smfg_verify.exact.sparse.search import search
from smfg_verify.game import AbstractGame, mean_field_shape, source_gap


class Found(NamedTuple):
    """An equilibrium with what its gradient is computed by; no linearisation where it has not converged."""

    equilibrium: Equilibrium
    local: Local
    linear: Linear | None
    estimate: Estimate | None


def sparse_equilibrium(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    start: Float[Array, "..."] | None,
    tolerance: float = TOLERANCE,
    max_steps: int = MAX_STEPS,
) -> Found:
    """The equilibrium of a table of leader probabilities in a game that lists its successors.

    Args:
        game: the game, prepared, with numbers.
        leader_policy: phi(b | o), (O, B).
        start: mean field to start from; uniform if None.
        tolerance: largest accepted error, of the mean field in l1 and of the value relative to max(tau, max |V|).
        max_steps: Newton steps of each attempt.

    Returns:
        The equilibrium; NaN with `converged` False where it was not found.
    """
    local = local_problem(game, leader_policy)
    first = None if start is None else np.ravel(np.asarray(start, dtype=float))
    found = search(game, local, first, max_steps)
    if isinstance(found.place, Status):
        return Found(_record(game, found, None, found.place, np.nan), local, None, None)
    estimate = accuracy(game, local, found.place) if near(found.place) else Estimate(found.place, np.inf, np.inf)
    scale = float(value_scale(local.temperature, jnp.asarray(estimate.place.point.value)))
    converged = estimate.field_error <= tolerance and estimate.value_error <= tolerance * scale
    linear = Linear(game, local, estimate.place) if converged else None
    radius = np.nan if linear is None else spectral_radius(linear)
    return Found(_record(game, found, estimate, _status(estimate, converged), radius), local, linear, estimate)


def _status(estimate: Estimate, converged: bool) -> Status:
    if converged:
        return Status.CONVERGED
    if estimate.steep >= 0:
        return Status.NO_SLOPE
    return Status.INACCURATE if estimate.place.norm <= SMALL else Status.NOT_FOUND


def _record(game: AbstractGame, found: Search, estimate: Estimate | None, status: Status, radius: float) -> Equilibrium:
    converged = status is Status.CONVERGED
    place: Place | None = None if estimate is None else estimate.place
    shape = mean_field_shape(game)
    n, actions = game.num_states, game.num_follower_actions
    if place is None or not converged:
        field, policy, value = np.full(shape, np.nan), np.full((n, actions), np.nan), np.full(n, np.nan)
    else:
        field, policy, value = place.point.field.reshape(shape), np.asarray(place.answer.policy), place.point.value
    gap = source_gap(game, jnp.asarray(field), jnp.asarray(policy)) if converged else None
    if gap is not None and not bool(gap.agrees):
        converged, status = False, Status.OTHER_SOURCE
    return Equilibrium(
        mean_field=jnp.asarray(field),
        follower_policy=jnp.asarray(policy),
        follower_value=jnp.asarray(value),
        residual=jnp.asarray(np.nan if place is None else place.norm),
        converged=jnp.asarray(converged),
        steps=jnp.asarray(found.steps),
        method=jnp.asarray(int(found.method if converged else EquilibriumMethod.NONE)),
        cycled=jnp.asarray(False),
        error_bound=jnp.asarray(np.inf if estimate is None else estimate.field_error),
        value_error_bound=jnp.asarray(np.inf if estimate is None else estimate.value_error),
        spectral_radius=jnp.asarray(radius),
        status=jnp.asarray(int(status)),
        steep_entry=jnp.asarray(-1 if estimate is None else estimate.steep),
        source_gap=gap,
    )
