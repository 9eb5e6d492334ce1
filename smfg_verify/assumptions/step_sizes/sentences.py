"""What the findings of the step sizes say."""

from smfg_verify.assumptions.sentence import FindingData, Renderings, always, unless_not_applicable
from smfg_verify.numerals import at_most


def _order(data: FindingData) -> str:
    facts = data.facts
    if data.verdict == "certified":
        return "leader <= mean field <= follower <= critics, as the theory asks."
    return (
        f"The {facts['slow']} steps ({facts['slow_step']:g}) are larger than those of the {facts['fast']} "
        f"({facts['fast_step']:g})."
    )


def _range(data: FindingData) -> str:
    if data.verdict == "certified":
        return "No step of the mean field or of the critics is ever clipped to one."
    first = data.facts["first_unclipped"]
    clipped = " and ".join(f"{name} before iteration {k}" for name, k in first.items() if k > 0)
    return f"Steps are clipped to one at first ({clipped}); from then on they are c / sqrt(k + 1)."


def _ratios(data: FindingData) -> str:
    case = data.facts["case"]
    if case == "mean-field-rests":
        return "The mean field takes no steps, so that it tracks nothing."
    if case == "no-table":
        return (
            "Whether the mean field keeps up was not looked at: that needs a dense table of all moves, too large here."
        )
    if case == "leader-rests":
        return (
            f"The leader rests and the mean field's map contracts by {at_most(data.constant):.4g}: with "
            "followers at their best "
            "response its mean dynamics converges, for every softmax leader."
        )
    if case == "no-linearisation":
        return "No equilibrium with a finite linearisation was found to look at."
    return _tracking(data)


def _tracking(data: FindingData) -> str:
    facts, constant = data.facts, data.constant
    where = f"{facts['linearised']} of {facts['leaders']} leaders, those with a linearisation"
    if constant < 1.0:
        return (
            f"To first order the mean field tracks at {where}: q = {constant:.4g} < 1 (contraction and feedback of the "
            f"leader's steps), so that it trails its equilibrium by at most about {facts['lag']:.2g} in the l1 norm."
        )
    text = f"q = {constant:.4g} >= 1 at some leader: the l1 condition for the mean field to track does not hold"
    if facts["largest_real_part"] < 1.0:
        return f"{text}, though small errors die out at {where} (eigenvalues); nothing follows."
    return f"{text}, and at some leader small errors do not die out."


_METHODS = {
    "order": "comparison",
    "range": "comparison",
    "ratios": (
        "linearised mean dynamics at the equilibria of random leaders; proved contraction of the mean field's map"
    ),
}
STEP_SIZES = {
    statement: Renderings(
        meaning=unless_not_applicable(meaning, "Not applicable: no step sizes were given."),
        method=unless_not_applicable(always(_METHODS[statement]), "settings"),
    )
    for statement, meaning in {"order": _order, "range": _range, "ratios": _ratios}.items()
}
