"""What the findings of the uniqueness of equilibria say."""

from collections.abc import Iterable

from smfg_verify.assumptions.sentence import FindingData, Renderings, always, unless_not_applicable
from smfg_verify.numerals import at_least, at_most
from smfg_verify.records.entries import Entries

_SINGLE_ENTRY = "Not applicable: the mean field has a single entry, so there is only one."
_SINGLE_LAW = "Not applicable: one action, or a mean field that no action moves, leaves no two laws to compare."
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


def _on_laws(data: FindingData) -> str:
    facts = data.facts
    if facts["unasked"]:
        return f"Not looked at: {facts['unasked']} decides whether there is one equilibrium."
    if not facts["known"]:
        return "No bounds by pieces of leaders: they are of affine games with few states and actions."
    if data.verdict == "certified":
        return (
            f"Over each of {facts['contracting']} pieces of the leaders the best-response map contracts (proved "
            f"modulus {at_most(data.constant):.4g}) on a set of mean fields that it maps into itself and that holds "
            "every equilibrium: each leader has one."
        )
    if facts["bounded"]:
        step = facts["rounding_step"]
        return f"No proof: the roundings of the game's functions may make the best-response map jump by {step:.4g}."
    if facts["pieces"] == 1:
        expected = facts["expected"]
        if expected == float("inf"):
            return "No proof by pieces of leaders: far more may be needed than the budget has, or none may be enough."
        return (
            f"No proof by pieces of leaders: about {expected:.3g} would be looked at, by descents into parts drawn at "
            "random, more than the budget has."
        )
    return (
        f"No proof: {facts['pieces']} pieces of the leaders do not suffice; {facts['contracting']} of them were seen "
        "to contract."
    )


def _index(data: FindingData) -> str:
    facts, share = data.facts, data.constant
    if facts["unasked"]:
        return f"Not looked at: {facts['unasked']} decides whether there is one equilibrium."
    if facts["reason"]:
        return f"No index by cells: {facts['reason']}."
    if data.verdict == "certified":
        number = facts["empty"] + facts["positive"]
        return (
            f"Proved over {number} cells of leader policies and mean fields: {facts['empty']} hold no equilibrium, and "
            f"in the {facts['positive']} others the index of one would be +1, so that each leader has one equilibrium."
        )
    seen = f"{facts['cells']} cells of leader policies and mean fields"
    if facts["negative"]:
        return f"Among {seen} one holds equilibria of index -1; what follows is told by negative-index."
    if share == 0.0:
        step = facts["rounding_step"]
        return f"No proof: the roundings of the game's functions may make the best-response map jump by {step:.4g}."
    return (
        f"Not decided: after {seen}, {at_most(share):.4g} of all is left; the smallest cell left lies around the mean "
        f"field {_listed(facts['mean_field'])} and the leader policy {_rows(facts['leader_policy'])}."
    )


def _listed(numbers: Iterable[float]) -> str:
    return f"({', '.join(f'{number:.4g}' for number in numbers)})"


def _rows(policy: Iterable[Iterable[float]]) -> str:
    return " ".join(_listed(row) for row in policy)


def _negative_index(data: FindingData) -> str:
    facts, least = data.facts, data.constant
    if not facts["equilibria"]:
        return "No search arrived at an equilibrium."
    if data.verdict == "supported":
        return (
            f"At each of {facts['equilibria']} equilibria found the determinant is positive, {least:.4g} or more: none "
            "is of a kind that must have others beside it."
        )
    there = f"A leader has an equilibrium with the determinant {least:.4g}"
    if data.verdict == "refuted":
        surely = "two others" if facts["entries"] == 2 else "one other, and two where none is degenerate or at a kink"
        return (
            f"{there}, of index -1, proved over a cell of width {facts['width']:.2g} around it: there are at least "
            f"{surely}; {facts['others']} of them were found."
        )
    why = f": {facts['reason']}" if facts["reason"] else ": no cell around it tells"
    return f"{there}, but that its index is -1 is not proved{why}."


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


def _laws(data: FindingData) -> str:
    if data.facts["stationary"]:
        return "stationary laws of state and action under one leader"
    return "laws of state and action (of all, since the transition may depend on the mean field)"


def _follows(data: FindingData) -> str:
    """What a reward alone says about uniqueness: nothing, for one reason or two."""
    if data.facts["stationary"]:
        return "(for discounting followers it decides nothing about uniqueness)"
    return "(where the transition may depend on the mean field a reward alone proves nothing about uniqueness)"


