"""Certified infimum and supremum of each entry of a game's table over all mean fields, by branch and bound."""

import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.assumptions.deadline import Deadline
from smfg_verify.assumptions.enclosure.domain import Range, bisected, inner_points, tightened
from smfg_verify.assumptions.enclosure.table_enclosures import (
    FUNCTIONS,
    LARGEST_BATCH,
    MAX_NUMBERS,
    Rounded,
    affine_table,
    rounded_ranges,
    table_size,
)
from smfg_verify.exact.batching import in_batches
from smfg_verify.game import AbstractGame, compiled_for_game, mean_field_shape, over_indices

# An entry's bound counts as close to what points attain within this share of the entry's span.
_CLOSE = 1e-3


class TableEnclosure(NamedTuple):
    """Certified infimum and supremum of each entry over the whole simplex.

    Attributes:
        lower: no mean field gives less, (n, A, B) or (n, A, B, n).
        upper: nor more.
        boxes: boxes bounded.
        exact: whether both are attained (the function is proved affine), up to rounding.
        rounding: what the machine's values may be off by from the function that the program stands for, of that shape.
        cut: whether a time limit ended it.
    """

    lower: Float[np.ndarray, "..."]
    upper: Float[np.ndarray, "..."]
    boxes: int
    exact: bool
    rounding: Float[np.ndarray, "..."]
    cut: bool = False


def envelope(game: AbstractGame, name: str, *, num_boxes: int, time_limit: float | None = None) -> TableEnclosure:
    """Certified infimum and supremum of each entry of a function's table over the whole simplex.

    Boxes that set the bound of an entry are halved until every entry's bounds are within 1e-3 of its range of what
    points attain, or out of budget; the bounds hold at all times.

    Args:
        game: the game, traced.
        name: "transition", "follower_reward" or "leader_reward".
        num_boxes: boxes bounded, at most (the first always is).
        time_limit: seconds, looked at between rounds; None for none, so that the result depends on the arguments alone.

    Returns:
        The envelope; at the vertices of the simplex if the function is proved affine.

    Raises:
        NoEnclosure: the function's program has a primitive without a rule.
    """
    table = affine_table(game, name)
    if table is not None:
        vertices = table.constant + table.slope
        low, high = vertices.min(axis=0) - table.error, vertices.max(axis=0) + table.error
        return TableEnclosure(low, high, 0, True, table.error)
    size = int(np.prod(mean_field_shape(game)))
    budget = min(num_boxes, max(1, MAX_NUMBERS // (4 * table_size(game, name))))
    lower, upper, _ = tightened(np.zeros((1, size)), np.ones((1, size)))
    ranges = rounded_ranges(game, name, lower, upper)
    inner = _attained(game, name, np.concatenate([np.full((1, size), 1.0 / size), np.eye(size)]))
    count, deadline, cut = 1, Deadline(time_limit), False
    while count + 1 < budget:
        worst = _boxes_that_bound(ranges, inner, (budget - count) // 2)
        if not worst.any() or (cut := deadline.passed):
            break
        halves = bisected(lower[worst], upper[worst])
        new = rounded_ranges(game, name, *halves)
        count += len(halves[0])
        found = _attained(game, name, inner_points(*halves))
        inner = Range(np.minimum(inner.lower, found.lower), np.maximum(inner.upper, found.upper))
        lower, upper = (np.concatenate([old[~worst], half]) for old, half in zip((lower, upper), halves, strict=True))
        ranges = Rounded(*(np.concatenate([old[~worst], part]) for old, part in zip(ranges, new, strict=True)))
    return TableEnclosure(
        ranges.lower.min(axis=0), ranges.upper.max(axis=0), count, False, ranges.rounding.max(axis=0), cut
    )


def _boxes_that_bound(ranges: Rounded, inner: Range, most: int) -> np.ndarray:
    """Which boxes set the bound of an entry that is not yet close to what points attain, (K,)."""
    axes = tuple(range(1, ranges.lower.ndim))
    span = inner.upper - inner.lower
    allowed = _CLOSE * np.where(span > 0.0, span, 1.0)
    low, high = ranges.lower.min(axis=0), ranges.upper.max(axis=0)
    below = (ranges.lower <= low) & ~(inner.lower - low <= allowed)
    above = (ranges.upper >= high) & ~(high - inner.upper <= allowed)
    worst = np.any(below | above, axis=axes)
    chosen = np.zeros_like(worst)
    chosen[np.flatnonzero(worst)[:most]] = True
    result: np.ndarray = chosen
    return result


def _attained(game: AbstractGame, name: str, points: np.ndarray) -> Range:
    size = min(LARGEST_BATCH, 2 ** int(np.ceil(np.log2(len(points)))))
    tables = in_batches(functools.partial(_values, game, name), size, points)
    return Range(tables.min(axis=0), tables.max(axis=0))


@compiled_for_game
def _values(game: AbstractGame, name: str, points: Array) -> Array:
    def one(point: Array) -> Array:
        field = point.reshape(mean_field_shape(game))
        return over_indices(game, lambda s, a, b: FUNCTIONS[name](game, s, a, b, field))

    return jax.vmap(one)(points)
