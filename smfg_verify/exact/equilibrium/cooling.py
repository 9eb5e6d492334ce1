r"""Following the equilibrium down to a low temperature along its slope in $\tau$, a hundredfold at a time.

Below the scale of rewards the equilibrium is nearly linear in the temperature: policies that mix stay indifferent up to
$\tau$ times a logarithm, and the others are pure up to $e^{-gap/\tau}$. So a tangent predicts it over factors of a
hundred, and Newton's method corrects in a few steps, where it never arrives from the uniform mean field.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.continuation import uniform_start
from smfg_verify.exact.equilibrium.newton import newton, newton_direction, to_simplex, unevaluated
from smfg_verify.exact.equilibrium.residual import Point, Setting, follower_policy, residual
from smfg_verify.exact.kernel import tabulate
from smfg_verify.exact.root import MAX_STEPS
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.base import AnyArray

# One temperature to the next: where Newton's method fails a smaller change is tried, up to the largest of the ratios.
_RATIO, _LARGEST_RATIO = 0.01, 0.8
MOST_STATIONS = 100
# A first temperature at which Newton's method fails is raised a hundredfold, so often at most.
_MOST_HOTTER = 4
# A residual this small is near enough to go on from; what it is worth is told where the walk ends.
_NEAR = 1e-6


# Mean field and value, in arrays of JAX or of NumPy.
At = TypeVar("At")
AtOut = TypeVar("AtOut", covariant=True)


class Landing(NamedTuple, Generic[AtOut]):
    """Where Newton's method ended at one temperature; what the names of a `Station` say, for this temperature alone."""

    point: AtOut
    slope: AtOut
    norm: float
    steps: int
    policies: Float[AnyArray, "2 n A"]
    seen: Any


class Station(NamedTuple, Generic[AtOut]):
    """The equilibrium at one temperature.

    Attributes:
        temperature: tau, in units of reward.
        point: mean field and value.
        slope: their derivatives in tau.
        norm: of the residual.
        policies: the follower's, and the same extended to tau = 0 along its slope, (2, n, A).
        steps: Newton steps taken so far, those of attempts that failed included.
        seen: what `look` of `stations` returns there.
    """

    temperature: float
    point: AtOut
    slope: AtOut
    norm: float
    policies: Float[AnyArray, "2 n A"]
    steps: int
    seen: Any


# What is computed beside an equilibrium, in the same program: of the game, the leader's policy, both of the follower's,
# (2, n, A), and the mean field, flattened.
Look = Callable[[AbstractGame, Array, Array, Array], object]


def stations(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    target: float,
    *,
    max_steps: int | Array = MAX_STEPS,
    max_stations: int | Array = MOST_STATIONS,
    look: Look | None = None,
) -> Iterator[Station[Point]]:
    """Equilibria from a high temperature, where rewards hardly matter, down to one that is asked for.

    Args:
        game: the game, traced; its own temperature is not read.
        leader_policy: phi(b | o), (O, B).
        target: temperature at which the walk ends, in units of reward.
        max_steps: Newton steps at one temperature.
        max_stations: bound on the temperatures tried.
        look: what else to compute at each, as part of the same program: a function at the top of a module.

    Yields:
        Where Newton's method landed, in order of falling temperature. The last one is above the target where it failed.
    """
    temperature = hot(game, target, lambda field: tabulate(game, field).follower_reward)
    start = uniform_start(Setting(game, leader_policy, jnp.asarray(temperature)))

    def land(temperature: float, at: Point, rise: Point, before: float) -> Landing[Point]:
        # Arrays: to the compiler a Python number is part of the program, and another one is another program.
        tau, (at, rise, above), most = jax.tree.map(np.asarray, (temperature, (at, rise, before), max_steps))
        point, slope, norm, taken, policies, seen = _settled(game, leader_policy, tau, at, rise, above, most, look)
        return Landing(point, slope, float(norm), int(taken), policies, seen)

    yield from walk(land, start, jax.tree.map(jnp.zeros_like, start), temperature, target, int(max_stations))


