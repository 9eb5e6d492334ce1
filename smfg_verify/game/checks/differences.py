"""One-sided differences beside a derivative: what tells a kink and a wrong rule from curvature and rounding."""

import enum
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.game.array_module import array_module
from smfg_verify.game.base import AnyArray
from smfg_verify.records.status import NamedStatus

# Roundings of the largest entry of a table that are granted to a difference.
_ROUNDINGS = 32.0
# A jump, or an infinite slope, is one that moves its entry by this much, relative to the largest of its table.
_LEAST_JUMP = 1e-7
# Misses at three lengths that differ by no more than this factor are one number.
_SAME = 2.0


class SlopeStatus(NamedStatus, enum.IntEnum):
    """What one-sided differences say of a derivative.

    AGREES: they are the derivative. KINK: they differ from each other, so there is no derivative. WRONG_RULE: they
    agree with each other, and the derivative used is another number. UNKNOWN: nothing could be compared.
    """

    AGREES = 0
    KINK = 1
    WRONG_RULE = 2
    UNKNOWN = 3


class Judgement(NamedTuple):
    """Of every entry of a table along one direction.

    Attributes:
        forward, backward: one-sided slopes, at the middle one of the lengths.
        miss: how far the worse side is from the derivative, relative to the steepest entry; 0 where nothing is wrong.
        wrong_rule: whether both sides miss the derivative by the same.
        finite: whether all values were numbers.
    """

    forward: Float[AnyArray, " E"]
    backward: Float[AnyArray, " E"]
    miss: Float[AnyArray, " E"]
    wrong_rule: Bool[AnyArray, " E"]
    finite: Bool[AnyArray, ""]


def judge(
    here: Float[AnyArray, " E"],
    slope: Float[AnyArray, " E"],
    ahead: Float[AnyArray, "L E"],
    behind: Float[AnyArray, "L E"],
    lengths: Float[AnyArray, " L"],
    sections: tuple[int, ...],
    negligible: float,
) -> Judgement:
    """Where differences at several lengths h miss a derivative along one direction.

    At a kink, or where the rule is wrong, a side misses by the same at each length; at a jump or an infinite slope by
    more and more as h falls. A curvature misses by h, rounding by 1/h at random: neither counts.

    Args:
        here: the entries at the point.
        slope: their derivatives along the direction; where not finite, the sides are compared with each other.
        ahead, behind: the entries at distance h, one row a length.
        lengths: h, rising.
        sections: sizes of the tables that the entries are of; each is measured by its own largest entry.
        negligible: miss that is let pass, relative to the steepest entry of a table.

    Returns:
        The judgement; of NumPy's arrays where all are NumPy's.
    """
    with np.errstate(all="ignore"):  # what is not finite is judged, not warned of
        return _judged(here, slope, ahead, behind, lengths, sections, negligible)


def may_miss(
    here: Float[AnyArray, "..."],
    slope: Float[AnyArray, "..."],
    ahead: Float[AnyArray, "L ..."],
    behind: Float[AnyArray, "L ..."],
    lengths: Float[AnyArray, " L"],
    negligible: float,
) -> Bool[AnyArray, ""]:
    """Whether `judge` may find a miss, or a number that is not finite, in one table: by few operations an entry.

    A miss that counts is more than is granted at the middle length, and at the longest no more than twice as large,
    whatever the shortest says; what is granted is here the least it can be.

    Args:
        here, slope, ahead, behind, lengths, negligible: as in `judge`, of one table of any shape.

    Returns:
        False only where every miss is zero and every number is finite.
    """
    xp, middle = array_module(here, slope, ahead, behind, lengths), len(lengths) // 2
    size, steepest = xp.max(xp.abs(here)), xp.max(xp.abs(slope))
    granted = _ROUNDINGS * xp.finfo(here.dtype).eps * size / lengths[middle] + negligible * steepest
    found = ~(xp.isfinite(here) & xp.isfinite(slope))
    for k in range(len(lengths)):
        found = found | ~(xp.isfinite(ahead[k]) & xp.isfinite(behind[k]))
    for side in ((ahead - here), (here - behind)):
        at_middle, at_longest = (xp.abs(side[k] / lengths[k] - slope) for k in (middle, -1))
        found = found | ((at_middle > granted) & (at_longest <= _SAME * at_middle))
    result: Bool[AnyArray, ""] = xp.any(found)
    return result


