r"""Equilibrium, total gradient and direct gradient enclosed for all leaders of a box of logits.

By tables, or by the programs of functions that are curved in the mean field. The logits'
last column is zero, since adding a number to a row changes nothing; the follower's value is taken relative to that of
the last state, for the same reason (its common level moves by 1/(1-gamma) where its differences hardly move): the
unknowns are x = (m, V - V(last)).
Existence and uniqueness of an equilibrium within an enclosure are proved for every leader of the box by Krawczyk's
operator; the gradients are the formulas of `exact.gradient` in interval arithmetic, or, of few logits and
where followers face tables, in that of `forms`, where numbers are known as they move with the leader.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball, approximate_inverse, softmax_range
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.bases import at_field
from smfg_verify.assumptions.enclosure.leader.curved import with_rewards_over
from smfg_verify.assumptions.enclosure.leader.equilibria import equilibria_over
from smfg_verify.assumptions.enclosure.leader.forms import contract
from smfg_verify.assumptions.enclosure.leader.gradients import gradients
from smfg_verify.assumptions.enclosure.leader.inner_forms import inner_range, largest_constant, with_last_entries
from smfg_verify.assumptions.enclosure.leader.local import followers_around, over_boxes, with_rewards
from smfg_verify.assumptions.enclosure.leader.residual import jacobian
from smfg_verify.assumptions.enclosure.leader.world import World, world_of
from smfg_verify.exact.root import TOLERANCE

# Free logits up to which forms are cheap.
FREE_OF_FORMS = 6
# Numbers that forms hold at once in their largest table.
_NUMBERS_AT_ONCE = 2**23
# Roundings of a residual, relative to the size of its terms, and of each of the sums that it is made of.
_ROUNDING, _SPACING = 1e-13, 2.0**-49
# Krawczyk's operator maps a box into itself that is a little larger than its image, and no point; a box that grows to
# the last of these proves nothing.
_FIRST_WIDER, _WIDER, _LEAST_RADIUS, _LARGEST_RADIUS = 1.2, 1.1, 1e-12, 1e6
_NEWTON_STEPS = 30
# Of an entry of a mean field, what a step may take.
_KEPT = 0.9
# A box with tables of its own takes some 50 ms, as long as so many numbers.
_OF_PROGRAMS = 2**17
_KRAWCZYK_STEPS = 6


class Leaders(NamedTuple):
    """What is known of all leaders of each of K boxes.

    Attributes:
        inner: bounds of <g, p> in logits; infinite where not verified.
        constant: a positive c with <g, p> >= c |g|^2 at all leaders, (K,); minus infinity where none is proved.
        size: upper bound of the largest entry of g and of p in free logits, (K,).
        scale: largest entry of both in the middle, about, (K,).
        verified: whether an equilibrium is proved to exist for every leader of the box, (K,).
        field: mean field of the leader in the middle, flattened, (K, M).
        value: follower's value there, relative to the last state's, (K, n - 1).
        radius: how far the equilibria of the other leaders of the box are from it, entry by entry, (K, M + n - 1).
    """

    inner: Ball
    constant: Float[np.ndarray, " K"]
    size: Float[np.ndarray, " K"]
    scale: Float[np.ndarray, " K"]
    verified: Bool[np.ndarray, " K"]
    field: Float[np.ndarray, "K M"]
    value: Float[np.ndarray, "K n-1"]
    radius: Float[np.ndarray, "K d"]


def numbers_of(game: AffineGame) -> int:
    """Numbers in the largest table that the enclosure of one box builds; of programs as many as take as long."""
    size, num_actions = game.follower[0].mid.shape[:2]
    result: int = (game.num_fields + size - 1 + game.num_free) * (size * num_actions) ** 2
    return result if game.followers is None else result + _OF_PROGRAMS


def _world(games: list[AffineGame], phi: Ball, field: Ball, value: Ball) -> World:
    """The follower's world over boxes that have a game each, or the same."""
    return World(*over_boxes(games, world_of, phi, field, value))


