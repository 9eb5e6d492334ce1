r"""What a game's functions round within themselves, seen from outside: their grain.

`(m + 1e8) - 1e8` is m up to 7e-9, and its value, its size and its derivative do not show it. Moved a little to both
sides, $m \pm h d$, such a function departs from its slope by an irregular amount at every h, where curvature cancels
between the sides and a kink leaves what is in proportion to h. Where a step is longer than every h the function is flat
on both sides and its slope is not: then nothing bounds the grain.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from smfg_verify.exact.equilibrium.accuracy import tangent
from smfg_verify.exact.kernel import Kernel, tabulate
from smfg_verify.game import AbstractGame, mean_field_shape

# Lengths in mass, no simple multiples of each other nor of powers of two.
_LENGTHS = 1e-10 * np.geomspace(1.37, 1.19e4, 12)
# Roundings of the largest entry of a table that every function may make; the sizes of its values tell of them.
_ROUNDINGS = 16.0
# A slope is seen where the longest move changes an entry by so many roundings of the largest.
_SEEN = 1e3
# The share of the slope that a flat function misses it by, and of that what the two sides may differ by.
_MISSED, _UNEVEN = 0.9, 0.1
# The longest move changes no entry of the mean field by more than this share: what is of third order is rounding then.
_WITHIN = 1e-5
# Entries of the tables that are made at once.
_MAX_ENTRIES = 2**18
# Points at which all tables are kept at once where something was seen.
_BATCH = 4


class Grain(NamedTuple):
    """What each entry of the three tables may be off by the roundings within the game's functions.

    Attributes:
        size: with the shapes of the tables, in their units; 0 where nothing beyond common roundings was seen.
        hidden: an entry is flat where its slope is not, so that its grain may be anything.
    """

    size: Kernel
    hidden: Bool[Array, ""]


def grain_of(
    game: AbstractGame, mean_field: Float[Array, " M"], tables: Callable[[Array], Kernel] | None = None
) -> Grain:
    """Look for roundings within a game's functions around a mean field.

    Args:
        game: the game, traced.
        mean_field: m, flattened.
        tables: a flattened mean field to tables of the three functions; all of them, dense, if None.

    Returns:
        The grain: observed at 24 points along one tangent, not proved. Where nearly all mass is at one place they are
        nearer to each other.
    """
    unit = tangent(mean_field)
    table = tables or (lambda field: tabulate(game, field.reshape(mean_field_shape(game))))
    here, slope = jax.jvp(table, (mean_field,), (unit,))
    lengths = jnp.asarray(_LENGTHS) * jnp.minimum(1.0, _WITHIN * _room(mean_field, unit) / _LENGTHS[-1])

    def departs(length: Array) -> Bool[Array, ""]:
        ahead, behind = (table(mean_field + step * unit) for step in (length, -length))
        seen = jax.tree.map(functools.partial(_departs, length), here, slope, ahead, behind)
        return jnp.any(jnp.stack(jax.tree.leaves(seen)))

    def closely() -> Grain:
        steps = jnp.concatenate([lengths, -lengths])
        found = jax.lax.map(lambda step: ravel_pytree(table(mean_field + step * unit))[0], steps, batch_size=_BATCH)
        common = jax.tree.map(lambda leaf: jnp.full_like(leaf, _common(leaf)), here)
        entries, entry_slopes, roundings = (ravel_pytree(tree)[0] for tree in (here, slope, common))
        size, hidden = _entries(entries, entry_slopes, found, lengths, roundings)
        return Grain(ravel_pytree(here)[1](size), hidden)

    # Of most games no entry departs by more than common roundings: then each has the grain 0, and none is hidden.
    entries = 2 * sum(leaf.size for leaf in jax.tree.leaves(here))
    rough = jnp.any(jax.lax.map(departs, lengths, batch_size=max(1, _MAX_ENTRIES // entries)))
    smooth = Grain(jax.tree.map(jnp.zeros_like, here), jnp.asarray(False))
    result: Grain = jax.lax.cond(rough, closely, lambda: smooth)
    return result


def _room(field: Float[Array, " M"], unit: Float[Array, " M"]) -> Float[Array, ""]:
    """How far the mean field can move along a tangent until an entry is empty, or twice itself."""
    return jnp.min(jnp.where(unit == 0.0, jnp.inf, field / jnp.abs(jnp.where(unit == 0.0, 1.0, unit))))


def _common(here: Array) -> Float[Array, ""]:
    """A rounding of the largest entry of a table."""
    return jnp.finfo(here.dtype).eps * jnp.max(jnp.abs(here))


def _departs(length: Array, here: Array, slope: Array, ahead: Array, behind: Array) -> Bool[Array, ""]:
    """Whether an entry departs from its slope by more than common roundings, as a hidden one does too."""
    odd = 0.5 * ((ahead - here - length * slope) + (here - behind - length * slope))
    return jnp.any(~(2.0 * jnp.abs(odd) <= _ROUNDINGS * _common(here)))


def _entries(here: Array, slope: Array, found: Array, lengths: Array, common: Array) -> tuple[Array, Bool[Array, ""]]:
    """The grain of each entry, and whether one of them is hidden."""
    column = lengths.reshape(-1, *[1] * here.ndim)
    half = len(lengths)
    ahead, behind = found[:half] - here - column * slope, here - found[half:] - column * slope
    odd = 0.5 * (ahead + behind)
    # Of a kink all departures are in proportion to the length; of a staircase only those within one step.
    irregular = odd - column * _median(odd / column)
    departure = jnp.minimum(*(jnp.max(jnp.abs(part), axis=0) for part in (odd, irregular)))
    size = jnp.maximum(2.0 * departure - _ROUNDINGS * common, 0.0)
    missed = jnp.abs(column * slope)
    flat = (-jnp.sign(slope) * odd > _MISSED * missed) & (jnp.abs(ahead - behind) < _UNEVEN * missed)
    seen = missed > _SEEN * common
    return size, jnp.any(jnp.all(flat | ~seen, axis=0) & seen[-1])


def _median(values: Float[Array, "K ..."]) -> Float[Array, "..."]:
    """Along the first axis, of an even number: by exchanging neighbours: a sort goes through entry after entry."""
    rows = list(values)
    for turn in range(len(rows)):
        for k in range(turn % 2, len(rows) - 1, 2):
            rows[k], rows[k + 1] = jnp.minimum(rows[k], rows[k + 1]), jnp.maximum(rows[k], rows[k + 1])
    middle = len(rows) // 2
    found: Float[Array, ...] = 0.5 * (rows[middle - 1] + rows[middle])
    return found
