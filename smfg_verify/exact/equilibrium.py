"""The mean field equilibrium of a leader's policy, with its residual, differentiable to any order."""

import dataclasses
import enum
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from smfg_verify.errors import InputError, NumericalError
from smfg_verify.exact.continuation import follow_temperature, uniform_start
from smfg_verify.exact.newton import Search, begin, damped_iteration, newton, respond, to_simplex
from smfg_verify.exact.precision import require_float64
from smfg_verify.exact.residual import Point, Setting, follower_policy, jacobian, residual
from smfg_verify.game import (
    AbstractGame,
    SourceGap,
    compiled_for_game,
    leader_logits_shape,
    mean_field_shape,
    source_gap,
    traced,
    validate,
)
from smfg_verify.policies import checked_distribution, softmax_policy
from smfg_verify.portable import Portable

TOLERANCE = 1e-10


class Method(enum.IntEnum):
    """Which search found an equilibrium; NONE when no search did."""

    NONE = 0
    NEWTON = 1
    DAMPED = 2
    CONTINUATION = 3


class Equilibrium(Portable, eqx.Module):
    r"""A mean field equilibrium $(\pi^*, \mu^*)$ of a leader's policy, and how well it holds.

    Attributes:
        mean_field: (n,) on states or (n, A) on state-action pairs; NaN where not converged.
        follower_policy: pi*(a|s), (n, A); NaN where not converged.
        follower_value: V*(s), (n,), in units of reward; NaN where not converged.
        residual: largest entry of (F_m, F_V / max(1, max |V|)) at the best point found, whether converged or not.
        converged: residual <= tolerance.
        steps: Newton steps taken in all.
        method: a `Method`: which search found it.
        cycled: whether best-response iteration met a period-2 cycle on the way (only tried when Newton failed).
        source_gap: how far the game is there from the code it was read from, not converged where more than rounding;
            None for a game that stands for itself.
    """

    mean_field: Float[Array, "..."]
    follower_policy: Float[Array, "n A"]
    follower_value: Float[Array, " n"]
    residual: Float[Array, ""]
    converged: Bool[Array, ""]
    steps: Int[Array, ""]
    method: Int[Array, ""]
    cycled: Bool[Array, ""]
    source_gap: SourceGap | None = None


def solve_equilibrium(
    game: AbstractGame,
    leader_logits: Float[ArrayLike, "O B"],
    *,
    initial: Float[ArrayLike, "..."] | None = None,
    tolerance: float = TOLERANCE,
    max_steps: int = 60,
    max_path_steps: int = 2000,
    throw: bool = True,
) -> Equilibrium:
    r"""Solve $\mu = P_{\pi,\phi,\mu}^T \mu$, $\pi = $ soft best response to $(\phi, \mu)$.

    Damped Newton on (mean field, value) from `initial`; where it stalls, best-response iteration with 2-cycle
    damping as a warm start and Newton again; where that stalls, pseudo-arclength continuation from a high
    temperature. Differentiable by JAX with respect to the logits and every game parameter (implicitly, forward
    and reverse, any order). Traceable: under `jit`, `vmap` or `grad` bad numbers cannot be refused, so failures
    show as NaN with `converged` False.

    Args:
        game: the game.
        leader_logits: omega, (number of observations, B), dimensionless.
        initial: mean field to start from, (n,) or (n, A); uniform if None. Where the equilibrium is not
            unique, which one is found depends on it.
        tolerance: largest accepted residual.
        max_steps: Newton steps of each direct attempt.
        max_path_steps: steps of the continuation.
        throw: raise when not converged; if False, NaN with `converged` False.

    Returns:
        The equilibrium with its true residual.

    Raises:
        ValueError: an invalid game, logits or start of the wrong shape or not finite, float64 off.
        RuntimeError: not converged and `throw`.

    Source: theory of entropy-regularised stationary mean field games (Cui and Koeppl 2021); the elimination of the
        value block uses the envelope theorem.
    """
    game, leader_logits = prepare(game, leader_logits)
    start = checked_start(game, initial)
    policy = softmax_policy(leader_logits)
    found = _solve(game, policy, start, tolerance, max_steps, max_path_steps, False)
    if needs_rescue(found):
        found = _solve(game, policy, start, tolerance, max_steps, max_path_steps, True)
    if throw:
        raise_unless_converged(found)
    return found


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


def checked_start(game: AbstractGame, initial: ArrayLike | None) -> Float[Array, "..."]:
    """The mean field a search starts from: uniform if None.

    Raises:
        ValueError: the wrong shape, or not a probability distribution.
    """
    shape = mean_field_shape(game)
    if initial is None:
        return jnp.full(shape, 1.0 / np.prod(shape))
    return checked_distribution("initial", initial, shape, "a mean field of this game")


