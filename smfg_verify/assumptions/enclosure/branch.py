r"""Branch and bound over the simplex: boxes are halved where the bound is worst until it meets what points attain."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.deadline import Deadline
from smfg_verify.assumptions.enclosure.domain import bisected, inner_points, tightened

# Of the first bound, the scale of a supremum near zero.
_SHARE_OF_FIRST = 1e-3
# From the lower and upper corners of boxes, (K, M) each, a bound of each; and from points their values.
BoxBound = Callable[[Float[np.ndarray, "K M"], Float[np.ndarray, "K M"]], Float[np.ndarray, " K"]]
PointValues = Callable[[Float[np.ndarray, "K M"]], Float[np.ndarray, " K"]]

# Boxes halved at once, and the width below which halving cannot help.
_BATCH = 32
_NARROWEST = 1e-9


class Supremum(NamedTuple):
    """Supremum of a function over the simplex, between a certified bound and an attained value.

    Attributes:
        upper: certified: no point has a larger value; at all times, also out of budget.
        lower: attained at `field`.
        field: point of the simplex with the largest value met, (M,).
        box_lower: of the box with the largest bound left, (M,).
        box_upper: the same.
        boxes: boxes bounded.
        finished: whether the gap is closed to the tolerance.
        cut: whether a time limit ended it.
        curve: certified bound after each round.
    """

    upper: float
    lower: float
    field: Float[np.ndarray, " M"]
    box_lower: Float[np.ndarray, " M"]
    box_upper: Float[np.ndarray, " M"]
    boxes: int
    finished: bool
    cut: bool
    curve: Float[np.ndarray, " T"]


class _Open(NamedTuple):
    """Boxes not yet settled, and the bound of each."""

    lower: np.ndarray
    upper: np.ndarray
    bound: np.ndarray


def supremum(
    bound: BoxBound,
    sample: PointValues,
    size: int,
    *,
    num_boxes: int,
    tolerance: float = 1e-3,
    time_limit: float | None = None,
) -> Supremum:
    r"""Supremum over the simplex by best-first branch and bound.

    Args:
        bound: certified upper bounds over boxes cut by the simplex, (K, M), (K, M) -> (K,); NaN counts as infinite.
        sample: values at points, (K, M) -> (K,); NaN is passed over.
        size: M, entries of a point.
        num_boxes: boxes bounded, at most (the first box always is).
        tolerance: gap at which to stop, relative to the attained value's size (at least 1e-3 of the first bound's).
        time_limit: seconds, looked at between rounds; None for none, so that the result depends on the arguments alone.

    Returns:
        The bound, also if out of budget.
    """
    deadline, cut = Deadline(time_limit), False
    whole = tightened(np.zeros((1, size)), np.ones((1, size)))
    boxes = _Open(whole[0], whole[1], _bounds(bound, whole[0], whole[1]))
    points = np.concatenate([np.full((1, size), 1.0 / size), np.eye(size)])
    best, field = _best(sample, points, -np.inf, points[0])
    count, settled = 1, -np.inf
    curve = [float(np.max(boxes.bound))]
    while len(boxes.bound) and count + 1 < num_boxes and not _closed(curve, best, tolerance):
        if cut := deadline.passed:
            break
        number = min(_BATCH, (num_boxes - count) // 2, len(boxes.bound))
        chosen = np.sort(np.argpartition(-boxes.bound, number - 1)[:number])
        if np.max(boxes.upper[chosen] - boxes.lower[chosen]) <= _NARROWEST:
            break
        lower, upper = bisected(boxes.lower[chosen], boxes.upper[chosen])
        bounds = _bounds(bound, lower, upper)
        count += len(bounds)
        best, field = _best(sample, inner_points(lower, upper), best, field)
        kept = np.ones(len(boxes.bound), dtype=bool)
        kept[chosen] = False
        boxes = _Open(
            np.concatenate([boxes.lower[kept], lower]),
            np.concatenate([boxes.upper[kept], upper]),
            np.concatenate([boxes.bound[kept], bounds]),
        )
        # A box that holds nothing better than the attained value need not be looked at again.
        alive = boxes.bound > best
        settled = max(settled, np.max(boxes.bound[~alive], initial=-np.inf))
        boxes = _Open(*(part[alive] for part in boxes))
        curve.append(min(curve[-1], max(best, float(np.max(boxes.bound, initial=settled)))))
    worst = int(np.argmax(boxes.bound)) if len(boxes.bound) else None
    return Supremum(
        upper=curve[-1],
        lower=best,
        field=field,
        box_lower=field if worst is None else boxes.lower[worst],
        box_upper=field if worst is None else boxes.upper[worst],
        boxes=count,
        finished=_closed(curve, best, tolerance),
        cut=cut,
        curve=np.array(curve),
    )


def _closed(curve: list[float], best: float, tolerance: float) -> bool:
    # A supremum of zero has no scale of its own: there it is a part of the first bound.
    scale = max(abs(best), _SHARE_OF_FIRST * abs(curve[0]))
    return bool(math.isfinite(curve[-1]) and curve[-1] - best <= tolerance * scale)


def _bounds(bound: BoxBound, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    values = np.asarray(bound(lower, upper), dtype=float)
    return np.where(np.isnan(values), np.inf, values)


def _best(sample: PointValues, points: np.ndarray, best: float, field: np.ndarray) -> tuple[float, np.ndarray]:
    values = np.asarray(sample(points), dtype=float)
    values = np.where(np.isnan(values), -np.inf, values)
    index = int(np.argmax(values))
    return (float(values[index]), points[index]) if values[index] > best else (best, field)
