r"""How far a point of a large game is from an equilibrium: the estimate of `equilibrium.accuracy` without its table.

There $e = |J^{-1}| (|f| + \rho)$ is read off the inverse, entry by entry. Here no entry of the inverse is known, only
its products. What errors of the value's equations do to the value while the mean field is held is known exactly, by one
solve; of what goes through the mean field the row with the largest sum is found as in Hager's and Higham's estimator,
one solve with $J^T$ giving its sum exactly; for the mean field the signs of $f$ and $\rho$ are turned so that
$|J^{-1} D s|_1$ grows. Those two are reached from below, so that three times what was found counts as the estimate. The
curvature is tried and staircases are looked for as there.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs

from smfg_verify.exact.equilibrium.accuracy import GRAINS, ROUNDINGS, irregularity, is_stepped, tangent
from smfg_verify.exact.equilibrium.outcome import Status
from smfg_verify.exact.sparse.equations.linearisation import Linear, StalledError
from smfg_verify.exact.sparse.equations.local_moves import Local, sizes
from smfg_verify.exact.sparse.equations.places import Pair, Place, Vector, place_at, population
from smfg_verify.exact.sparse.newton import moved
from smfg_verify.game import AbstractGame

# Of a norm that is reached from below, as in LAPACK's estimates of errors, which are rarely off by more; the same as if
# all roundings were so many times larger.
_SAFETY = 3.0
# Draws of roundings of the logits, and the multiple of their root mean square that counts.
_DRAWS, SPREAD = 4, 16.0
# Kinds of moves, by their place among those listed, whose roundings are tried one by one, and unit roundoffs of each.
_KINDS, _ALIKE = 16, 4.0
# How well the linear equations of estimates are solved, and those of the last steps.
_ROUGH, _FINE = 1e-3, 1e-8
# Times that signs are turned to make the mean field's error larger.
_CLIMBS = 2
# Whole steps that polish the point.
_POLISH = 2
# Size up to which the eigenvalues are those of a full matrix; further the largest is found to this many digits.
_SMALL, _DIGITS = 12, 1e-3


class Estimate(NamedTuple):
    """A point polished, and how near it is to an equilibrium.

    Attributes:
        place: the polished point.
        field_error: estimate of the l1 error of the mean field; infinite where nothing is known.
        value_error: estimate of the largest error of the value, in units of reward; infinite where nothing is known.
        steep: an entry of the mean field in which a slope of the game is not finite; -1 if there is none.
        directions: of the unknowns, as long as the errors: where the mean field's and where the value's is largest.
        doubt: what the equations may miss, entry by entry; None where nothing is known.
        quality: of which what each action is worth to the follower is rounded by, (n,), in units of reward.
    """

    place: Place
    field_error: float
    value_error: float
    steep: int = -1
    directions: tuple[Pair, ...] = ()
    doubt: Pair | None = None
    quality: np.ndarray | None = None


def accuracy(game: AbstractGame, local: Local, place: Place) -> Estimate:
    """Polish a point, and estimate how far it is from an equilibrium.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        place: where a search ended.

    Returns:
        The polished point and its errors.
    """
    linear = Linear(game, local, place)
    steep = _steep_entry(linear)
    if steep >= 0:
        return Estimate(place, np.inf, np.inf, steep)
    for _ in range(_POLISH):
        step = linear.solve(place.remainder, _FINE).solution
        following = place_at(game, local, moved(game, place, step, 1.0))
        if isinstance(following, Status) or not following.merit < place.merit:
            break
        place = following
    linear = Linear(game, local, place)
    rounding, quality = _rounding(game, local, linear)
    grain = _grain(game, local, linear, rounding)
    if grain is None:
        return Estimate(place, np.inf, np.inf)
    doubt = Pair(np.abs(place.remainder.field), np.abs(place.remainder.value)).plus(rounding).plus(grain)
    try:
        field, value, directions = _amplified(linear, doubt)
        turned = _turned(game, local, linear, rounding, directions)
    except StalledError:
        return Estimate(place, np.inf, np.inf)
    trusted = turned is not None and turned[0] <= field and turned[1] <= value
    if not trusted:
        return Estimate(place, np.inf, np.inf)
    return Estimate(place, 2.0 * field, 2.0 * value, -1, tuple(directions), doubt, quality)


def _steep_entry(linear: Linear) -> int:
    """An entry of the mean field whose slopes are not finite; -1 if there is none."""
    answer = linear.place.answer
    ones = jax.tree.map(lambda leaf: jnp.ones(np.shape(leaf)), answer)
    slopes = linear.pull(ones)[1]
    bad = ~np.isfinite(slopes)
    return int(np.argmax(bad)) if np.any(bad) else -1


def _rounding(game: AbstractGame, local: Local, linear: Linear) -> tuple[Pair, np.ndarray]:
    """What the rounding of the equations' evaluation may amount to, entry by entry, see the dense side's; and that of
    what each action is worth to the follower."""
    place, law = linear.place, linear.place.law
    value, policy = place.point.value, np.asarray(place.answer.policy)
    unit = np.finfo(float).eps
    sums = ROUNDINGS + np.sqrt(np.prod(np.shape(local.targets)[1:]))
    centre = np.mean(value)
    discount, tau = float(game.discount), float(local.temperature)
    nothing = np.zeros_like(value)
    by_field = np.abs(linear.apply(Pair(place.point.field, nothing)).value)
    # Not of random sign: those of two actions, or of two states, may be the same or opposite in all draws.
    drawn = np.random.default_rng(0).normal(size=(_DRAWS, *policy.shape))
    turns = policy * (drawn - np.sum(policy * drawn, axis=2, keepdims=True))
    known = sizes(game, local, jnp.asarray(place.point.field), jnp.asarray(turns))
    quality = sums * unit * (np.asarray(known.reward) + discount * np.max(np.abs(value - centre)) + by_field)
    whole = np.abs(value) + discount * abs(centre) + tau
    lost = discount * np.asarray(known.lost) * np.max(np.abs(value))
    logits = quality / tau + ROUNDINGS * unit
    changes = [linear.law_along(logits[:, None, None, None] * np.asarray(turn)) for turn in known.turned]
    spread = SPREAD * np.linalg.norm(changes, axis=0) / np.sqrt(_DRAWS)
    by_law = population(game, law.error + spread + _rounded_alike(linear) + _lost_to_underflow(local, place), policy)
    rounding = Pair(by_law + sums * unit * place.point.field, quality + ROUNDINGS * unit * whole + lost)
    return rounding, tau * logits


def _rounded_alike(linear: Linear) -> np.ndarray:
    """What the law moves by where the moves of one kind are rounded alike in all states, which adds up along a line."""
    weights = np.asarray(linear.place.answer.weights)
    moved = np.zeros_like(linear.place.law.law)
    for kinds in np.array_split(np.arange(weights.shape[3]), min(_KINDS, weights.shape[3])):
        moved += np.abs(linear.law_along(np.where(np.isin(np.arange(weights.shape[3]), kinds), weights, 0.0)))
    result: np.ndarray = _ALIKE * np.finfo(float).eps * moved
    return result


def _lost_to_underflow(local: Local, place: Place) -> np.ndarray:
    """How far moves whose rate no float holds may move the law: as if each had the least float, see `population`."""
    least = float(np.finfo(float).tiny)
    flows = np.where(np.asarray(place.answer.weights) < least, least, 0.0) * place.law.law[:, None, None, None]
    into = np.bincount(np.asarray(local.targets).ravel(), flows.ravel(), minlength=place.law.law.size)
    result: np.ndarray = np.abs(place.law.along(into - np.sum(flows, axis=(1, 2, 3))))
    return result


def _grain(game: AbstractGame, local: Local, linear: Linear, rounding: Pair) -> Pair | None:
    """Roundings within the game's functions, seen on a scale of 1e-10 in mass; None on the step of a staircase."""
    place = linear.place
    unit = np.asarray(tangent(jnp.asarray(place.point.field)))
    slope = linear.apply(Pair(unit, np.zeros_like(place.point.value)))
    departures, lines = [], []
    for length in (*GRAINS, *(-length for length in GRAINS)):
        point = Pair(np.maximum(place.point.field + length * unit, 0.0), place.point.value)
        there = place_at(game, local, point)
        if isinstance(there, Status):
            return None
        line = slope.times(length)
        departures.append(np.concatenate(there.remainder.plus(place.remainder, -1.0).plus(line, -1.0)))
        lines.append(np.concatenate(line))
    size, granted = place.point.field.size, jnp.asarray(np.concatenate(rounding))
    table = jnp.asarray(np.stack(departures))
    if bool(is_stepped(table, jnp.asarray(np.stack(lines)), granted, size)):
        return None
    found = np.asarray(irregularity(table, granted))
    return Pair(found[:size], found[size:])