def _occupation(data: FindingData) -> str:
    facts = data.facts
    if facts["case"] == "constant-reward":
        return f"Monotone on occupation measures, since the reward does not depend on the mean field {_follows(data)}."
    if data.verdict == "certified":
        if facts["strength"] > 0.0:
            rate = f"by at least {at_least(facts['strength']):.4g} times the squared distance of their mean fields"
            text = f"Proved strongly monotone: between any two {_laws(data)} crowding costs, {rate}"
        else:
            text = f"Proved monotone: between any two {_laws(data)} crowding never pays"
        rounded = (
            f", up to {at_most(facts['slack']):.2g} of that of the laws by rounding" if facts["slack"] > 0.0 else ""
        )
        return f"{text}{rounded} {_follows(data)}."
    if data.verdict == "refuted":
        text = f"Not monotone: between two {_laws(data)} crowding pays, with quotient {data.constant:.4g}"
        return f"{text} {_follows(data)}."
    if data.verdict == "supported":
        return (
            f"Nowhere did crowding pay among {_laws(data)}, looked at for {facts['leaders']} leaders; the largest "
            f"quotient was {data.constant:.4g}, and nothing is proved: {_OBSTACLES[facts['case']]} {_follows(data)}."
        )
    return f"Neither proved nor refuted: {_OBSTACLES[facts['case']]} {_follows(data)}."


_OBSTACLES = {
    "pure": "the form is positive by more than rounding for a leader, or no two laws there differ enough to show it",
    "joint": "the leader moves the followers, and laws that differ in its actions too are not monotone",
    "general": "the reward is not proved affine, and mean fields do not tell laws apart or the leader moves followers",
    "boxes": "the slopes enclosed over boxes of mean fields leave it open",
    "scales": "slopes of very different sizes, the roundings of the large ones hide what the small ones do",
    "zero": "the largest quotients are near zero, where enclosed slopes leave the sign open",
    "no-move": "no two laws of different mean fields were found under a leader looked at",
    "no-enclosure": "the reward cannot be enclosed",
    "too-large": "the game is too large for an eigenvalue problem over laws and leaders",
}


def _potential(data: FindingData) -> str:
    facts = data.facts
    if facts["constant_reward"]:
        return "A potential game, since the reward does not depend on the mean field."
    if data.verdict == "certified":
        rounded = f", up to roundings of {at_most(facts['bound']):.2g}" if facts["bound"] > 0.0 else ""
        return f"Proved a potential game: the slope of the reward is symmetric along {_laws(data)}{rounded}."
    if data.verdict == "refuted":
        return (
            f"No potential game: around four {_laws(data)} the reward does work, {data.constant:.4g} for each unit of "
            "area, which the slope of a function does not."
        )
    if data.verdict == "supported":
        return (
            f"The slope of the reward was symmetric along {_laws(data)} wherever looked at, for {facts['leaders']} "
            "leaders: a potential game as far as seen, and nothing is proved."
        )
    return f"Neither proved nor refuted that the reward has a potential on {_laws(data)}."


def _because(obstacle: Entries) -> str:
    if obstacle["case"] == "many-actions":
        return "; too many pure actions to look at each"
    if obstacle["case"] == "bound":
        return f"; the certified bound reached {at_most(obstacle['upper']):.4g} after {obstacle['boxes']} boxes"
    if obstacle["case"] == "no-enclosure":
        return f"; {obstacle['reason']}"
    return ", too near zero to tell"


_METHODS = {
    "contraction": "smallest proved l1 modulus of the map, of contraction/certified-bound and cell-bound",
    "one-sided": "D Gamma enclosed over cells, see one-sided-contraction/certified-rate, in the Euclidean norm",
    "contraction-on-laws": "bounds of the differences between states, over pieces of the leaders and all their laws",
    "index": (
        "sign of det(I - D Gamma) on tangents over cells, halved until no fixed point or a positive sign is proved"
    ),
    "negative-index": "det(I - D Gamma) on tangents at the equilibria of multi-start, and D Gamma enclosed around one",
    "multi-start": "Newton's method from uniform, extreme and random mean fields, for the uniform and random leaders",
    "temperature-path": (
        "pseudo-arclength continuation of the uniform leader's equilibrium from a hot temperature to the game's"
    ),
    "monotonicity": (
        "largest eigenvalue of the symmetric slopes on tangents, pure actions; slopes enclosed if not affine"
    ),
    "occupation-monotonicity": (
        "eigenvalues of the symmetric slope on the kernel of the flow equations, verified with roundings; pairs of "
        "laws evaluated"
    ),
    "potential": "skew part of the slope on the kernel of the flow equations, with roundings; work around four laws",
}
_MEANINGS = {
    "contraction": _contraction,
    "one-sided": _one_sided,
    "contraction-on-laws": _on_laws,
    "index": _index,
    "negative-index": _negative_index,
    "multi-start": _multi_start,
    "temperature-path": _temperature_path,
    "monotonicity": _monotonicity,
    "occupation-monotonicity": _occupation,
    "potential": _potential,
}
_OF_LAWS = {"occupation-monotonicity", "potential"}
UNIQUENESS = {
    statement: Renderings(
        meaning=unless_not_applicable(meaning, _SINGLE_LAW if statement in _OF_LAWS else _SINGLE_ENTRY),
        method=unless_not_applicable(always(_METHODS[statement]), "number of entries of the mean field"),
    )
    for statement, meaning in _MEANINGS.items()
}
