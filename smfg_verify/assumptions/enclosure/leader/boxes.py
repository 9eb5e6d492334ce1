r"""Equilibrium, total gradient and direct gradient enclosed for all leaders of a box of logits.

For games with a mean field over states: by tables, or by the programs of functions that are curved in it. The logits'
last column is zero, since adding a number to a row changes nothing; the follower's value is taken relative to that of
the last state, for the same reason (its common level moves by 1/(1-gamma) where its differences hardly move): the
unknowns are x = (m, V - V(last)).
Existence and uniqueness of an equilibrium within an enclosure are proved for every leader of the box by Krawczyk's
operator; the gradients are the formulas of `exact.gradient` in interval arithmetic.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball, approximate_inverse, contract, softmax_range, solved
from smfg_verify.assumptions.enclosure.leader.inner_forms import inner_range, largest_constant, with_last_entries
from smfg_verify.assumptions.enclosure.leader.local import followers_around, over_boxes, with_rewards
from smfg_verify.assumptions.enclosure.leader.world import (
    AffineGame,
    World,
    action_values,
    at_field,
    average_weights,
    averaged,
    based,
    pairs,
    slope_by_field,
    slope_by_logits,
    stacked,
    through_policy,
    world_of,
)
from smfg_verify.exact.precision import TINY
from smfg_verify.exact.root import TOLERANCE

# Roundings of a residual, relative to the size of its terms, and of each of the sums that it is made of.
_ROUNDING, _SPACING = 1e-13, 2.0**-49
# Krawczyk's operator maps a box into itself that is a little larger than its image, and no point; a box that grows to
# the last of these proves nothing.
_FIRST_WIDER, _WIDER, _LEAST_RADIUS, _LARGEST_RADIUS = 1.2, 1.1, 1e-12, 1e6
# Roundings of an entropy, relative to its weight.
_ENTROPY_ROUNDING = 1e-14
_NEWTON_STEPS = 30
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
        field: mean field of the leader in the middle, (K, n).
        value: follower's value there, relative to the last state's, (K, n - 1).
        radius: how far the equilibria of the other leaders of the box are from it, entry by entry, (K, 2n - 1).
    """

    inner: Ball
    constant: Float[np.ndarray, " K"]
    size: Float[np.ndarray, " K"]
    scale: Float[np.ndarray, " K"]
    verified: Bool[np.ndarray, " K"]
    field: Float[np.ndarray, "K n"]
    value: Float[np.ndarray, "K n-1"]
    radius: Float[np.ndarray, "K 2n-1"]


def numbers_of(game: AffineGame) -> int:
    """Numbers in the largest table that the enclosure of one box builds; of programs as many as take as long."""
    size, num_actions = game.follower[0].mid.shape[:2]
    result: int = (2 * size - 1 + game.num_free) * (size * num_actions) ** 2
    return result if game.followers is None else result + _OF_PROGRAMS


def jacobian(world: World) -> tuple[Ball, Ball]:
    """Derivatives of the residual in x = (m, V), (K, 2n-1, 2n-1), and in the free logits, (K, 2n-1, k)."""
    size = world.field.mid.shape[1]
    known = 2 * size - 1
    field = -contract("ks,kyst->kyt", world.field, world.chain_slope)
    field = stacked(field[:, :size] - world.chain + (np.eye(size) + 1.0 / size)[None], field[:, size:])
    relative = world.mean_slope[:, :, -1:] - world.mean_slope[:, :, :-1]
    identity = np.zeros((relative.mid.shape[1], size - 1))
    identity[size:known] = np.eye(size - 1)
    relative = relative + identity[None]
    whole = Ball(
        np.concatenate([field.mid, relative.mid], axis=2), np.concatenate([field.rad, relative.rad], axis=2)
    ).moved(lambda x: np.swapaxes(x, 1, 2))
    return whole[:, :, :known], whole[:, :, known:]


def _world(games: list[AffineGame], phi: Ball, field: Ball, value: Ball) -> World:
    """The follower's world over boxes that have a game each, or the same."""
    return World(*over_boxes(games, world_of, phi, field, value))


