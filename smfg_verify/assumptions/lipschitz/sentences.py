"""What the findings of the Lipschitz constants say."""

import math

from smfg_verify.assumptions.sentence import FindingData, Rendering, Renderings
from smfg_verify.numerals import at_most

_CHANGES = {
    "transition": "the next-state law by at most {:.4g} times as much in l1",
    "follower-reward": "the follower's reward by at most {:.4g} times as much",
    "leader-reward": "the leader's reward by at most {:.4g} times as much",
}
# Roundings that a change of the mean field by that share of its mass already exceeds go without saying.
_VISIBLE = 1e-9
# Those this small stand for numbers put to zero.
_NOTHING = 1e-200


def _constant_of(statement: str) -> Rendering:
    def meaning(data: FindingData) -> str:
        facts = data.facts
        if "reason" in facts:
            reason = facts["reason"] or "the enclosure of the slope is unbounded, as at a jump or an infinite slope"
            return f"No proof of a finite constant ({reason}); {_sampled_ratio(data.constant)}."
        visible = facts["rounding"] > max(_VISIBLE * data.constant, _NOTHING)
        if facts["exact"] and data.constant == 0.0 and not visible:
            return f"The {statement.replace('-', ' ')} does not depend on the mean field."
        beside = f", beside roundings of up to {facts['rounding']:.2g}" if visible else ""
        return f"A change of the mean field changes {_CHANGES[statement].format(at_most(data.constant))}{beside}."

    return meaning


def _sampled_ratio(measured: float) -> str:
    return "no pair sampled gave numbers" if math.isnan(measured) else f"the largest ratio sampled is {measured:.4g}"


def _how(data: FindingData) -> str:
    if "reason" in data.facts:
        return "ratios between sampled mean fields"
    return "structure of the game" if data.facts["exact"] else "interval enclosure of the slope with branch and bound"


LIPSCHITZ = {statement: Renderings(meaning=_constant_of(statement), method=_how) for statement in _CHANGES}
