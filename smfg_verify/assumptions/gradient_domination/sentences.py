"""What the findings of the follower's gradient domination say."""

import math

from smfg_verify.assumptions.sentence import FindingData, Rendering, Renderings, always, unless_not_applicable
from smfg_verify.numerals import at_least, at_most

_NOT_APPLICABLE = "Not applicable: the follower has a single action, so that its only policy is optimal."
_NOT_TIED = (
    "Not applicable: computed for leaders of two actions, one row and no entropy, at most 4 states, and followers who "
    "choose."
)


def _where_taken(meaning: Rendering) -> Rendering:
    """Of a constant that was searched for; another text where no point had one."""

    def told(data: FindingData) -> str:
        if not math.isfinite(data.constant):
            return "Nowhere could it be taken: no gap looked at is a number well above its own rounding error."
        return meaning(data)

    return told


def _domination(data: FindingData) -> str:
    if data.verdict == "refuted":
        return "A policy with a gap to the optimum has no gradient to leave it by."
    return (
        f"The smallest squared gradient found over a gap to the follower's optimum is {data.constant:.3g}, over logits "
        f"within {data.facts['box']:g} of zero (proved there: at least "
        f"{at_least(data.facts['certified_in_box']):.2g}); it falls "
        "with the smallest probability of the policy, so no constant holds for all policies at once."
    )


def _mei_inequality(data: FindingData) -> str:
    text = f"The smallest squared gradient over C(theta) times the gap is {data.constant:.5g}"
    if data.verdict == "refuted":
        return f"{text}, below the one that is proved: an error of theory or of code."
    return f"{text}, where Mei et al. prove at least 1 and their proof allows 2n."


def _mei_constant(data: FindingData) -> str:
    if data.constant > 0.0:
        return (
            f"Near the follower's optimum, whatever the leader and the mean field, the squared gradient is at "
            f"least {at_least(data.constant):.3g} times the gap; away from it it falls with the policy's "
            "smallest probability."
        )
    if not data.facts["reward_bounded"]:
        why = data.facts["reason"] or "its enclosure is unbounded"
        return f"The follower's reward could not be bounded over all mean fields: {why}."
    return "The bound is zero: a state never starts, or a probability is too small for a float; nothing follows."


def _near_optimum(data: FindingData) -> str:
    if not data.constant > 0.0:
        return _mei_constant(data)
    facts = data.facts
    return (
        "Whatever the leader and the mean field, a follower's policy within "
        f"{at_least(facts['gap']):.3g} of the optimum has no probability below {at_least(facts['probability']):.3g}, "
        f"and its squared gradient is at least {at_least(data.constant):.3g} times its gap."
    )


def _kl_identity(data: FindingData) -> str:
    text = f"The gap from values and the gap from divergences differ by at most {data.constant:.2g} of it"
    if data.verdict == "supported":
        return f"{text}, where compared: the two computations agree."
    return f"{text}: the arithmetic of this property cannot be trusted."


def _follower_program(data: FindingData) -> str:
    facts, width = data.facts, data.constant
    if facts["case"] == "no-equilibrium":
        return "No equilibrium of the uniform leader was found to look at."
    if facts["case"] == "no-answer":
        said = (
            "no policy can be read off its solution" if facts["solved"] else f"it ended with status {facts['status']!r}"
        )
        return f"The solver gave no answer: {said}."
    if data.verdict == "certified":
        return (
            "At the uniform leader's equilibrium the computed best response is the follower's optimum up to "
            f"{width:.2g}: so much do two bounds that trust no solver leave between them, in floating point; the "
            f"solver's optimum differs by {facts['agreement']:.2g}."
        )
    return (
        f"At the uniform leader the bounds of the follower's optimum leave {width:.2g} between them and the "
        f"solver's optimum differs by {facts['agreement']:.2g}: too much to confirm the computed best response."
    )


def _tied_leader(data: FindingData) -> str:
    facts, held = data.facts, "With followers held at an equilibrium of the uniform leader, as computed,"
    if facts["case"] == "no-equilibrium":
        return "No equilibrium of the uniform leader was found to hold the followers at."
    if facts["case"] == "flat":
        return f"{held} the leader's objective is the same for every policy."
    if facts["case"] == "trapped":
        return (
            f"{held} slopes do not lead the leader to its best policy: with probability {facts['probability']:.4g} of "
            "its first action no policy has a positive slope, and another is better."
        )
    if data.verdict == "certified":
        return (
            f"{held} the leader's gap to its best policy is at most {at_most(facts['upper']):.5g} times its largest "
            f"slope towards a policy, {data.constant:.5g} being attained: who finds no slope has found the best."
        )
    return f"{held} it is open whether one constant bounds the leader's gap by its slopes."


_SEARCH = always("random follower policies, leaders and mean fields, and worst-case search from the worst of them")
_SPANS = always("bound of the follower's smallest optimal probability from spans of reward and value")
_PROGRAM = always("exponential-cone program over occupation measures; bracket evaluated without the solver")
_EXACT = always("stationary points and ratios as roots of polynomials, in rational arithmetic")
GRADIENT_DOMINATION = {
    statement: Renderings(
        meaning=unless_not_applicable(meaning, _NOT_TIED if statement == "tied-leader" else _NOT_APPLICABLE),
        method=unless_not_applicable(method, "numbers of actions and states"),
    )
    for statement, (meaning, method) in {
        "domination": (_where_taken(_domination), _SEARCH),
        "mei-inequality": (_where_taken(_mei_inequality), _SEARCH),
        "mei-constant": (_mei_constant, _SPANS),
        "near-optimum": (_near_optimum, _SPANS),
        "kl-identity": (_where_taken(_kl_identity), _SEARCH),
        "follower-program": (_follower_program, _PROGRAM),
        "tied-leader": (_tied_leader, _EXACT),
    }.items()
}