def _residual(game: AffineGame, phi: np.ndarray, field: np.ndarray, value: np.ndarray) -> tuple[Ball, ...]:
    """Residual of m and of the relative V at points, and what roundings make of it, (K, 2n - 1)."""
    exact_field = Ball.exact(field)
    transition = np.einsum("ksb,ksabt->ksat", phi, at_field(game.transition, exact_field).mid)
    reward = np.einsum("ksb,ksab->ksa", phi, at_field(game.follower, exact_field).mid)
    whole = np.concatenate([value, np.zeros((len(value), 1))], axis=1)
    scores = (reward + game.discount * np.einsum("ksat,kt->ksa", transition, whole)) / game.temperature
    top = np.max(scores, axis=2, keepdims=True)
    total = np.sum(np.exp(scores - top), axis=2)
    policy = np.exp(scores - top) / total[..., None]
    updated = game.temperature * (top[..., 0] + np.log(total))
    image = np.einsum("ks,ksa,ksat->kt", field, policy, transition)
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
    result: np.ndarray = (share * scale + 4.0 * size * tables * scale) * max(1.0, 1.0 / game.temperature)
    return result


def _phi(game: AffineGame, lower: np.ndarray, upper: np.ndarray) -> Ball:
    """Leader's policy by state over boxes of free logits (K, k), (K, n, B)."""
    return softmax_range(game.full_logits(lower), game.full_logits(upper))[:, game.observation]


def equilibria_near(
    game: AffineGame, phi: Ball, field: Float[np.ndarray, "K n"], value: Float[np.ndarray, "K n-1"]
) -> tuple[Float[np.ndarray, "K n"], Float[np.ndarray, "K n-1"]]:
    """Equilibria by Newton's method from a guess; NaN or wrong where it fails, which verification finds.

    Args:
        game: the game's tables.
        phi: leader's policies by state, as narrow as points, (K, n, B).
        field, value: the guess.

    Returns:
        Mean fields and relative values.
    """
    # Not `exact.root.newton`: the Jacobian is the middle of NumPy's intervals, at all boxes at once, which JAX cannot
    # trace, and needs no damping, since a point that is no equilibrium is found out by Krawczyk's operator.
    size = field.shape[1]
    for _ in range(_NEWTON_STEPS):
        games = followers_around(game, Ball.exact(field))
        matrix = jacobian(_world(games, phi, Ball.exact(field), Ball.exact(value)))[0].mid
        (residual,) = over_boxes(games, _residual, phi.mid, field, value)
        step = np.einsum("kij,kj->ki", approximate_inverse(matrix), residual.mid)
        step = np.where(np.isfinite(step), step, 0.0)
        field, value = field - step[:, :size], value - step[:, size:]
        if np.max(np.abs(step)) < TOLERANCE * max(1.0, float(np.max(np.abs(value), initial=0.0))):
            break
    return field, value


def enclose_leaders(
    game: AffineGame,
    lower: Float[np.ndarray, "K k"],
    upper: Float[np.ndarray, "K k"],
    field: Float[np.ndarray, "K n"],
    value: Float[np.ndarray, "K n-1"],
) -> Leaders:
    """Enclose <g, p> for all leaders of each box of free logits.

    Args:
        game: the game's tables.
        lower, upper: free logits, rows one after the other, (K, O (B - 1)).
        field, value: guesses of the equilibrium of the leader in the middle of each box, (K, n) and (K, n - 1).

    Returns:
        The enclosures; infinite where no equilibrium could be verified.

    Raises:
        NoEnclosure: a curved function's program has a primitive without a rule.
    """
    with np.errstate(all="ignore"):  # where nothing is verified, what follows has no meaning and is left out
        return _enclosed(game, lower, upper, field, value)


