r"""One-sided differences of a game's functions beside the derivatives that are used of them.

Automatic differentiation gives a number at a kink too, one of the slopes or their mean, and what a `stop_gradient` or
a rule of the user's own tells it. Differences of the functions themselves know nothing of rules.
"""

import enum
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact.kernel import tabulate
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.portable import Portable

# Lengths of the differences, in mass. A kink misses by as much at each of them, a curvature by the length, rounding by
# its inverse.
_LENGTHS = (2.0**-30, 2.0**-24, 2.0**-18)
# The shortest may grow with the error of the mean field up to here.
_LONGEST_SHORTEST = 2.0**-22
# Roundings of the largest entry of a table that are granted to a difference.
_ROUNDINGS = 32.0
# Relative to the steepest entry of its table, what a slope may miss without a word.
_NEGLIGIBLE = 1e-8
# A jump, or an infinite slope, is one that moves its entry by this much, relative to the largest of its table.
_LEAST_JUMP = 1e-7
# Misses at three lengths that differ by no more than this factor are one number.
_SAME = 2.0
# Entries of a direction below this, relative to the largest, are its rounding errors.
_STILL = 1e-12
# Entries of all tables that are made at once.
_MAX_ENTRIES = 2**23


class SlopeStatus(enum.IntEnum):
    """What one-sided differences say of a derivative.

    AGREES: they are the derivative. KINK: they differ from each other, so there is no derivative. WRONG_RULE: they
    agree with each other, and the derivative used is another number. UNKNOWN: nothing could be compared.
    """

    AGREES = 0
    KINK = 1
    WRONG_RULE = 2
    UNKNOWN = 3


# In the order of the fields of `Kernel`.
FUNCTIONS = ("transition", "follower_reward", "leader_reward")


class SlopeComparison(Portable, eqx.Module):
    """The worst disagreement between a game's derivatives and one-sided differences at one mean field.

    Attributes:
        status: a `SlopeStatus`.
        function: which of the three functions, its place in `FUNCTIONS`.
        entry: (state, follower action, leader action, next state); the last 0 for a reward.
        direction: tangent of the simplex along which, largest entry 1, (M,) flattened.
        derivative: the derivative that was used, along the direction, in units of the function per unit of mass.
        forward, backward: $(f(m + hd) - f(m))/h$ and $(f(m) - f(m - hd))/h$.
        length: h, in mass.
        directions: number of directions along which something was compared; 0 where the mean field does not respond.
    """

    status: Int[Array, ""]
    function: Int[Array, ""]
    entry: Int[Array, "4"]
    direction: Float[Array, " M"]
    derivative: Float[Array, ""]
    forward: Float[Array, ""]
    backward: Float[Array, ""]
    length: Float[Array, ""]
    directions: Int[Array, ""]

    @property
    def differentiable(self) -> Bool[Array, ""]:
        """Whether the derivatives used are those of the functions, as far as was compared."""
        return self.status == SlopeStatus.AGREES


