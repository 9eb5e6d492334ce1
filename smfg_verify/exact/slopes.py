r"""One-sided differences of a game's functions beside the derivatives that are used of them.

Automatic differentiation gives a number at a kink too, one of the slopes or their mean, and what a `stop_gradient` or
a rule of the user's own tells it. Differences of the functions themselves know nothing of rules.
"""

import enum
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact.kernel import Kernel, tabulate
from smfg_verify.game import AbstractGame, mean_field_shape

# Lengths of the differences, in mass. A kink misses by as much at each of them, a curvature by the length, rounding by
# its inverse.
_LENGTHS = (2.0**-30, 2.0**-24, 2.0**-18)
# Roundings of the largest entry of a table that are granted to a difference.
_ROUNDINGS = 32.0
# Relative to the steepest entry of its table, what a slope may miss without a word.
_NEGLIGIBLE = 1e-8
# A jump, or an infinite slope, is one that moves its entry by this much, relative to the largest of its table.
_LEAST_JUMP = 1e-7
# Misses at three lengths that differ by no more than this factor are one number.
_SAME = 2.0


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


class SlopeComparison(eqx.Module):
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


class _Differences(NamedTuple):
    """Of one table along one direction, one axis for the lengths in front."""

    forward: Array
    backward: Array


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
    shortest = jnp.clip(4.0 * error, _LENGTHS[0], 2.0**-22)
    found = jax.lax.map(lambda direction: _along(game, mean_field, direction, shortest), directions)
    worst = jnp.argmax(found.severity)
    chosen = jax.tree.map(lambda leaf: leaf[worst], found.comparison)
    count = jnp.sum(found.comparison.directions)
    return eqx.tree_at(lambda c: c.directions, chosen, count)


class _Judged(NamedTuple):
    comparison: SlopeComparison
    severity: Float[Array, ""]


def _along(game: AbstractGame, field: Float[Array, " M"], direction: Float[Array, " M"], shortest) -> _Judged:
    largest = jnp.max(jnp.abs(direction))
    moves = largest > 0.0
    unit = direction / jnp.where(moves, largest, 1.0)
    unit = jnp.where(jnp.abs(unit) < 1e-12, 0.0, unit)
    # Outside the simplex a function says nothing.
    room = jnp.min(jnp.where(unit == 0.0, jnp.inf, field / jnp.abs(jnp.where(unit == 0.0, 1.0, unit))))
    lengths = shortest * jnp.asarray(_LENGTHS) / _LENGTHS[0]
    lengths = lengths * jnp.minimum(1.0, 0.5 * room / lengths[-1])
    shape = mean_field_shape(game)

    def table(mean_field) -> Kernel:
        return tabulate(game, mean_field.reshape(shape))

    here, slope = jax.jvp(table, (field,), (unit,))
    steps = jnp.concatenate([lengths, -lengths])
    moved = jax.lax.map(lambda step: table(jnp.maximum(field + step * unit, 0.0)), steps)
    parts = zip(jax.tree.leaves(here), jax.tree.leaves(slope), jax.tree.leaves(moved), strict=True)
    judged = [_judge(*part, steps, number, unit) for number, part in enumerate(parts)]
    every = jax.tree.map(lambda *leaves: jnp.stack(leaves), *judged)
    worst = jnp.argmax(every.severity)
    chosen = jax.tree.map(lambda leaf: leaf[worst], every)
    known = jnp.all(jnp.isfinite(field)) & jnp.all(jnp.isfinite(direction))
    status = jnp.where(known, jnp.where(moves, chosen.comparison.status, SlopeStatus.AGREES), SlopeStatus.UNKNOWN)
    severity = jnp.where(known & moves, chosen.severity, jnp.where(known, -1.0, jnp.inf))
    comparison = eqx.tree_at(
        lambda c: (c.status, c.directions), chosen.comparison, (status, (known & moves).astype(jnp.int32))
    )
    return _Judged(comparison, severity)


def _judge(here: Array, slope: Array, moved: Array, steps: Array, function: int, unit: Array) -> _Judged:
    """The worst entry of one table; `moved` has the steps in front, the positive ones first."""
    half = len(_LENGTHS)
    column = steps.reshape(-1, *[1] * here.ndim)
    differences = (moved - here) / column
    forward, backward = differences[:half], differences[half:]
    # Of an infinite slope in a coordinate that does not move, the rule makes 0 * inf: then the two sides decide.
    used = jnp.where(jnp.isfinite(slope), slope, 0.5 * (forward[1] + backward[1]))
    size = jnp.max(jnp.abs(here))
    steepest = jnp.maximum(jnp.max(jnp.abs(used)), jnp.max(jnp.abs(jnp.stack([forward[-1], backward[-1]]))))
    ahead, behind = (_disagrees(side - used, column[:half], size, steepest) for side in (forward, backward))
    miss = jnp.maximum(jnp.abs(forward[1] - used) * ahead, jnp.abs(backward[1] - used) * behind)
    flat = jnp.argmax(miss.ravel())
    pick = lambda leaf: leaf.ravel()[flat]  # noqa: E731
    sides = jnp.abs(pick(forward[1]) - pick(backward[1]))
    wrong = pick(ahead) & pick(behind) & (sides < 0.5 * pick(miss))
    status = jnp.where(wrong, SlopeStatus.WRONG_RULE, SlopeStatus.KINK)
    entry = jnp.stack(jnp.unravel_index(flat, here.shape))
    finite = jnp.all(jnp.isfinite(moved)) & jnp.all(jnp.isfinite(here))
    status = jnp.where(pick(miss) > 0.0, status, SlopeStatus.AGREES)
    relative = pick(miss) / jnp.where(steepest > 0.0, steepest, 1.0)
    comparison = SlopeComparison(
        status=jnp.where(finite, status, SlopeStatus.UNKNOWN),
        function=jnp.asarray(function),
        entry=jnp.pad(entry, (0, 4 - here.ndim)),
        direction=unit,
        derivative=pick(slope),
        forward=pick(forward[1]),
        backward=pick(backward[1]),
        length=steps[1],
        directions=jnp.asarray(1, jnp.int32),
    )
    return _Judged(comparison, jnp.where(finite, relative, jnp.inf))


def _disagrees(miss: Array, lengths: Array, size: Array, steepest: Array) -> Bool[Array, "..."]:
    """Whether a side misses the derivative in a way that neither curvature nor rounding has; lengths in front."""
    granted = _ROUNDINGS * jnp.finfo(miss.dtype).eps * size / lengths + _NEGLIGIBLE * steepest
    sizes = jnp.abs(miss)
    clear = jnp.all(sizes > granted, axis=0) & (jnp.abs(jnp.sum(jnp.sign(miss), axis=0)) == len(_LENGTHS))
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
        f"{name} at ({where}) has the one-sided slopes {float(comparison.backward):.6g} (behind) and "
        f"{float(comparison.forward):.6g} (ahead) along the mean field's response, the derivative used is "
        f"{float(comparison.derivative):.6g}"
    )
    if int(comparison.status) == SlopeStatus.KINK:
        return f"not differentiable here: {slopes}"
    if int(comparison.status) == SlopeStatus.WRONG_RULE:
        return f"the rule is not the function's derivative: {slopes}"
    return f"the derivatives agree with one-sided differences along {int(comparison.directions)} directions"