def _residual(game: AffineGame, phi: np.ndarray, field: np.ndarray, value: np.ndarray) -> tuple[Ball, ...]:
    """Residual of m and of the relative V at points, and what roundings make of it, (K, M + n - 1)."""
    exact_field = Ball.exact(field)
    transition = np.einsum("ksb,ksabt->ksat", phi, at_field(game.transition, exact_field).mid)
    reward = np.einsum("ksb,ksab->ksa", phi, at_field(game.follower, exact_field).mid)
    whole = np.concatenate([value, np.zeros((len(value), 1))], axis=1)
    scores = (reward + game.discount * np.einsum("ksat,kt->ksa", transition, whole)) / game.temperature
    top = np.max(scores, axis=2, keepdims=True)
    total = np.sum(np.exp(scores - top), axis=2)
    policy = np.exp(scores - top) / total[..., None]
    updated = game.temperature * (top[..., 0] + np.log(total))
    states = field.reshape(len(field), policy.shape[1], -1).sum(axis=2)
    image = np.einsum("ks,ksa,ksat->kt", states, policy, transition)
    if game.on_pairs:
        image = (image[:, :, None] * policy).reshape(field.shape)
    mass = (np.sum(field, axis=1, keepdims=True) - 1.0) / field.shape[1]
    residual = np.concatenate([field - image + mass, value - (updated[:, :-1] - updated[:, -1:])], axis=1)
    return (Ball(residual, np.broadcast_to(_rounding(game, field, value), residual.shape)),)


def _rounding(game: AffineGame, field: np.ndarray, value: np.ndarray) -> np.ndarray:
    """What a residual is off by, (K, 1)."""
    rewards = np.max(game.follower[0].size) + np.max(game.follower[1].size)
    scale = (
        1.0
        + rewards
        + game.temperature * np.log(game.follower[0].mid.shape[1])
        + np.max(np.abs(value), axis=1, keepdims=True, initial=0.0)
        + np.max(np.abs(field), axis=1, keepdims=True)
    )
    # The residual's own roundings, magnified where log-policies are differences divided by the temperature; and those
    # of the game's program, of which each row of the transition adds up n.
    size = field.shape[1]
    share = _ROUNDING + _SPACING * size * game.follower[0].mid[0].size
    tables = sum(np.max(part.rad) for table in (game.transition, game.follower) for part in table)
    result: np.ndarray = (share * scale + 4.0 * len(game.initial) * tables * scale) * max(1.0, 1.0 / game.temperature)
    return result


def _phi(game: AffineGame, lower: np.ndarray, upper: np.ndarray) -> Ball:
    """Leader's policy by state over boxes of free logits (K, k), (K, n, B)."""
    return softmax_range(game.full_logits(lower), game.full_logits(upper))[:, game.observation]


def equilibria_near(
    game: AffineGame, phi: Ball, field: Float[np.ndarray, "K M"], value: Float[np.ndarray, "K n-1"]
) -> tuple[Float[np.ndarray, "K M"], Float[np.ndarray, "K n-1"]]:
    """Equilibria by Newton's method from a guess; NaN or wrong where it fails, which verification finds.

    Args:
        game: the game's tables.
        phi: leader's policies by state, as narrow as points, (K, n, B).
        field, value: the guess.

    Returns:
        Mean fields and relative values.
    """
    # Not `exact.root.newton`: the Jacobian is the middle of NumPy's intervals, at all boxes at once, which JAX cannot
    # trace; a point that is no equilibrium is found out by Krawczyk's operator.
    size = field.shape[1]
    for _ in range(_NEWTON_STEPS):
        games = followers_around(game, Ball.exact(field))
        matrix = jacobian(_world(games, phi, Ball.exact(field), Ball.exact(value)))[0].mid
        (residual,) = over_boxes(games, _residual, phi.mid, field, value)
        step = np.einsum("kij,kj->ki", approximate_inverse(matrix), residual.mid)
        step = np.where(np.isfinite(step), step, 0.0)
        if game.followers is not None:
            step = step * _within_the_simplex(field, step[:, :size])
        field, value = field - step[:, :size], value - step[:, size:]
        if np.max(np.abs(step)) < TOLERANCE * max(1.0, float(np.max(np.abs(value), initial=0.0))):
            break
    return field, value