def _amplified(linear: Linear, doubt: Pair) -> tuple[float, float, list[Pair]]:
    r"""What errors of the equations up to these sizes do to the unknowns, and in which directions they do most.

    What those of the value's own equations do to it while the mean field is held is known in every entry:
    $(I - \gamma P)^{-1}$ has no negative ones. Only what goes through the mean field is reached from below.
    """
    nothing = Pair(np.zeros_like(doubt.field), np.zeros_like(doubt.value))

    def reached(signs: Pair) -> tuple[Pair, Vector]:
        """The unknowns' errors, and the value's part that goes through the mean field."""
        right = doubt.times(signs)
        found = linear.solve(right, _ROUGH).within(_ROUGH)
        return found, found.value - linear.value_value.solve(right.value)

    def worst_signs(weights: Pair) -> tuple[Pair, float]:
        pulled = linear.solve_transposed(weights, _ROUGH).within(_ROUGH)
        through = pulled.value - linear.value_value.solve(weights.value, transposed=True)
        row = float(np.abs(pulled.field) @ doubt.field + np.abs(through) @ doubt.value)
        return Pair(_signs(pulled.field), _signs(pulled.value)), row

    drawn = np.random.default_rng(0)
    # Of one sign alone errors lift the value everywhere alike, which no action feels; and those of the mean field's
    # equations hide then what moves mass about.
    alike = reached(Pair(np.ones_like(doubt.field), np.ones_like(doubt.value)))
    tried = [alike, reached(Pair(*(drawn.choice([-1.0, 1.0], part.shape) for part in doubt)))]
    for _ in range(_CLIMBS):
        furthest = max(tried, key=lambda one: float(np.sum(np.abs(one[0].field))))
        tried.append(reached(worst_signs(Pair(_signs(furthest[0].field), nothing.value))[0]))
    by_field = max(tried, key=lambda one: float(np.sum(np.abs(one[0].field))))
    entry = np.zeros_like(doubt.value)
    entry[np.argmax(np.max([np.abs(through) for _, through in tried], axis=0))] = 1.0
    signs, row = worst_signs(Pair(nothing.field, entry))
    by_value = reached(signs)
    tried.append(by_value)
    held = float(np.max(linear.value_value.solve(doubt.value)))
    field = _SAFETY * max(float(np.sum(np.abs(pair.field))) for pair, _ in tried)
    value = held + _SAFETY * (_ROUGH * held + max(row, *(float(np.max(np.abs(through))) for _, through in tried)))
    size = 2.0 * _SAFETY
    return field, value, [by_field[0].times(size), by_value[0].times(size)]


