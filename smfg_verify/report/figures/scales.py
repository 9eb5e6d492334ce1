"""Scales of colours that follow most of what is shown: a few extreme numbers are clipped, and the scale says so."""

from typing import Literal, NamedTuple

import numpy as np
from matplotlib.colors import LogNorm

Extend = Literal["neither", "min", "max", "both"]

# What is clipped at either end: at most this share of the numbers (but one, of four or more), and only what lies
# further from the others than this share of their own range, on logarithms.
_SHARE, _REACH = 0.02, 0.5
_FEWEST = 4
# Least ratio of the two ends: where all numbers but a few are equal, rounding would be clipped too.
_LEAST_RATIO = 2.0


class LogScale(NamedTuple):
    """A logarithmic scale of colours and what lies beyond it.

    Attributes:
        norm: of the colours; None where no number is positive and finite.
        below, above: how many numbers are below and above its ends; zeros are below.
    """

    norm: LogNorm | None
    below: int
    above: int

    @property
    def extend(self) -> Extend:
        """The ends of the bar that are open."""
        ends: dict[tuple[bool, bool], Extend] = {(True, True): "both", (True, False): "min", (False, True): "max"}
        return ends.get((self.below > 0, self.above > 0), "neither")

    @property
    def clipped(self) -> str:
        """What is clipped, in words; empty where nothing is."""
        parts = [f"{count} {where}" for count, where in ((self.below, "below"), (self.above, "above")) if count]
        return f"clipped: {' and '.join(parts)} the scale" if parts else ""


def robust_log_scale(values: np.ndarray) -> LogScale:
    """A scale from the least to the largest number that is not extreme; NaN and infinities have no colour.

    Args:
        values: numbers, none of them negative.

    Returns:
        The scale.
    """
    known = values[np.isfinite(values)]
    numbers = np.sort(known[known > 0.0])
    if not numbers.size:
        return LogScale(None, 0, 0)
    spared = max(1, int(_SHARE * numbers.size)) if numbers.size >= _FEWEST else 0
    logs = np.log(numbers)
    low, high = logs[spared], logs[-1 - spared]
    reach = max(_REACH * (high - low), np.log(_LEAST_RATIO))
    inside = numbers[(logs >= low - reach) & (logs <= high + reach)]
    low, high = float(inside[0]), float(inside[-1])
    widening = max(1.0, (_LEAST_RATIO * low / high) ** 0.5)
    norm = LogNorm(low / widening, high * widening)
    return LogScale(norm, int(np.sum(known < low)), int(np.sum(known > high)))
