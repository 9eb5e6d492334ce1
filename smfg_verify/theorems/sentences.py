"""What is said of the answer to a hypothesis: why it is so, and what would decide it."""

from collections.abc import Mapping
from typing import ClassVar

from smfg_verify.records.coded_text import CodedText, Sentence


class Reason(CodedText):
    """Why a hypothesis holds, fails or is not known, or what would decide it.

    Examples:
        >>> from smfg_verify.theorems import Reason
        >>> print(Reason("temperature", {"value": 0.5}))
        the temperature is 0.5
    """

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {
        # Facts of a game.
        "finite": "the game has finitely many states and actions, and time is discrete",
        "stationary": "the game is stationary, without an end",
        "discounted": "the criterion is a discounted sum, discount {value:g}",
        "temperature": "the temperature is {value:g}",
        "softmax": "a row of logits may be shifted by any constant: the policy, hence the follower's value, stays the "
        "same, and no strictly convex or concave function does that",
        "tables": "the follower has a logit for every state and action",
        "leader-sees-states": "the leader's logits have a row for every state",
        "leader-sees-less": "rows of the leader's logits: {rows}, states: {states}",
        "about-it": "mean fields of {states} states, followers of {actions} actions, a leader without entropy",
        "reward-apart": "the leader's reward is proved to be the same for every follower's action",
        "reward-follows": "the leader's reward is proved to change with the follower's action",
        "uncoupled": "the transition is proved to be the same at every mean field",
        "coupled": "the transition changes with the mean field, by more than rounding",
        "reward-range": "the follower's reward is proved to have a range of at most {width:.6g}",
        "no-range": "no finite range of the follower's reward is proved",
        "undecided": "neither it nor the contrary is proved",
        "too-large": "the transition is too large for a table, of which the proof is made",
        # Findings.
        "finding": "{property}/{statement} is {verdict}",
        "property": "{property} is {verdict} ({statement})",
        "stronger": "{property} is {verdict} ({statement}), which is more than is asked here: between any two mean "
        "fields, or in one norm for all leaders",
        "unchecked": "{property} was not checked",
        "nearest": "nearest of ours: {property} is {verdict} ({statement}); the paper's form may be another",
        "nearest-statement": "nearest of ours: {property}/{statement} is {verdict}; the paper's form may be another",
        "nothing": "no property of ours is of its kind",
        # Steps.
        "steps": "{steps}",
        "steps-rest": "{learner} takes no step",
        "not-constant": "{learner} steps {step} are not constant",
        "below-stated": "{learner} steps {step}, at most {most:.6g}: the stated constant where rewards are scaled by "
        "{scale:.6g}, which brings them into [0, 1]",
        "above-stated": "{learner} steps {step} are above {most:.6g}, which the stated constant is below whatever the "
        "range of the rewards",
        "not-below-stated": "{learner} steps {step} are not proved to be at most {most:.6g}, the stated constant for "
        "the range of the rewards that is proved",
        # Constants of the theorem of docs/theorem.md.
        "constants": "{symbols} certified",
        "missing": "{reasons}",
        "floor": "a floor of {value:.3g} is allowed",
        # What would decide.
        "paper": "the paper's own text",
        "proof": "a proof of it, or of the contrary",
        "check": "`check --property {property}`",
        "change": "{words}",
        "certificates": "the certificates named",
    }
