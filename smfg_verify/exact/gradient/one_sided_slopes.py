r"""One-sided differences of a game's functions beside the derivatives that are used of them.

Automatic differentiation gives a number at a kink too, one of the slopes or their mean, and what a `stop_gradient` or
a rule of the user's own tells it. Differences of the functions themselves know nothing of rules.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact.kernel import Kernel, tabulate
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.checks.differences import SlopeStatus, judge, may_miss
from smfg_verify.records.portable import Portable

# Lengths of the differences, in mass.
_LENGTHS = (2.0**-30, 2.0**-24, 2.0**-18)
# The shortest may grow with the error of the mean field up to here.
_LONGEST_SHORTEST = 2.0**-22
# Relative to the steepest entry of its table, what a slope may miss without a word.
_NEGLIGIBLE = 1e-8
# Entries of a direction below this, relative to the largest, are its rounding errors.
_STILL = 1e-12
# Entries of all tables that are made at once.
_MAX_ENTRIES = 2**23


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
    tables: Callable[[Array], Kernel] | None = None,
) -> SlopeComparison:
    r"""Compare $f'(m)[d]$ with $(f(m \pm hd) - f(m))/(\pm h)$ for every entry of the three functions.

    An entry disagrees on a side if it misses by the same number at three lengths (a kink, a wrong rule), or by more
    and more (a jump, an infinite slope); what only curvature or rounding explains does not count.

    Args:
        game: the game, traced.
        mean_field: m, flattened.
        directions: tangents of the simplex; a zero one is passed over.
        error: of the mean field, in mass: kinks nearer than that are at the point for all that is known.
        tables: a flattened mean field to tables of the three functions; all of them, dense, if None.

    Returns:
        The worst entry, by its place in the tables. For use inside jit and vmap; UNKNOWN where a number is not finite.
    """
    size = jnp.max(jnp.abs(directions), axis=1, keepdims=True)
    units = directions / jnp.where(size > 0.0, size, 1.0)
    units = jnp.where(jnp.abs(units) < _STILL, 0.0, units)
    lengths = jax.vmap(lambda unit: _lengths(mean_field, unit, error))(units)
    steps = jnp.concatenate([lengths, -lengths], axis=1)
    # Outside the simplex a function says nothing.
    moved = jnp.maximum(mean_field + steps[:, :, None] * units[:, None, :], 0.0)
    kernel = tables or (lambda field: tabulate(game, field.reshape(mean_field_shape(game))))
    probe = _Probe(mean_field, units, steps, moved, size[:, 0] > 0.0)
    known = jnp.all(jnp.isfinite(mean_field)) & jnp.all(jnp.isfinite(directions))
    # Nearly all games agree everywhere, which few operations an entry tell; which entry is worst takes many.
    suspect, plain = _agreement(kernel, probe, known)
    found: SlopeComparison = jax.lax.cond(suspect, lambda: _worst(kernel, probe, known), lambda: plain)
    return found


class _Probe(NamedTuple):
    """Where functions are compared with their slopes.

    Attributes:
        here: the mean field.
        units: directions, largest entry 1, or zero.
        steps: lengths along each, ahead and then behind.
        moved: the mean fields there.
        moves: whether a direction is not zero.
    """

    here: Float[Array, " M"]
    units: Float[Array, "D M"]
    steps: Float[Array, "D K"]
    moved: Float[Array, "D K M"]
    moves: Bool[Array, " D"]


def _agreement(
    kernel: Callable[[Array], Kernel], probe: _Probe, known: Bool[Array, ""]
) -> tuple[Bool[Array, ""], SlopeComparison]:
    """Whether some entry may disagree, and the comparison where none does: of no miss the first entry is named."""
    half = len(_LENGTHS)

    def look(at: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        unit, step, moved = at
        here, slope = jax.jvp(kernel, (probe.here,), (unit,))
        values = jax.vmap(kernel)(moved)
        missed = jax.tree.map(
            lambda at, by, around: may_miss(at, by, around[:half], around[half:], step[:half], _NEGLIGIBLE),
            here,
            slope,
            values,
        )
        first, ahead, behind = here.transition[0, 0, 0, 0], *values.transition[1::half, 0, 0, 0, 0]
        sides = jnp.stack([slope.transition[0, 0, 0, 0], (ahead - first) / step[1], (first - behind) / step[1]])
        return jnp.any(jnp.stack(jax.tree.leaves(missed))), sides

    entries = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(jax.eval_shape(kernel, probe.here)))
    batch = max(1, _MAX_ENTRIES // (2 * half * entries))
    missed, sides = jax.lax.map(look, (probe.units, probe.steps, probe.moved), batch_size=batch)
    derivative, forward, backward = sides[0]
    plain = SlopeComparison(
        status=jnp.where(known, int(SlopeStatus.AGREES), int(SlopeStatus.UNKNOWN)),
        function=jnp.asarray(0),
        entry=jnp.zeros(4, int),
        direction=probe.units[0],
        derivative=derivative,
        forward=forward,
        backward=backward,
        length=probe.steps[0, 1],
        directions=jnp.sum(probe.moves),
    )
    return jnp.any(missed), plain


def _worst(kernel: Callable[[Array], Kernel], probe: _Probe, known: Bool[Array, ""]) -> SlopeComparison:
    """The worst entry of all tables."""
    table = lambda field: jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(kernel(field))])  # noqa: E731
    shape = jax.eval_shape(kernel, probe.here).transition.shape
    sections, half = _sections(shape), len(_LENGTHS)
    here, push = jax.linearize(table, probe.here)
    slopes = _over(sections, push, probe.units)
    values = _over(sections, table, probe.moved.reshape(-1, probe.here.size)).reshape(*probe.steps.shape, -1)
    found = jax.vmap(
        lambda slope, moved, step: judge(here, slope, moved[:half], moved[half:], step[:half], sections, _NEGLIGIBLE)
    )(slopes, values, probe.steps)
    miss = jnp.where(probe.moves[:, None], found.miss, 0.0)
    worst, flat = jnp.unravel_index(jnp.argmax(miss), miss.shape)
    pick: Callable[[Array], Array] = lambda leaf: leaf[worst, flat]  # noqa: E731
    known &= jnp.all(found.finite | ~probe.moves)
    broken = jnp.where(pick(jnp.asarray(found.wrong_rule)), int(SlopeStatus.WRONG_RULE), int(SlopeStatus.KINK))
    function, entry = _place(shape, flat)
    return SlopeComparison(
        status=jnp.where(known, jnp.where(pick(miss) > 0.0, broken, int(SlopeStatus.AGREES)), int(SlopeStatus.UNKNOWN)),
        function=function,
        entry=entry,
        direction=probe.units[worst],
        derivative=pick(slopes),
        forward=pick(jnp.asarray(found.forward)),
        backward=pick(jnp.asarray(found.backward)),
        length=probe.steps[worst, 1],
        directions=jnp.sum(probe.moves),
    )


def _lengths(field: Float[Array, " M"], unit: Float[Array, " M"], error: Array | float) -> Float[Array, "3"]:
    """The three lengths along one direction, shorter where the simplex ends sooner."""
    shortest = jnp.clip(4.0 * error, _LENGTHS[0], _LONGEST_SHORTEST)
    lengths = shortest * jnp.asarray(_LENGTHS) / _LENGTHS[0]
    room = jnp.min(jnp.where(unit == 0.0, jnp.inf, field / jnp.abs(jnp.where(unit == 0.0, 1.0, unit))))
    return lengths * jnp.minimum(1.0, 0.5 * room / lengths[-1])


def _sections(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Entries of the three tables, in the order of `FUNCTIONS`; the shape is the transition's."""
    entries = math.prod(shape[:3])
    return entries * shape[3], entries, entries


def _over(
    sections: tuple[int, ...], function: Callable[[Array], Array], points: Float[Array, "K M"]
) -> Float[Array, "K E"]:
    """A function of mean fields at several, all at once where the tables are small."""
    batch = max(1, _MAX_ENTRIES // sum(sections))
    return jax.vmap(function)(points) if batch >= len(points) else jax.lax.map(function, points, batch_size=batch)


def _place(shape: tuple[int, ...], flat: Int[Array, ""]) -> tuple[Int[Array, ""], Int[Array, "4"]]:
    """Function and indices of a place in the flat table."""
    transition, reward, _ = _sections(shape)
    function = jnp.where(flat < transition, 0, jnp.where(flat < transition + reward, 1, 2))
    rest = jnp.where(function == 0, flat, (flat - transition) % reward * shape[3])
    return function, jnp.stack(jnp.unravel_index(rest, shape))


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