def _judged(
    here: AnyArray,
    slope: AnyArray,
    ahead: AnyArray,
    behind: AnyArray,
    lengths: AnyArray,
    sections: tuple[int, ...],
    negligible: float,
) -> Judgement:
    xp, column = array_module(here, slope, ahead, behind, lengths), lengths[:, None]
    sides = xp.stack([(ahead - here) / column, (here - behind) / column], axis=1)
    middle = len(lengths) // 2
    forward, backward = sides[middle]
    # Of an infinite slope in a coordinate that does not move, the rule makes 0 * inf: then the two sides decide.
    used = xp.where(xp.isfinite(slope), slope, 0.5 * (forward + backward))
    size = _of_section(xp.abs(here), sections)
    steepest = _of_section(xp.maximum(xp.abs(used), xp.max(xp.abs(sides[-1]), axis=0)), sections)
    misses = sides - used
    bad = _disagrees(misses, lengths[:, None, None], size, steepest, negligible)
    # A slope that is the same on both sides and grows as h falls is infinite, and no derivative.
    central = xp.abs(xp.mean(sides, axis=1))
    granted = _ROUNDINGS * xp.finfo(here.dtype).eps * size / lengths[0]
    infinite = ~xp.isfinite(slope) & (central[0] > _SAME * central[-1] + granted)
    miss = xp.where(bad, xp.abs(misses[middle]), xp.where(infinite, central[middle], 0.0))
    worst = xp.max(miss, axis=0)
    return Judgement(
        forward=forward,
        backward=backward,
        miss=worst / xp.where(steepest > 0.0, steepest, 1.0),
        wrong_rule=bad[0] & bad[1] & (xp.abs(forward - backward) < 0.5 * worst),
        finite=xp.all(xp.isfinite(ahead)) & xp.all(xp.isfinite(behind)) & xp.all(xp.isfinite(here)),
    )


def _of_section(entries: Float[AnyArray, " E"], sections: tuple[int, ...]) -> Float[AnyArray, " E"]:
    """The largest entry of the table that each entry is of."""
    xp = array_module(entries)
    ends = [sum(sections[: k + 1]) for k in range(len(sections))]
    parts = [entries[end - size : end] for end, size in zip(ends, sections, strict=True)]
    result: AnyArray = xp.concatenate([xp.broadcast_to(xp.max(part), part.shape) for part in parts])
    return result


def _disagrees(
    misses: AnyArray, lengths: AnyArray, size: AnyArray, steepest: AnyArray, negligible: float
) -> Bool[AnyArray, "..."]:
    xp = array_module(misses)
    granted = _ROUNDINGS * xp.finfo(misses.dtype).eps * size / lengths + negligible * steepest
    sizes = xp.abs(misses)
    clear, alike = _clear(misses, granted), _alike(sizes)
    # A small kink, or one beside entries that are large, drowns in rounding at the shortest length: then the others
    # decide, if what is left at the shortest agrees with them up to its rounding.
    drowned = _clear(misses[1:], granted[1:]) & _alike(sizes[1:]) & (xp.abs(misses[0] - misses[1]) <= granted[0])
    # More and more as h falls: a curvature misses by less and less, also in a table that is zero at the point.
    moves = xp.all(sizes * lengths > _LEAST_JUMP * size, axis=0) & xp.all(xp.diff(sizes, axis=0) < 0.0, axis=0)
    result: AnyArray = (clear & (alike | moves)) | drowned
    return result


def _clear(misses: AnyArray, granted: AnyArray) -> Bool[AnyArray, "..."]:
    """Whether misses at all lengths are more than is granted, and to the same side."""
    xp = array_module(misses)
    one_side = xp.abs(xp.sum(xp.sign(misses), axis=0)) == len(misses)
    clear: AnyArray = xp.all(xp.abs(misses) > granted, axis=0) & one_side
    return clear


def _alike(sizes: AnyArray) -> Bool[AnyArray, "..."]:
    xp = array_module(sizes)
    alike: AnyArray = xp.max(sizes, axis=0) <= _SAME * xp.min(sizes, axis=0)
    return alike