def compare_slopes(
    game: AbstractGame,
    mean_field: Float[Array, " M"],
    directions: Float[Array, "D M"],
    error: Float[Array, ""] | float = 0.0,
) -> SlopeComparison:
    r"""Compare $f'(m)[d]$ with $(f(m \pm hd) - f(m))/(\pm h)$ for every entry of the three functions.

    An entry disagrees on a side if it misses by the same number at three lengths (a kink, a wrong rule), or by more
    and more (a jump, an infinite slope); what only curvature or rounding explains does not count.

    Args:
        game: the game, traced.
        mean_field: m, flattened.
        directions: tangents of the simplex; a zero one is passed over.
        error: of the mean field, in mass: kinks nearer than that are at the point for all that is known.

    Returns:
        The worst entry. For use inside jit and vmap; UNKNOWN where a number is not finite.
    """
    size = jnp.max(jnp.abs(directions), axis=1, keepdims=True)
    moves = size[:, 0] > 0.0
    units = directions / jnp.where(size > 0.0, size, 1.0)
    units = jnp.where(jnp.abs(units) < _STILL, 0.0, units)
    lengths = jax.vmap(lambda unit: _lengths(mean_field, unit, error))(units)
    steps = jnp.concatenate([lengths, -lengths], axis=1)
    # Outside the simplex a function says nothing.
    moved = jnp.maximum(mean_field + steps[:, :, None] * units[:, None, :], 0.0)
    table = lambda field: _flat_table(game, field)  # noqa: E731
    here, push = jax.linearize(table, mean_field)
    slopes = _over(game, push, units)
    values = _over(game, table, moved.reshape(-1, mean_field.size)).reshape(*steps.shape, -1)
    found = jax.vmap(lambda *parts: _judge(game, here, *parts))(slopes, values, steps)
    severity = jnp.where(moves, found.severity, -1.0)
    worst = jnp.argmax(severity)
    flat = found.entry[worst]
    pick = lambda leaf: leaf[worst]  # noqa: E731
    known = jnp.all(jnp.isfinite(mean_field)) & jnp.all(jnp.isfinite(directions)) & jnp.all(found.finite | ~moves)
    status = jnp.where(jnp.any(moves), pick(found.status), SlopeStatus.AGREES)
    function, entry = _place(game, flat)
    return SlopeComparison(
        status=jnp.where(known, status, SlopeStatus.UNKNOWN),
        function=function,
        entry=entry,
        direction=units[worst],
        derivative=slopes[worst, flat],
        forward=pick(found.forward)[flat],
        backward=pick(found.backward)[flat],
        length=steps[worst, 1],
        directions=jnp.sum(moves),
    )


def _lengths(field: Float[Array, " M"], unit: Float[Array, " M"], error) -> Float[Array, "3"]:
    """The three lengths along one direction, shorter where the simplex ends sooner."""
    shortest = jnp.clip(4.0 * error, _LENGTHS[0], _LONGEST_SHORTEST)
    lengths = shortest * jnp.asarray(_LENGTHS) / _LENGTHS[0]
    room = jnp.min(jnp.where(unit == 0.0, jnp.inf, field / jnp.abs(jnp.where(unit == 0.0, 1.0, unit))))
    return lengths * jnp.minimum(1.0, 0.5 * room / lengths[-1])


def _sizes(game: AbstractGame) -> tuple[int, int]:
    """Entries of a reward's table, and of the transition's."""
    entries = game.num_states * game.num_follower_actions * game.num_leader_actions
    return entries, entries * game.num_states


def _flat_table(game: AbstractGame, field: Float[Array, " M"]) -> Float[Array, " E"]:
    """All entries of the three functions at a mean field, in the order of `FUNCTIONS`."""
    tables = tabulate(game, field.reshape(mean_field_shape(game)))
    return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(tables)])


