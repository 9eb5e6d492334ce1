"""What is said of a rate, a break or a plan that was not found: a case and its numbers, and the sentence from them."""

import math
from collections.abc import Mapping
from typing import ClassVar

from smfg_verify.records.codec import kept
from smfg_verify.records.coded_text import CodedText, Sentence
from smfg_verify.records.entries import Entries

IN_TRANSIENT = "still in its transient"

# What `plan_power` takes for granted.
ASSUMPTION = (
    "Beyond the transient a residual is a power law times noise of mean one, seeds are independent, and a longer run, "
    "recorded at as many checkpoints spread evenly in log(k + 1) from where the pilot's window begins, has at them the "
    "joint law of the noise that the pilot's seeds show at theirs. Noise the pilot does not show is not planned for."
)


def _rounding(facts: Entries) -> str:
    if facts["everywhere"]:
        return "at rounding level at every checkpoint of the window, nothing decays"
    return "at rounding level at some checkpoint of the window"


def _rounding_of_curve(facts: Entries) -> str:
    if facts["everywhere"]:
        return "at rounding level at every checkpoint, nothing decays"
    return "at rounding level at some checkpoint"


_OF_RATES: dict[str, Sentence] = {
    "no-interval": "no interval: some resampled mean is not positive",
    "too-wide": "the interval [{lower:.3g}, {upper:.3g}] is too wide: it holds -1/2 and also -1 or 0",
    "few-seeds": "too few seeds: {seeds}, at least {least} are needed",
    "few-checkpoints": "too few checkpoints in the window: {checkpoints}, at least {least} are needed",
    "not-finite": "{bad} of {points} points are not finite",
    "rounding": _rounding,
    "no-variation": "the seeds do not vary",
    "standstill": (
        "the smallest mean was met at k = {iteration:,} and not undercut in the window: its slope is 0 whatever the "
        "rate"
    ),
    "short-regime": (
        IN_TRANSIENT
        + ": {checkpoints} checkpoints after the change-point at k = {iteration:.0f}, at least {least} are "
        "needed; run it longer"
    ),
    "moving-leader": (
        IN_TRANSIENT
        + ": of the {whole:.2g} that the leaders' mean policy has moved, it moved {late:.2g} over the last "
        "three quarters of the iterations, half of the leader's clock; run it longer"
    ),
}
_OF_CURVES: dict[str, Sentence] = {
    "few-checkpoints-in-all": "too few checkpoints: {checkpoints}, at least {least} are needed",
    "rounding-of-curve": _rounding_of_curve,
    "no-logarithm": "a residual is not positive and finite, so that a resampled mean may have no logarithm",
    "one-line": "one line has the smaller BIC",
    "chance": "chance alone gives two lines such a gain",
}
_OF_PLANS: dict[str, Sentence] = {
    "out-of-reach": "the largest power planned for is {power:.2f}, with {seeds} seeds of {iterations} iterations",
}
# Bound reports of schema version 4 kept the words alone of a break that was not found.
AS_WRITTEN = "as-written"


@kept
class Obstacle(CodedText):
    """Why a rate was not judged, a break not found or a plan not made; the empty one, which is false, where it was."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {
        **_OF_RATES,
        **_OF_CURVES,
        **_OF_PLANS,
        AS_WRITTEN: "{words}",
    }


NO_OBSTACLE = Obstacle()


def slope_words(slope: float, lower: float, upper: float) -> str:
    """A slope with its interval, or "none" where no rate was fitted."""
    return "none" if math.isnan(slope) else f"{slope:.3f} [{lower:.3f}, {upper:.3f}]"
