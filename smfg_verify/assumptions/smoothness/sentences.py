"""What the findings of smoothness say."""

import math

from smfg_verify.assumptions.sentence import FindingData, Renderings, always, unless_not_applicable
from smfg_verify.numerals import at_least, at_most


def _hessian(data: FindingData) -> str:
    if not data.facts["found"]:
        return (
            f"No curvature was found: at {data.facts['unconverged']} of {data.facts['leaders']} leaders there is no "
            "Hessian, since no equilibrium converged, and the others are lost in rounding."
        )
    if not math.isfinite(data.constant):
        return "The curvature found did not repeat."
    return (
        "The largest curvature of the leader's objective found, in Hessians at single leaders, is "
        f"{data.constant:.4g}: a constant of smoothness cannot be smaller. A jump of the gradient at a kink would not "
        "show in it."
    )


_SINGLE_ACTION = "Not applicable: the leader has a single action, so that its objective is constant in its logits."


def _cell_bound(data: FindingData) -> str:
    facts = data.facts
    if data.verdict == "not-applicable":
        return f"Not applicable: {_why_not(data)}."
    if facts["unbounded"]:
        return (
            f"No bound of all Hessians within the budget: {facts['unbounded']} of {facts['left']} cells of leaders "
            "have none."
        )
    bound = f"is at most {at_most(data.constant):.4g}, and at least {at_least(facts['attained']):.4g} for some of them"
    if not facts["one_branch"]:
        return (
            f"In every cell of leaders the norm of the Hessian {bound}; but the equilibria of neighbouring cells are "
            "not proved to be the same, so that the gradient may jump between them."
        )
    if not facts["unique"]:
        return (
            f"On one continuous branch of equilibria the norm of the Hessian {bound}; but leaders are not proved to "
            "have no other equilibrium, at which it may be larger, or between which the gradient may jump."
        )
    return (
        f"For all logits of the leader the norm of the objective's Hessian {bound}: each leader has one equilibrium, "
        "and these are one continuous branch."
    )


def _why_not(data: FindingData) -> str:
    facts = data.facts
    reasons = {
        "single-action": "the leader has a single action",
        "leader-entropy": "the leader's objective has an entropy of its own, which the cells do not bound",
        "not-affine": "not all functions are proved affine in the mean field",
    }
    if facts["why"] == "free-parameters":
        return f"the leader has {facts['free']} free logits, more than the {facts['largest']} that cells can cover"
    return reasons[facts["why"]]


SMOOTHNESS = {
    "hessian": Renderings(
        meaning=unless_not_applicable(_hessian, _SINGLE_ACTION),
        method=always("Hessians at random leaders, and ascent on the curvature over leader and direction"),
    ),
    "cell-bound": Renderings(
        meaning=_cell_bound,
        method=always(
            "Cells of leader policies, halved where the bound is largest; equilibria by Krawczyk's operator, their "
            "first and second derivatives by implicit differentiation, as second-order forms of the leader"
        ),
    ),
}