def walk(
    land: Callable[[float, At, At, float], Landing[At]],
    start: At,
    level: At,
    hottest: float,
    target: float,
    max_stations: int = MOST_STATIONS,
) -> Iterator[Station[At]]:
    """The walk of `stations`, by whatever carries out a step of it.

    Args:
        land: solves at a temperature, from a point, the slope there and the temperature of these.
        start: where the first search starts.
        level: a slope of zero.
        hottest: first temperature, in units of reward.
        target: temperature at which the walk ends, in units of reward.
        max_stations: bound on the temperatures tried.

    Yields:
        As `stations`.
    """
    origin: tuple[At, At, float] = (start, level, hottest)
    temperature, last = hottest, None
    ratio, steps, hotter = _RATIO, 0, 0
    for _ in range(max_stations):
        found = land(temperature, *origin)
        steps += found.steps
        if found.norm <= _NEAR:
            last = Station(temperature, found.point, found.slope, found.norm, found.policies, steps, found.seen)
            yield last
            if temperature <= target:
                return
            ratio = max(_RATIO, ratio**2)
        else:
            ratio = math.sqrt(ratio)
        if last is None:
            # Rewards elsewhere may be far larger than where the first temperature was read off.
            temperature, ratio = temperature / _RATIO, _RATIO
            hotter += 1
        else:
            temperature, origin = max(target, last.temperature * ratio), (last.point, last.slope, last.temperature)
        if hotter > _MOST_HOTTER or ratio > _LARGEST_RATIO:
            return


def cooled(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    *,
    max_steps: int | Array = MAX_STEPS,
    max_stations: int | Array = MOST_STATIONS,
) -> Station[Point] | None:
    """The equilibrium at the game's own temperature, at the end of a walk from a high one; None if it did not arrive.

    Args:
        game: the game, traced.
        leader_policy: phi(b | o), (O, B).
        max_steps: Newton steps at one temperature.
        max_stations: bound on the temperatures tried.

    Returns:
        The last station.
    """
    target = float(game.temperature)
    walk = list(stations(game, leader_policy, target, max_steps=max_steps, max_stations=max_stations))
    return walk[-1] if walk and walk[-1].temperature <= target else None


@jit_for_game
def _settled(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    temperature: Float[Array, ""],
    origin: Point,
    slope: Point,
    origin_temperature: Float[Array, ""],
    max_steps: Int[Array, ""],
    look: Look | None,
) -> tuple[Point, Point, Array, Array, Array, object]:
    """Newton's method from where the tangent at another temperature leads, and what is seen there."""

    def setting(tau: Array) -> Setting:
        return Setting(game, leader_policy, tau)

    tau = jnp.asarray(temperature)
    ahead: Point = jax.tree.map(lambda x, slope: x + (tau - origin_temperature) * slope, origin, slope)
    start = unevaluated(Point(to_simplex(ahead.mean_field), ahead.value))
    found, matrix, _ = newton(setting(tau), start, max_steps=max_steps)
    one = jnp.ones_like(tau)
    by_tau = jax.jvp(lambda tau: residual(setting(tau), found.point), (tau,), (one,))[1]
    slope = jax.tree.map(jnp.negative, newton_direction(matrix, by_tau))
    policy, by_tau = jax.jvp(lambda tau, point: follower_policy(setting(tau), point), (tau, found.point), (one, slope))
    extended = jnp.maximum(policy - tau * by_tau, 0.0)
    policies = jnp.stack([policy, extended / jnp.sum(extended, axis=1, keepdims=True)])
    seen = None if look is None else look(game, leader_policy, policies, found.point.mean_field)
    return found.point, slope, found.norm, found.steps, policies, seen


def hot(game: AbstractGame, target: float, rewards: Callable[[Array], Array]) -> float:
    """A temperature as large as what rewards differ by in all, at an even and at an uneven mean field.

    Args:
        game: the game.
        target: of which the temperature is at least twice as high.
        rewards: of the follower at a mean field.

    Returns:
        The temperature, in units of reward.
    """
    shape = mean_field_shape(game)
    rising = np.arange(1.0, np.prod(shape) + 1.0).reshape(shape)
    fields = (np.full(shape, 1.0 / np.prod(shape)), rising / np.sum(rising))
    table = np.stack([np.asarray(rewards(jnp.asarray(field))) for field in fields])
    finite = table[np.isfinite(table)]
    span = float(np.ptp(finite)) if finite.size else 0.0
    # Rewards that are all the same leave the temperature nothing to be compared with.
    return 2.0 * target + (span if span > 0.0 else 1.0)