def _enclosed(
    game: AffineGame,
    lower: np.ndarray,
    upper: np.ndarray,
    field: np.ndarray,
    value: np.ndarray,
) -> Leaders:
    middle = 0.5 * (lower + upper)
    point = _phi(game, middle, middle)
    field, value = equilibria_near(game, point, field, value)
    phi = _phi(game, lower, upper)
    at = Ball.exact(field)
    slopes = jacobian(_world(followers_around(game, at), phi, at, Ball.exact(value)))[1]
    radius, verified = verified_equilibria(game, phi, point, slopes, 0.5 * (upper - lower), field, value)
    size = field.shape[1]
    fields, values = Ball(field, radius[:, :size]), Ball(value, radius[:, size:])
    games = followers_around(game, fields)
    world = _world(games, phi, fields, values)
    games = with_rewards(games, fields)
    direct, rest = over_boxes(games, _gradients_in, *world, Ball.of_ends(lower, upper))
    total = direct + rest
    parts = with_last_entries(direct, game.rows), with_last_entries(rest, game.rows)
    inner = inner_range(*parts)
    known = verified & np.isfinite(inner.mid) & np.isfinite(inner.rad)
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
    field: Float[np.ndarray, "K n"],
    value: Float[np.ndarray, "K n-1"],
) -> tuple[Float[np.ndarray, "K 2n-1"], Bool[np.ndarray, " K"]]:
    r"""Radii around an approximate equilibrium within which one exists, and only one, for every leader of the box.

    $K = x - C F(x, [\omega]) + (I - C F_x([x], [\omega])) ([x] - x)$ inside $[x]$ proves it (Krawczyk), with
    $F(x, [\omega]) = F(x, \omega) + F_\omega(x, [\omega]) ([\omega] - \omega)$ for $\omega$ the middle, in any
    coordinates $\omega$ of leaders.

    Args:
        game: the game's tables.
        phi: leader's policies of each box by state, (K, n, B).
        point: those of the leader in the middle, as narrow as a point.
        slopes: derivatives $F_\omega(x, [\omega])$ of the residual, (K, 2n - 1, k).
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
        excess = contract("kij,kjl->kil", inverse, jacobian(world)[0]) - np.eye(2 * size - 1)[None]
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


def _gradients_in(game: AffineGame, *parts: Ball) -> tuple[Ball, Ball]:
    """The same from the parts of a world, and logits."""
    return _gradients(game, World(*parts[:-1]), parts[-1], game.leader[1])


def _gradients(game: AffineGame, world: World, logits: Ball, leader_slope: Ball) -> tuple[Ball, Ball]:
    """Direct gradient and what the total one adds, in the free logits, (K, k) each; the slope is the reward's."""
    size = world.field.mid.shape[1]
    gamma = game.discount
    coefficients, mixing = average_weights(world.phi), average_weights(world.policy)
    system = Ball(np.eye(size)[None] - gamma * world.chain.mid, gamma * world.chain.rad)
    bonus, bonus_slope = _entropy(game, world.phi, logits)
    reward_ab = at_field(based(based(game.leader, 2), 1), world.field)
    reward = contract("ksa,ksa->ks", mixing, contract("ksb,ksab->ksa", coefficients, reward_ab))
    leader_value = solved(system, reward + bonus)
    leader_value = leader_value - np.mean(leader_value.mid, axis=1, keepdims=True)
    initial = Ball.exact(np.broadcast_to(game.initial, world.field.mid.shape))
    visits = solved(system.moved(lambda x: np.swapaxes(x, 1, 2)), initial)
    gap = contract("ksb,ksacb->ksac", coefficients, at_field(based(pairs(game.leader, 1), 3), world.field))
    gap = gap + gamma * contract("ksact,kt->ksac", world.transition_gap, leader_value)
    responsive = contract("ks,kys->ky", visits, through_policy(world.weights, world.gap_slope, gap))
    differences = action_values(game, (game.leader, game.transition), world.field, leader_value)
    held = averaged(world.policy, slope_by_logits(game, world.phi, differences)) + bonus_slope
    direct = contract("ks,kys->ky", visits, held)
    by_field = contract("ks,kys->ky", visits, slope_by_field(game, leader_slope, coefficients, mixing, leader_value))
    by_state, by_logits = jacobian(world)
    known = 2 * size - 1
    right = stacked(responsive[:, :size] + by_field, responsive[:, size:known])
    multiplier = solved(by_state.moved(lambda x: np.swapaxes(x, 1, 2)), right)
    return direct, responsive[:, known:] - contract("kiy,ki->ky", by_logits, multiplier)


def _entropy(game: AffineGame, phi: Ball, logits: Ball) -> tuple[Ball, Ball]:
    r"""Leader's entropy bonus, (K, n), its slope $-\tau_l \phi_b \sum_e \phi_e (\omega_b - \omega_e)$, (K, k, n)."""
    weight = game.leader_temperature
    low, high = np.clip(phi.lower, TINY, 1.0), np.clip(phi.upper, TINY, 1.0)
    ends = -low * np.log(low), -high * np.log(high)
    peak = np.where((low <= np.exp(-1.0)) & (high >= np.exp(-1.0)), np.exp(-1.0), np.maximum(*ends))
    each = Ball.of_ends(np.minimum(*ends), peak)
    bonus = Ball(weight * each.mid.sum(axis=2), weight * each.rad.sum(axis=2) + _ENTROPY_ROUNDING * weight)
    rows = logits.moved(game.full_logits)[:, game.observation]
    differences = rows.moved(lambda x: x[:, :, :, None]) - rows.moved(lambda x: x[:, :, None, :])
    same = np.eye(game.num_leader_actions)
    differences = differences * (1.0 - same)
    return bonus, slope_by_logits(game, phi, differences) * (-weight)