def _signs(vector: np.ndarray) -> np.ndarray:
    return np.where(vector < 0.0, -1.0, 1.0)


def _turned(
    game: AbstractGame, local: Local, linear: Linear, rounding: Pair, directions: list[Pair]
) -> tuple[float, float] | None:
    """How far curvature at twice the estimated error turns the solution, in both unknowns; None where undefined."""
    place, field, value = linear.place, 0.0, 0.0
    for direction in (*directions, *(pair.times(-1.0) for pair in directions)):
        point = place.point.plus(direction)
        there = place_at(game, local, Pair(np.maximum(point.field, 0.0), point.value))
        if isinstance(there, Status):
            return None
        line = linear.apply(there.point.plus(place.point, -1.0))
        departure = there.remainder.plus(place.remainder, -1.0).plus(line, -1.0)
        granted = rounding.times(2.0 * _SAFETY)
        beyond = Pair(_beyond(departure.field, granted.field), _beyond(departure.value, granted.value))
        turned = linear.solve(beyond, _ROUGH).within(_ROUGH)
        field = max(field, float(np.sum(np.abs(turned.field))))
        value = max(value, float(np.max(np.abs(turned.value))))
    return field, value


def _beyond(departure: np.ndarray, granted: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.sign(departure) * np.maximum(np.abs(departure) - granted, 0.0)
    return result


def spectral_radius(linear: Linear) -> float:
    """Largest modulus of an eigenvalue of the best-response map's derivative, by Arnoldi; NaN where it is not found."""
    size = linear.place.point.field.size
    if size <= _SMALL:
        columns = np.stack([linear.response(row) for row in np.eye(size)], axis=1)
        return float(np.max(np.abs(np.linalg.eigvals(columns))))
    if linear.slopes is not None:
        # By sparse matrices, and held against the game's own derivative at the end.
        value, vector = _dominant(linear.sparse_response, size)
        if np.isnan(value):
            return float("nan")
        if not np.any(vector):
            vector = np.random.default_rng(0).uniform(-1.0, 1.0, size) + 0j
        image = linear.response(vector.real) + 1j * linear.response(vector.imag)
        if np.linalg.norm(image - value * vector) <= 10.0 * _DIGITS * max(abs(value), _DIGITS) * np.linalg.norm(vector):
            return float(np.abs(value))
    return float(np.abs(_dominant(linear.response, size)[0]))


def _dominant(response: Callable[[Vector], Vector], size: int) -> tuple[complex, Vector]:
    """Eigenvalue of largest modulus with its vector; zero, without one, of a map that does nothing; NaN if unknown."""
    operator = LinearOperator((size, size), matvec=lambda x: response(x.ravel()), dtype=float)
    start, nothing = np.random.default_rng(0).uniform(-1.0, 1.0, size), np.zeros(size, dtype=complex)
    if not np.any(operator @ start):
        # No crowd moves the follower: Arnoldi has no vector to begin with.
        return 0.0, nothing
    try:
        values, vectors = eigs(operator, k=1, which="LM", ncv=_SMALL, maxiter=_SMALL, tol=_DIGITS, v0=start)
    except ArpackError:  # not converged, or no further vector, as of a nilpotent map
        return complex(np.nan), nothing
    return complex(values[0]), vectors[:, 0]
