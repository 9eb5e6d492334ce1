"""What is said of a rate that was not judged: a case and its numbers, and the sentence rendered from them."""

import dataclasses
from collections.abc import Callable

from smfg_verify.records.codec import kept
from smfg_verify.records.entries import Entries

IN_TRANSIENT = "still in its transient"


@kept
@dataclasses.dataclass(frozen=True)
class Obstacle:
    """Why a rate was not judged; the empty one, which is false, where it was.

    Attributes:
        case: code of the reason, a key of `SENTENCES`; empty for none.
        facts: the numbers of the case.
    """

    case: str = ""
    facts: Entries = dataclasses.field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.case)

    @property
    def sentence(self) -> str:
        """The reason in words; empty for none.

        Raises:
            KeyError: an unknown case, or a fact is missing.
        """
        return SENTENCES[self.case](self.facts) if self.case else ""


NO_OBSTACLE = Obstacle()


def _too_wide(facts: Entries) -> str:
    interval = f"[{facts['lower']:.3g}, {facts['upper']:.3g}]"
    return f"the interval {interval} is too wide: it holds -1/2 and also -1 or 0"


def _few_seeds(facts: Entries) -> str:
    return f"too few seeds: {facts['seeds']}, at least {facts['least']} are needed"


def _few_checkpoints(facts: Entries) -> str:
    return f"too few checkpoints in the window: {facts['checkpoints']}, at least {facts['least']} are needed"


def _rounding(facts: Entries) -> str:
    if facts["everywhere"]:
        return "at rounding level at every checkpoint of the window, nothing decays"
    return "at rounding level at some checkpoint of the window"


def _standstill(facts: Entries) -> str:
    place = f"k = {facts['iteration']:,}"
    return f"the smallest mean was met at {place} and not undercut in the window: its slope is 0 whatever the rate"


def _short_regime(facts: Entries) -> str:
    return (
        f"{IN_TRANSIENT}: {facts['checkpoints']} checkpoints after the change-point at k = {facts['iteration']:.0f}, "
        f"at least {facts['least']} are needed; run it longer"
    )


def _moving_leader(facts: Entries) -> str:
    return (
        f"{IN_TRANSIENT}: of the {facts['whole']:.2g} that the leaders' mean policy has moved, it moved "
        f"{facts['late']:.2g} over the last three quarters of the iterations, half of the leader's clock; run it longer"
    )


SENTENCES: dict[str, Callable[[Entries], str]] = {
    "no-interval": lambda facts: "no interval: some resampled mean is not positive",
    "too-wide": _too_wide,
    "few-seeds": _few_seeds,
    "few-checkpoints": _few_checkpoints,
    "not-finite": lambda facts: f"{facts['bad']} of {facts['points']} points are not finite",
    "rounding": _rounding,
    "no-variation": lambda facts: "the seeds do not vary",
    "standstill": _standstill,
    "short-regime": _short_regime,
    "moving-leader": _moving_leader,
}
