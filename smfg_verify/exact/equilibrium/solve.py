"""The mean field equilibrium of a leader's policy, with its residual, differentiable to any order."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.accuracy import Accuracy
from smfg_verify.exact.equilibrium.cooling import cooled
from smfg_verify.exact.equilibrium.outcome import SMALL
from smfg_verify.exact.equilibrium.outcome import TOLERANCE as TOLERANCE
from smfg_verify.exact.equilibrium.outcome import Equilibrium as Equilibrium
from smfg_verify.exact.equilibrium.outcome import EquilibriumMethod as EquilibriumMethod
from smfg_verify.exact.equilibrium.outcome import Status as Status
from smfg_verify.exact.equilibrium.outcome import raise_unless_converged as raise_unless_converged
from smfg_verify.exact.equilibrium.rescue import with_rescue
from smfg_verify.exact.equilibrium.residual import (
    Point,
    Setting,
    follower_policy,
    inside,
    jacobian,
    residual,
)
from smfg_verify.exact.equilibrium.search import accepted, search_from
from smfg_verify.exact.precision import require_float64
from smfg_verify.exact.root import MAX_STEPS
from smfg_verify.exact.sparse.choice import SolverMethod, takes_sparse
from smfg_verify.game import (
    AbstractGame,
    SourceGap,
    leader_logits_shape,
    mean_field_shape,
    source_gap,
    traced,
    validate,
)
from smfg_verify.game.base import Numerical
from smfg_verify.policies import checked_distribution, softmax_policy

# Steps of the continuation: a path without folds has tens, one along a fold that is nearly touched hundreds.
MAX_PATH_STEPS = 2000


def solve_equilibrium(
    game: AbstractGame,
    leader_logits: Float[ArrayLike, "O B"],
    *,
    initial: Numerical | None = None,
    tolerance: float = TOLERANCE,
    max_steps: int = MAX_STEPS,
    max_path_steps: int = MAX_PATH_STEPS,
    method: SolverMethod = "auto",
    throw: bool = True,
) -> Equilibrium:
    r"""Solve $\mu = P_{\pi,\phi,\mu}^T \mu$, $\pi = $ soft best response to $(\phi, \mu)$.

    Damped Newton on (mean field, value) from `initial`; where it stalls, Newton at temperatures that fall a hundredfold
    at a time, started on the tangent of the equilibria; where that stalls, best-response iteration with 2-cycle
    damping as a warm start, and pseudo-arclength continuation from a high temperature. Differentiable by JAX with
    respect to the logits and every game parameter (implicitly, forward and reverse, any order). Traceable: under `jit`,
    `vmap` or `grad` bad numbers cannot be refused, so failures show as NaN with `converged` False.

    A large game that lists its `successors` is solved without any table of n x n entries: the same equations by sparse
    factors and a Krylov method, outside JAX's transformations, to 10^5 states and more (`exact.sparse`).

    Args:
        game: the game.
        leader_logits: omega, (number of observations, B), dimensionless.
        initial: mean field to start from, (n,) or (n, A); uniform if None. Where the equilibrium is not
            unique, which one is found depends on it.
        tolerance: largest accepted error, of the mean field in l1 and of the value relative to max(tau, max |V|).
        max_steps: Newton steps of each direct attempt.
        max_path_steps: temperatures tried, and steps of the continuation.
        method: "dense" or "sparse"; "auto" takes the sparse side for games with `successors` whose dense transition
            would have more than 2^21 entries. There the bounds on the errors are estimates from below times three.
        throw: raise when not converged; if False, NaN with `converged` False.

    Returns:
        The equilibrium with its true residual and bounds on its errors.

    Raises:
        ValueError: an invalid game, logits or start of the wrong shape or not finite, float64 off.
        RuntimeError: not converged and `throw`.

    Source: theory of entropy-regularised stationary mean field games (Cui and Koeppl 2021); the elimination of the
        value block uses the envelope theorem.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, solve_equilibrium
        >>> equilibrium = solve_equilibrium(games.load("laffer-tax"), np.zeros((1, 2)))
        >>> equilibrium.mean_field.round(3).tolist(), int(equilibrium.steps)
        ([0.747, 0.253], 5)
        >>> bool(equilibrium.error_bound < 1e-9)
        True
    """
    game, leader_logits = prepare(game, leader_logits)
    start = checked_start(game, initial)
    policy = softmax_policy(leader_logits)
    bounds = (tolerance, max_steps, max_path_steps)
    found = compiled_equilibrium(game, policy, start, *bounds, method=method)
    if throw:
        raise_unless_converged(found)
    return found


def compiled_equilibrium(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    start: Float[Array, "..."] | None,
    tolerance: float | Array = TOLERANCE,
    max_steps: int | Array = MAX_STEPS,
    max_path_steps: int | Array = MAX_PATH_STEPS,
    *,
    method: SolverMethod = "auto",
) -> Equilibrium:
    """`equilibrium_of_policy` as one program of a game, which whoever needs an equilibrium outside jit shares.

    Large games of local moves are solved by the sparse side, unless part of a larger program.
    """
    if takes_sparse(game, method, leader_policy, start):
        # Sparse factors are loaded by those who use them: that takes a third of a second.
        from smfg_verify.exact.sparse.equilibrium import sparse_equilibrium

        return sparse_equilibrium(game, leader_policy, start, float(tolerance), int(max_steps)).equilibrium
    # Arrays: to the compiler a Python number is part of the program, and another one is another program.
    bounds = (_as_array(tolerance, float), _as_array(max_steps, int), _as_array(max_path_steps, int))
    return with_rescue(
        lambda rescue: _solve(game, leader_policy, start, *bounds, rescue),
        lambda: _cooled(game, leader_policy, *bounds),
    )


def _as_array(number: float | Array, kind: type) -> Array:
    """An array of a number, put where programs read it: `jnp.asarray` would make it by a program of its own."""
    return number if isinstance(number, jax.Array) else jax.device_put(np.asarray(number, kind))


def _cooled(
    game: AbstractGame, leader_policy: Float[Array, "O B"], tolerance: Array, max_steps: Array, max_path_steps: Array
) -> Equilibrium | None:
    """The equilibrium at the end of a walk down from a high temperature; None where the walk did not get there."""
    # A start has no derivative; under `grad`, numbers that have one could not be looked at.
    frozen = jax.lax.stop_gradient((game, leader_policy))
    last = cooled(*frozen, max_steps=max_steps, max_stations=max_path_steps)
    if last is None:
        return None
    field = last.point.mean_field.reshape(mean_field_shape(game))
    found = _solve(game, leader_policy, field, tolerance, max_steps, max_path_steps, False)
    method = jnp.where(found.converged, int(EquilibriumMethod.COOLING), found.method)
    return dataclasses.replace(found, method=method, steps=found.steps + last.steps)


def prepare(game: AbstractGame, leader_logits: ArrayLike) -> tuple[AbstractGame, Float[Array, "O B"]]:
    """Check a game and logits as every exact entry point does, and return them ready to be traced.

    Raises:
        ValueError: float64 is off, the game is invalid, or the logits have the wrong shape or are not finite.
    """
    validate(game)
    game = traced(game)
    require_float64(game)
    logits = jnp.asarray(leader_logits, dtype=float)
    # A traced partition has no countable rows; then only the columns can be checked.
    countable = not isinstance(game.leader_observation, jax.core.Tracer)
    expected = leader_logits_shape(game) if countable else (*logits.shape[:1], game.num_leader_actions)
    if logits.shape != expected:
        raise InputError(
            f"leader_logits: got shape {logits.shape}, expected {expected}: one row for each observation of the "
            "leader, one column for each of its actions."
        )
    if not isinstance(logits, jax.core.Tracer) and not np.all(np.isfinite(logits)):
        raise InputError("leader_logits: got NaN or infinite entries, expected finite logits; use large finite ones.")
    return game, logits


def checked_start(game: AbstractGame, initial: Numerical | None) -> Float[Array, "..."]:
    """The mean field a search starts from: uniform if None.

    Raises:
        ValueError: the wrong shape, or not a probability distribution.
    """
    shape = mean_field_shape(game)
    if initial is None:
        # Not `jnp.full`, which is a program of its own and, of a number, an array of weak type.
        uniform: Array = jax.device_put(np.full(shape, 1.0 / np.prod(shape)))
        return uniform
    return checked_distribution("initial", initial, shape, "a mean field of this game")


@jit_for_game
def _solve(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    start: Array | None,
    tolerance: float | Array,
    max_steps: int | Array,
    max_path_steps: int | Array,
    rescue: bool,
) -> Equilibrium:
    return equilibrium_of_policy(
        game,
        leader_policy,
        start,
        tolerance=tolerance,
        max_steps=max_steps,
        max_path_steps=max_path_steps,
        rescue=rescue,
    )


def equilibrium_of_policy(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    start: Float[Array, "..."] | None = None,
    *,
    tolerance: float | Array = TOLERANCE,
    max_steps: int | Array = MAX_STEPS,
    max_path_steps: int | Array = MAX_PATH_STEPS,
    rescue: bool = True,
) -> Equilibrium:
    """Equilibrium of a table of leader probabilities: `solve_equilibrium` without checks, for use inside jit.

    Args:
        game: the game, traced.
        leader_policy: phi(b | o), (O, B).
        start: mean field to start from; uniform if None.
        tolerance: largest accepted error, of the mean field in l1 and of the value relative to max(tau, max |V|).
        max_steps: Newton steps of each direct attempt.
        max_path_steps: steps of the continuation.
        rescue: static; False leaves out the searches that follow a failed Newton (and their compilation).

    Returns:
        The equilibrium; NaN with `converged` False where it was not found.
    """
    setting = Setting(game, leader_policy, jnp.asarray(game.temperature, dtype=float))
    frozen = jax.lax.stop_gradient(setting)
    outcome = jax.lax.stop_gradient(search_from(frozen, start, tolerance, max_steps, max_path_steps, rescue))
    search = outcome.found.search
    converged = accepted(frozen, outcome.found, tolerance)
    gap = _gap_at(frozen, search.point, converged)
    if gap is not None:
        converged &= gap.agrees
    found = implicit_point(setting, search.point)
    # A product, not a choice: `where` would give an unconverged equilibrium the derivative zero.
    found = jax.tree.map(lambda leaf: leaf * jnp.where(converged, 1.0, jnp.nan), found)
    return Equilibrium(
        mean_field=found.mean_field.reshape(mean_field_shape(game)),
        follower_policy=follower_policy(setting, found),
        follower_value=found.value,
        residual=search.norm,
        converged=converged,
        steps=search.steps,
        method=jnp.where(converged, outcome.method, int(EquilibriumMethod.NONE)),
        cycled=outcome.cycled,
        error_bound=outcome.found.mean_field_error,
        value_error_bound=outcome.found.value_error,
        spectral_radius=jnp.where(converged, outcome.found.spectral_radius, jnp.nan),
        status=_status(frozen, outcome.found, converged, gap),
        steep_entry=outcome.found.steep,
        source_gap=gap,
    )


def _gap_at(setting: Setting, point: Point, converged: Bool[Array, ""]) -> SourceGap | None:
    """What the code that the game was read from says at an equilibrium; at a point that is none it does not matter."""
    field = point.mean_field.reshape(mean_field_shape(setting.game))
    gap = source_gap(setting.game, field, follower_policy(setting, point))
    return None if gap is None else dataclasses.replace(gap, excess=jnp.where(converged, gap.excess, 0.0))


def _status(setting: Setting, found: Accuracy, converged: Bool[Array, ""], gap: SourceGap | None) -> Int[Array, ""]:
    law = found.search.remainder.mean_field
    reasons = [
        (converged, Status.CONVERGED),
        (jnp.asarray(False) if gap is None else ~gap.agrees, Status.OTHER_SOURCE),
        (~jnp.all(jnp.isfinite(law)), Status.SEVERAL_CLASSES),
        (found.steep >= 0, Status.NO_SLOPE),
        (found.search.norm <= SMALL, Status.INACCURATE),
    ]
    conditions, values = zip(*reasons, strict=True)
    return jnp.select(list(conditions), [jnp.asarray(int(value)) for value in values], int(Status.NOT_FOUND))


@eqx.filter_custom_jvp
def implicit_point(setting: Setting, point: Point) -> Point:
    """The point itself; its derivative in the setting is that of the equilibrium through it."""
    return point


@implicit_point.def_jvp  # type: ignore[untyped-decorator]  # equinox gives it no types
def _implicit_point_jvp(primals: tuple[Setting, Point], tangents: tuple[Setting, Point]) -> tuple[Point, Point]:
    r"""$\dot x = -(\partial F/\partial x)^{-1} (\partial F/\partial \text{setting}) \dot{\text{setting}}$.

    The point is taken through the same rule again, so that derivatives of this derivative are right too.
    """
    setting, point = primals
    setting_tangent, _ = tangents
    found = implicit_point(setting, point)
    at = Point(inside(found.mean_field), found.value)
    _, slope = eqx.filter_jvp(lambda setting: residual(setting, at), (setting,), (setting_tangent,))
    columns = jax.tree.map(lambda leaf: -leaf[:, None], slope)
    solved = jacobian(setting, found).solve(columns)
    return found, jax.tree.map(lambda leaf: leaf[:, 0], solved)