def _within_the_simplex(field: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Share of a step that leaves all entries positive, (K, 1): programs tell nothing of others."""
    room = np.where(step > 0.0, _KEPT * field / np.where(step > 0.0, step, 1.0), 1.0)
    share: np.ndarray = np.minimum(1.0, np.min(room, axis=1, keepdims=True))
    return share


def enclose_leaders(
    game: AffineGame,
    lower: Float[np.ndarray, "K k"],
    upper: Float[np.ndarray, "K k"],
    field: Float[np.ndarray, "K M"],
    value: Float[np.ndarray, "K n-1"],
    *,
    forms: bool | None = None,
) -> Leaders:
    """Enclose <g, p> for all leaders of each box of free logits.

    Args:
        game: the game's tables.
        lower, upper: free logits, rows one after the other, (K, O (B - 1)).
        field, value: guesses of the equilibrium of the leader in the middle of each box, (K, M) and (K, n - 1).
        forms: whether numbers are known as they move with the leader, or by their range alone; where that is cheap if
            None.

    Returns:
        The enclosures; infinite where no equilibrium could be verified.

    Raises:
        NoEnclosure: a curved function's program has a primitive without a rule.
    """
    with np.errstate(all="ignore"):  # where nothing is verified, what follows has no meaning and is left out
        middle = 0.5 * (lower + upper)
        field, value = equilibria_near(game, _phi(game, middle, middle), field, value)
        if not (has_forms(game) if forms is None else forms):
            return _over_balls(game, lower, upper, field, value)
        size = max(1, _NUMBERS_AT_ONCE // numbers_of_forms(game))
        parts = [slice(k, k + size) for k in range(0, max(1, len(lower)), size)]
        return _joined([_over_forms(game, lower[k], upper[k], field[k], value[k]) for k in parts])


def has_forms(game: AffineGame) -> bool:
    """Whether forms are cheap: of few free logits, and tables that hold at all mean fields."""
    return game.num_free <= FREE_OF_FORMS and game.followers is None


def numbers_of_forms(game: AffineGame) -> int:
    """The same of forms: a product of two has a part for each pair of free logits."""
    return numbers_of(game) * (1 + game.num_free + game.num_free**2)


def _joined(parts: list[Leaders]) -> Leaders:
    inner = Ball(*(np.concatenate(ends) for ends in zip(*((p.inner.mid, p.inner.rad) for p in parts), strict=True)))
    return Leaders(inner, *(np.concatenate(leaves) for leaves in zip(*(part[1:] for part in parts), strict=True)))


def _over_forms(
    game: AffineGame, lower: np.ndarray, upper: np.ndarray, field: np.ndarray, value: np.ndarray
) -> Leaders:
    """With equilibria and gradients as forms of the leader, where the equilibria are verified."""
    every = equilibria_over(game, lower, upper, field, value)
    apart = (np.maximum(part.upper - at, at - part.lower) for part, at in ((every.field, field), (every.value, value)))
    radius = np.where(every.verified[:, None], OUTWARD * np.concatenate([*apart], axis=1), np.inf)
    where = np.flatnonzero(every.verified)
    if not len(where):
        return _nothing(field, value, radius)
    found = every.at(where)
    world, slope = world_of(game, found.phi, found.field, found.value), game.leader[1]
    if game.curved is not None:
        game, slope = with_rewards_over(game, game.curved, found.field)
    parts = gradients(game, world, Ball.of_ends(lower[where], upper[where]), slope)
    return _spread(
        _told(game, *parts, field[where], value[where], radius[where]), where, _nothing(field, value, radius)
    )


def _nothing(field: np.ndarray, value: np.ndarray, radius: np.ndarray) -> Leaders:
    """Where nothing is verified."""
    number = len(field)
    unbounded, none = np.full(number, np.inf), np.zeros(number)
    return Leaders(Ball(none, unbounded), -unbounded, unbounded, none, none > 0.0, field, value, radius)


def _spread(found: Leaders, where: np.ndarray, others: Leaders) -> Leaders:
    """What is known of some boxes among others."""
    inner = Ball(others.inner.mid.copy(), others.inner.rad.copy())
    inner.mid[where], inner.rad[where] = found.inner.mid, found.inner.rad
    parts = []
    for part, known in zip(others[1:], found[1:], strict=True):
        part = part.copy()
        part[where] = known
        parts.append(part)
    return Leaders(inner, *parts)


def _over_balls(
    game: AffineGame, lower: np.ndarray, upper: np.ndarray, field: np.ndarray, value: np.ndarray
) -> Leaders:
    """With equilibria and gradients as intervals."""
    middle, phi, at = 0.5 * (lower + upper), _phi(game, lower, upper), Ball.exact(field)
    slopes = jacobian(_world(followers_around(game, at), phi, at, Ball.exact(value)))[1]
    half, point = 0.5 * (upper - lower), _phi(game, middle, middle)
    radius, verified = verified_equilibria(game, phi, point, slopes, half, field, value)
    size = field.shape[1]
    fields, values = Ball(field, radius[:, :size]), Ball(value, radius[:, size:])
    games = followers_around(game, fields)
    world = _world(games, phi, fields, values)
    direct, rest = over_boxes(with_rewards(games, fields), _gradients_in, *world, Ball.of_ends(lower, upper))
    return _told(game, direct, rest, field, value, np.where(verified[:, None], radius, np.inf))


def _gradients_in(game: AffineGame, *parts: Ball) -> tuple[Ball, Ball]:
    """Both gradients from the parts of a world, and logits."""
    return gradients(game, World(*parts[:-1]), parts[-1], game.leader[1])


def _told(
    game: AffineGame, direct: Ball, rest: Ball, field: np.ndarray, value: np.ndarray, radius: np.ndarray
) -> Leaders:
    """What both gradients tell, where equilibria are verified, that is where radii are finite."""
    total = direct + rest
    parts = with_last_entries(direct, game.rows), with_last_entries(rest, game.rows)
    inner = inner_range(*parts)
    known = np.all(np.isfinite(radius), axis=1) & np.isfinite(inner.mid) & np.isfinite(inner.rad)
    infinite = Ball(np.where(known, inner.mid, 0.0), np.where(known, inner.rad, np.inf))
    size = np.where(known, np.max(np.maximum(total.size, direct.size), axis=1), np.inf)
    scale = np.where(known, np.max(np.maximum(np.abs(total.mid), np.abs(direct.mid)), axis=1), 0.0)
    constant = np.where(known, largest_constant(*parts), -np.inf)
    return Leaders(infinite, constant, size, scale, known, field, value, radius)


def verified_equilibria(
    game: AffineGame,
    phi: Ball,
    point: Ball,
    slopes: Ball,
    half: Float[np.ndarray, "K k"],
    field: Float[np.ndarray, "K M"],
    value: Float[np.ndarray, "K n-1"],
) -> tuple[Float[np.ndarray, "K d"], Bool[np.ndarray, " K"]]:
    r"""Radii around an approximate equilibrium within which one exists, and only one, for every leader of the box.

    $K = x - C F(x, [\omega]) + (I - C F_x([x], [\omega])) ([x] - x)$ inside $[x]$ proves it (Krawczyk), with
    $F(x, [\omega]) = F(x, \omega) + F_\omega(x, [\omega]) ([\omega] - \omega)$ for $\omega$ the middle, in any
    coordinates $\omega$ of leaders.

    Args:
        game: the game's tables.
        phi: leader's policies of each box by state, (K, n, B).
        point: those of the leader in the middle, as narrow as a point.
        slopes: derivatives $F_\omega(x, [\omega])$ of the residual, (K, M + n - 1, k).
        half: how far a leader of the box is from the middle at most, coordinate by coordinate.
        field, value: the approximate equilibrium x of the leader in the middle.

    Returns:
        The radii, and where they are proved; infinite elsewhere.
    """
    size = field.shape[1]
    games = followers_around(game, Ball.exact(field))
    (residual,) = over_boxes(games, _residual, point.mid, field, value)
    inverse = approximate_inverse(jacobian(_world(games, point, Ball.exact(field), Ball.exact(value)))[0].mid)
    start = contract("kij,kj->ki", inverse, residual).size
    by_leader = contract("kij,kjl->kil", inverse, slopes)
    start = start + contract("kil,kl->ki", by_leader, Ball(0.0 * half, half)).size
    radius = _FIRST_WIDER * start + _LEAST_RADIUS
    found, done = np.full_like(radius, np.inf), np.zeros(len(radius), dtype=bool)
    for _ in range(_KRAWCZYK_STEPS):
        fields, values = Ball(field, radius[:, :size]), Ball(value, radius[:, size:])
        world = _world(followers_around(game, fields, extended=True), phi, fields, values)
        excess = contract("kij,kjl->kil", inverse, jacobian(world)[0]) - np.eye(radius.shape[1])[None]
        image = start + np.einsum("kij,kj->ki", excess.size, radius) * OUTWARD
        inside = np.all(image < radius, axis=1)
        # A mean field with a negative entry is none, and a game says nothing about it.
        inside &= np.all(field - image[:, :size] >= 0.0, axis=1)
        found = np.where((inside & ~done)[:, None], image, found)
        done |= inside
        if done.all():
            break
        radius = np.where(done[:, None], radius, np.minimum(_WIDER * image + _LEAST_RADIUS, _LARGEST_RADIUS))
    return found, done
