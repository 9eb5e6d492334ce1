"""The searches for an equilibrium within one program: Newton's method, and what is tried where it fails."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from smfg_verify.exact.equilibrium.accuracy import Accuracy, accuracy
from smfg_verify.exact.equilibrium.continuation import follow_temperature, uniform_start
from smfg_verify.exact.equilibrium.newton import damped_iteration, newton, respond, to_simplex, unevaluated
from smfg_verify.exact.equilibrium.outcome import EquilibriumMethod
from smfg_verify.exact.equilibrium.residual import Point, Setting, value_scale

# Best-response iterations, which only have to come near.
_DAMPED_STEPS = 60


class Outcome(NamedTuple):
    """The best point so far, which search found it, whether a cycle was met, and the searches tried."""

    found: Accuracy
    method: Int[Array, ""]
    cycled: Bool[Array, ""]
    tried: Int[Array, ""]


def search_from(
    setting: Setting,
    start: Array | None,
    tolerance: float | Array,
    max_steps: int | Array,
    max_path_steps: int | Array,
    rescue: bool,
) -> Outcome:
    """Newton's method from a mean field; where it fails from the end of best-response iteration, then along the path.

    Args:
        setting: the equilibrium problem.
        start: mean field, (n,) or (n, A); uniform if None.
        tolerance: largest accepted error, of the mean field in l1 and of the value relative to its size.
        max_steps: Newton steps of each attempt.
        max_path_steps: steps of the continuation.
        rescue: static; False leaves out what follows Newton's method (and its compilation).

    Returns:
        The nearest point found.
    """
    field = uniform_start(setting).mean_field if start is None else to_simplex(jnp.ravel(start))
    # The value that belongs to the first mean field: from V = 0 the first step may leap to another equilibrium.
    first = unevaluated(Point(field, respond(setting, field)[1].value))
    if not rescue:
        direct = accuracy(setting, newton(setting, first, max_steps=max_steps))
        return Outcome(direct, jnp.asarray(int(EquilibriumMethod.NEWTON)), jnp.asarray(False), jnp.asarray(1))

    def unfinished(outcome: Outcome) -> Bool[Array, ""]:
        return (outcome.tried < int(EquilibriumMethod.CONTINUATION)) & ~accepted(setting, outcome.found, tolerance)

    def attempt(outcome: Outcome) -> Outcome:
        method = outcome.tried + 1
        damped = method == int(EquilibriumMethod.DAMPED)
        begun = first._replace(steps=outcome.found.search.steps)
        warm, cycled = damped_iteration(setting, begun, max_steps=_DAMPED_STEPS, active=damped)
        warm = follow_temperature(
            setting, warm, max_steps=max_path_steps, active=method == int(EquilibriumMethod.CONTINUATION)
        )
        found = accuracy(setting, newton(setting, warm, max_steps=max_steps))
        better = ~_nearer(outcome.found, found)
        kept = jax.tree.map(lambda new, old: jnp.where(better, new, old), found, outcome.found)
        # The steps of all the searches count, whichever is kept.
        kept = kept._replace(search=kept.search._replace(steps=found.search.steps))
        return Outcome(kept, jnp.where(better, method, outcome.method), outcome.cycled | cycled, method)

    unknown = jnp.asarray(jnp.inf)
    nothing = Accuracy(first, unknown, unknown, jnp.asarray(jnp.nan), jnp.asarray(-1))
    none = jnp.asarray(int(EquilibriumMethod.NONE))
    return jax.lax.while_loop(unfinished, attempt, Outcome(nothing, none, jnp.asarray(False), none))


def accepted(setting: Setting, found: Accuracy, tolerance: float | Array) -> Bool[Array, ""]:
    """Whether both errors of a point are within the tolerance."""
    scale = value_scale(setting.temperature, found.search.point.value)
    return (found.mean_field_error <= tolerance) & (found.value_error <= tolerance * scale)


def _nearer(found: Accuracy, other: Accuracy) -> Bool[Array, ""]:
    """Whether the first is the better one: by its error where one is known, by its residual elsewhere."""
    by_error = found.mean_field_error < other.mean_field_error
    neither = ~(jnp.isfinite(found.mean_field_error) | jnp.isfinite(other.mean_field_error))
    return by_error | (neither & (found.search.norm < other.search.norm))