def _over(game: AbstractGame, function: Callable[[Array], Array], points: Float[Array, "K M"]) -> Float[Array, "K E"]:
    """A function of mean fields at several, all at once where the tables are small."""
    batch = max(1, _MAX_ENTRIES // (3 * _sizes(game)[1]))
    return jax.vmap(function)(points) if batch >= len(points) else jax.lax.map(function, points, batch_size=batch)


def _place(game: AbstractGame, flat: Int[Array, ""]) -> tuple[Int[Array, ""], Int[Array, "4"]]:
    """Function and indices of a place in the flat table."""
    reward, transition = _sizes(game)
    function = jnp.where(flat < transition, 0, jnp.where(flat < transition + reward, 1, 2))
    rest = jnp.where(function == 0, flat, (flat - transition) % reward * game.num_states)
    shape = (game.num_states, game.num_follower_actions, game.num_leader_actions, game.num_states)
    return function, jnp.stack(jnp.unravel_index(rest, shape))


class _Judged(NamedTuple):
    """Along one direction: both slopes of every entry, the worst entry, how bad and what it is."""

    forward: Float[Array, " E"]
    backward: Float[Array, " E"]
    entry: Int[Array, ""]
    severity: Float[Array, ""]
    status: Int[Array, ""]
    finite: Bool[Array, ""]


def _judge(game: AbstractGame, here: Array, slope: Array, moved: Array, steps: Array) -> _Judged:
    """Where the differences along one direction miss the derivative; `moved` has the steps in front."""
    half = len(_LENGTHS)
    differences = (moved - here) / steps[:, None]
    sides = jnp.stack([differences[:half], differences[half:]], axis=1)
    forward, backward = sides[1]
    # Of an infinite slope in a coordinate that does not move, the rule makes 0 * inf: then the two sides decide.
    used = jnp.where(jnp.isfinite(slope), slope, 0.5 * (forward + backward))
    size = _of_table(game, jnp.abs(here))
    steepest = _of_table(game, jnp.maximum(jnp.abs(used), jnp.max(jnp.abs(sides[-1]), axis=0)))
    misses = sides - used
    bad = _disagrees(misses, steps[:half, None, None], size, steepest)
    miss = jnp.where(bad, jnp.abs(misses[1]), 0.0)
    relative = jnp.max(miss, axis=0) / jnp.where(steepest > 0.0, steepest, 1.0)
    worst = jnp.argmax(relative)
    wrong = bad[0, worst] & bad[1, worst] & (jnp.abs(forward - backward)[worst] < 0.5 * jnp.max(miss[:, worst]))
    status = jnp.where(wrong, SlopeStatus.WRONG_RULE, SlopeStatus.KINK)
    finite = jnp.all(jnp.isfinite(moved)) & jnp.all(jnp.isfinite(here))
    status = jnp.where(relative[worst] > 0.0, status, SlopeStatus.AGREES)
    return _Judged(forward, backward, worst, relative[worst], status, finite)


def _of_table(game: AbstractGame, entries: Float[Array, " E"]) -> Float[Array, " E"]:
    """The largest entry of the table that each entry stands in."""
    reward, transition = _sizes(game)
    parts = (entries[:transition], entries[transition : transition + reward], entries[transition + reward :])
    return jnp.concatenate([jnp.broadcast_to(jnp.max(part), part.shape) for part in parts])


def _disagrees(misses: Array, lengths: Array, size: Array, steepest: Array) -> Bool[Array, "..."]:
    """Whether a side misses the derivative in a way that neither curvature nor rounding has; lengths in front."""
    granted = _ROUNDINGS * jnp.finfo(misses.dtype).eps * size / lengths + _NEGLIGIBLE * steepest
    sizes = jnp.abs(misses)
    clear = jnp.all(sizes > granted, axis=0) & (jnp.abs(jnp.sum(jnp.sign(misses), axis=0)) == len(_LENGTHS))
    alike = jnp.max(sizes, axis=0) <= _SAME * jnp.min(sizes, axis=0)
    moves = jnp.all(sizes * lengths > _LEAST_JUMP * size, axis=0)
    return clear & (alike | moves)


def describe(comparison: SlopeComparison) -> str:
    """One clause that says what was found: the function, where, both slopes and the derivative used."""
    if int(comparison.status) == SlopeStatus.UNKNOWN:
        return "its derivatives could not be compared with differences: a function is not finite near the mean field"
    name = FUNCTIONS[int(comparison.function)]
    indices = tuple(int(i) for i in np.asarray(comparison.entry))
    labels = ("state", "follower action", "leader action", "next state")[: 4 if name == "transition" else 3]
    where = ", ".join(f"{label} {index}" for label, index in zip(labels, indices, strict=False))
    slopes = (
        f"{name} at ({where}) has the one-sided slopes {float(comparison.backward) + 0.0:.6g} (behind) and "
        f"{float(comparison.forward) + 0.0:.6g} (ahead) along the mean field's response, the derivative used is "
        f"{float(comparison.derivative):.6g}"
    )
    if int(comparison.status) == SlopeStatus.KINK:
        return f"not differentiable here: {slopes}"
    if int(comparison.status) == SlopeStatus.WRONG_RULE:
        return f"the rule is not the function's derivative: {slopes}"
    return f"the derivatives agree with one-sided differences along {int(comparison.directions)} directions"
