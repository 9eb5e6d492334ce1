"""What the finding of smoothness says."""

import math

from smfg_verify.assumptions.sentence import FindingData, Renderings, always, unless_not_applicable


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


SMOOTHNESS = {
    "hessian": Renderings(
        meaning=unless_not_applicable(
            _hessian, "Not applicable: the leader has a single action, so that its objective is constant in its logits."
        ),
        method=always("Hessians at random leaders, and ascent on the curvature over leader and direction"),
    )
}
