"""What the findings of the uniqueness of equilibria say."""

from smfg_verify.assumptions.sentence import FindingData, Renderings, always, unless_not_applicable
from smfg_verify.numerals import at_least, at_most
from smfg_verify.records.entries import Entries

_SINGLE_ENTRY = "Not applicable: the mean field has a single entry, so there is only one."
_DECIDES_NOTHING = "(the classical condition; for a stationary law of discounting followers it decides nothing)"


def _contraction(data: FindingData) -> str:
    constant = data.constant
    if data.verdict == "certified":
        return (
            f"The best-response map contracts (proved modulus {at_most(constant):.4g}): each softmax leader has "
            "one equilibrium."
        )
    return f"The proved modulus of the best-response map is {at_most(constant):.4g}, not below 1: nothing follows."


def _one_sided(data: FindingData) -> str:
    if data.verdict == "certified":
        return (
            "The best-response map less the identity contracts one-sidedly (proved rate "
            f"{at_least(data.constant):.4g}): each leader has one equilibrium."
        )
    if data.facts["reason"]:
        return f"No rate of one-sided contraction is proved by cells: {data.facts['reason']}."
    return "No positive rate of one-sided contraction is proved in the Euclidean norm: nothing follows."


def _multi_start(data: FindingData) -> str:
    """Said of the searches that arrived, with how many of all did: the others say nothing about uniqueness."""
    facts = data.facts
    arrived = f"{facts['arrived']} of {facts['searches']} searches arrived at an equilibrium"
    if data.verdict == "inconclusive":
        return f"{arrived}, at most one for each leader: there is nothing to compare."
    if data.verdict == "refuted":
        radii = ", ".join(f"{radius:.3g}" for radius in facts["radii"])
        return (
            f"One leader policy has at least two equilibria, {data.constant:.4g} apart in l1; "
            f"{facts['equilibria']} were found for it, with spectral radii of the best-response map {radii} "
            "(below 1 is stable)."
        )
    return (
        f"For {facts['compared']} of {facts['leaders']} leaders two searches or more arrived, and the equilibria of "
        f"one leader cannot be told apart; {arrived}."
    )


def _temperature_path(data: FindingData) -> str:
    facts, apart = data.facts, data.constant
    if not facts["comparable"]:
        return "The path, or the direct search, did not reach an equilibrium at the game's temperature."
    if apart > 0.0:
        return f"The path from a hot temperature ends at another equilibrium than the direct search, {apart:.4g} away."
    if facts["folds"]:
        folds = facts["folds"]
        return f"The path from hot to cold passes {folds} fold(s): there are temperatures with several equilibria."
    return (
        f"The path from a hot temperature met no fold in {facts['steps']} steps, and its end cannot be told apart from "
        "the equilibrium found directly."
    )


def _monotonicity(data: FindingData) -> str:
    obstacle = data.facts["obstacle"]
    if obstacle["case"] == "constant-reward":
        return f"Monotone, since the follower's reward does not depend on the mean field {_DECIDES_NOTHING}."
    if data.verdict == "certified":
        return (
            "Proved monotone: between any two mean fields the changes of the follower's reward, weighted by the "
            f"changes of the crowd, add up to at most zero, up to rounding {_DECIDES_NOTHING}."
        )
    if data.verdict == "refuted":
        return f"Not monotone: for two mean fields crowding pays, with quotient {data.constant:.4g} {_DECIDES_NOTHING}."
    return (
        f"Neither proved nor refuted: the largest quotient found is {data.constant:.4g}{_because(obstacle)} "
        f"{_DECIDES_NOTHING}."
    )


def _because(obstacle: Entries) -> str:
    if obstacle["case"] == "many-actions":
        return "; too many pure actions to look at each"
    if obstacle["case"] == "bound":
        return f"; the certified bound reached {at_most(obstacle['upper']):.4g} after {obstacle['boxes']} boxes"
    if obstacle["case"] == "no-enclosure":
        return f"; {obstacle['reason']}"
    return ", too near zero to tell"


_METHODS = {
    "contraction": "proved l1 modulus of the best-response map, see contraction/certified-bound",
    "one-sided": "D Gamma enclosed over cells, see one-sided-contraction/certified-rate, in the Euclidean norm",
    "multi-start": "Newton's method from uniform, extreme and random mean fields, for the uniform and random leaders",
    "temperature-path": (
        "pseudo-arclength continuation of the uniform leader's equilibrium from a hot temperature to the game's"
    ),
    "monotonicity": (
        "largest eigenvalue of the symmetric slopes on tangents, pure actions; slopes enclosed if not affine"
    ),
}
_MEANINGS = {
    "contraction": _contraction,
    "one-sided": _one_sided,
    "multi-start": _multi_start,
    "temperature-path": _temperature_path,
    "monotonicity": _monotonicity,
}
UNIQUENESS = {
    statement: Renderings(
        meaning=unless_not_applicable(meaning, _SINGLE_ENTRY),
        method=unless_not_applicable(always(_METHODS[statement]), "number of entries of the mean field"),
    )
    for statement, meaning in _MEANINGS.items()
}
