r"""`equilibrium.cooling` for large games: the same walk down, each step of it by sparse factors."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.exact.equilibrium.cooling import Landing, Station, hot, walk
from smfg_verify.exact.equilibrium.outcome import Status
from smfg_verify.exact.equilibrium.residual import value_scale
from smfg_verify.exact.sparse.linearisation import Linear
from smfg_verify.exact.sparse.local_moves import Local, all_rewards, answer_by_temperature
from smfg_verify.exact.sparse.newton import newton, with_value
from smfg_verify.exact.sparse.places import Field, Pair, Place
from smfg_verify.game import AbstractGame, mean_field_shape

# Newton steps at one temperature, the residual that is left there, in mass and in temperatures, and how well slopes in
# the temperature are solved.
_STEPS, _ENOUGH, _FINE = 20, 1e-9, 1e-6
# What is looked at beside an equilibrium: of the follower's policies there, (2, n, A), and the mean field.
Look = Callable[[Float[np.ndarray, "2 n A"], Field], object]


def stations(
    game: AbstractGame, local: Local, target: float, *, max_steps: int = _STEPS, look: Look | None = None
) -> Iterator[Station[Pair]]:
    """Equilibria from a high temperature down to one that is asked for, see `equilibrium.cooling.stations`.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves; the temperature is not read.
        target: temperature at which the walk ends, in units of reward.
        max_steps: Newton steps at one temperature.
        look: what else to compute at each.

    Yields:
        Where Newton's method landed, in order of falling temperature; the number of its products with the Jacobian
        is not kept.
    """
    size = int(np.prod(mean_field_shape(game)))
    hottest = hot(game, target, lambda field: all_rewards(game, field))
    start = with_value(game, at_temperature(local, hottest), np.full(size, 1.0 / size))

    def land(temperature: float, at: Pair, rise: Pair, before: float) -> Landing[Pair]:
        ahead = at.plus(rise, temperature - before)
        mass = np.maximum(ahead.field, 0.0)
        there = at_temperature(local, temperature)
        found = newton(game, there, Pair(mass / np.sum(mass), ahead.value), max_steps, _ENOUGH)
        if isinstance(found.place, Status) or not _norm(there, found.place) < np.inf:
            return Landing(at, rise, np.inf, found.steps, np.zeros((2, 1, 1)), None)
        return _landed(game, there, found.place, found.steps, look)

    yield from walk(land, start, start.times(0.0), hottest, target)


def at_temperature(local: Local, temperature: float) -> Local:
    """The same leader's policy and moves at another temperature."""
    return replace(local, temperature=jnp.asarray(temperature))


def _landed(game: AbstractGame, local: Local, place: Place, steps: int, look: Look | None) -> Landing[Pair]:
    """The slope in the temperature, and the policy extended along it to tau = 0."""
    linear, tau = Linear(game, local, place), float(local.temperature)
    by_tau = jax.tree.map(np.asarray, answer_by_temperature(game, local, linear.field, jnp.asarray(place.point.value)))
    # A slope that was not solved well leads Newton's method to a worse start, which shows in its steps.
    slope = linear.solve(linear.answered(by_tau), _FINE).solution
    policy = np.asarray(place.answer.policy)
    moved = by_tau.policy + np.asarray(linear.along(None, slope).policy)
    extended = np.maximum(policy - tau * moved, 0.0)
    policies = np.stack([policy, extended / np.sum(extended, axis=1, keepdims=True)])
    seen = None if look is None else look(policies, place.point.field)
    return Landing(place.point, slope, _norm(local, place), steps, policies, seen)


def _norm(local: Local, place: Place) -> float:
    """Mass that is off, or the largest error of the value's equation relative to the values."""
    missed, scale = place.remainder, float(value_scale(local.temperature, jnp.asarray(place.point.value)))
    return max(float(np.sum(np.abs(missed.field))), float(np.max(np.abs(missed.value))) / scale)