def raise_unless_converged(equilibrium: Equilibrium) -> None:
    """Raise when an equilibrium, or one of a batch, has not converged; under tracing it cannot be known and passes.

    Raises:
        RuntimeError: with the residual reached.
        ValueError: the game's tables differ there from the code they were read from.
    """
    if isinstance(equilibrium.converged, jax.core.Tracer):
        return
    if equilibrium.source_gap is not None:
        equilibrium.source_gap.require_agreement()
    converged = np.asarray(equilibrium.converged)
    if not np.all(converged):
        worst = float(np.max(np.asarray(equilibrium.residual)))
        raise NumericalError(
            f"equilibrium: {int(np.sum(~converged))} of {converged.size} not converged, residual {worst:.3g}; likely "
            "causes: functions that jump in the mean field (then no equilibrium need exist), more than one recurrent "
            "class, or a temperature far below the scale of rewards. Pass throw=False to get NaN and the status."
        )


def needs_rescue(equilibrium: Equilibrium) -> bool:
    """Whether direct Newton failed somewhere, so that the costly searches must be compiled and run.

    Under tracing the answer is not known before the run, so it is yes.
    """
    if isinstance(equilibrium.converged, jax.core.Tracer):
        return True
    gap = equilibrium.source_gap  # no other search brings a game's tables and their source together
    return not bool(np.all(equilibrium.converged if gap is None else equilibrium.converged | ~gap.agrees))


@compiled_for_game
def _solve(game, leader_policy, start, tolerance, max_steps, max_path_steps, rescue) -> Equilibrium:
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
    max_steps: int | Array = 60,
    max_path_steps: int | Array = 2000,
    rescue: bool = True,
) -> Equilibrium:
    """Equilibrium of a table of leader probabilities: `solve_equilibrium` without checks, for use inside jit.

    Args:
        game: the game, traced.
        leader_policy: phi(b | o), (O, B).
        start: mean field to start from; uniform if None.
        tolerance: largest accepted residual.
        max_steps: Newton steps of each direct attempt.
        max_path_steps: steps of the continuation.
        rescue: static; False leaves out the searches that follow a failed Newton (and their compilation).

    Returns:
        The equilibrium; NaN with `converged` False where it was not found.
    """
    setting = Setting(game, leader_policy, jnp.asarray(game.temperature, dtype=float))
    frozen = jax.lax.stop_gradient(setting)
    outcome = _search(frozen, start, tolerance, max_steps, max_path_steps, rescue)
    search = jax.lax.stop_gradient(outcome.search)
    converged = search.norm <= tolerance
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
        method=jnp.where(converged, outcome.method, int(Method.NONE)),
        cycled=outcome.cycled,
        source_gap=gap,
    )


def _gap_at(setting: Setting, point: Point, converged: Bool[Array, ""]) -> SourceGap | None:
    """What the code that the game was read from says at an equilibrium; at a point that is none it does not matter."""
    if not hasattr(setting.game, "source_gap"):
        return None
    field = point.mean_field.reshape(mean_field_shape(setting.game))
    gap = source_gap(setting.game, field, follower_policy(setting, point))
    return dataclasses.replace(gap, excess=jnp.where(converged, gap.excess, 0.0))


class _Outcome(NamedTuple):
    search: Search
    method: Int[Array, ""]
    cycled: Bool[Array, ""]


def _search(setting: Setting, start, tolerance, max_steps, max_path_steps, rescue) -> _Outcome:
    field = uniform_start(setting).mean_field if start is None else to_simplex(jnp.ravel(start))
    # The value that belongs to the first mean field: from V = 0 the first step may leap to another equilibrium.
    point = Point(field, respond(setting, field)[1].value)
    direct = newton(setting, begin(setting, point), max_steps=max_steps)
    if not rescue:
        return _Outcome(direct, jnp.asarray(int(Method.NEWTON)), jnp.asarray(False))
    failed = ~(direct.norm <= tolerance)
    warm, cycled = damped_iteration(setting, begin(setting, point), max_steps=60, active=failed)
    damped = newton(setting, warm._replace(steps=direct.steps), max_steps=max_steps, active=failed)
    still_failed = failed & ~(damped.norm <= tolerance)
    followed = follow_temperature(setting, damped, max_steps=max_path_steps, active=still_failed)
    method = jnp.where(still_failed, Method.CONTINUATION, jnp.where(failed, Method.DAMPED, Method.NEWTON))
    late_is_better = failed & ~(direct.norm <= followed.norm)
    best = jax.tree.map(lambda late, early: jnp.where(late_is_better, late, early), followed, direct)
    return _Outcome(best, method, cycled)


@eqx.filter_custom_jvp
def implicit_point(setting: Setting, point: Point) -> Point:
    """The point itself; its derivative in the setting is that of the equilibrium through it."""
    return point


@implicit_point.def_jvp
def _implicit_point_jvp(primals, tangents):
    r"""$\dot x = -(\partial F/\partial x)^{-1} (\partial F/\partial \text{setting}) \dot{\text{setting}}$.

    The point is taken through the same rule again, so that derivatives of this derivative are right too.
    """
    setting, point = primals
    setting_tangent, _ = tangents
    found = implicit_point(setting, point)
    _, slope = eqx.filter_jvp(lambda setting: residual(setting, found), (setting,), (setting_tangent,))
    columns = jax.tree.map(lambda leaf: -leaf[:, None], slope)
    solved = jacobian(setting, found).solve(columns)
    return found, jax.tree.map(lambda leaf: leaf[:, 0], solved)
