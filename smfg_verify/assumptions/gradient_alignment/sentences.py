"""What the findings of gradient alignment say."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from smfg_verify.assumptions.sentence import FindingData, Rendering, Renderings, always, unless_not_applicable
from smfg_verify.numerals import at_least
from smfg_verify.records.entries import Entries

_COUNTED = "number of the leader's actions"
_SINGLE_ACTION = "Not applicable: the leader has a single action, so both gradients are zero for every leader."


@dataclasses.dataclass(frozen=True)
class _ReadingWords:
    """How one reading of the direct gradient p is told.

    Attributes:
        suffix: of the names of its statements.
        says: what p is, the end of every sentence about it.
        within: the same inside a sentence.
        why_equal: what it takes for g = p.
    """

    suffix: str
    says: str
    within: str
    why_equal: str


_READINGS = {
    "follower-policy-and-mean-field-held": _ReadingWords(
        suffix="",
        says="Here p holds the follower's policy and the mean field, as AC-SMFG does.",
        within="with follower's policy and mean field held (the p that AC-SMFG follows)",
        why_equal="nothing the leader cares about depends on the followers",
    ),
    "mean-field-held": _ReadingWords(
        suffix="-field-held",
        says="Here p holds the mean field alone, and the follower's policy answers the leader.",
        within="with the mean field alone held",
        why_equal="nothing the leader cares about depends on the mean field, or on the followers at all",
    ),
}
_FORMULAS = {
    "cosine": ("smallest", "cos(g, p)"),
    "inner-product-constant": ("smallest", "<g, p> / ||g||^2"),
    "direct-constant": ("smallest", "<g, p> / ||p||^2"),
    "relative-error": ("largest", "||g - p|| / ||g||"),
    "norm-ratio": ("largest", "||p|| / ||g||"),
}


def _form(form: str, reading: _ReadingWords) -> Rendering:
    extreme, formula = _FORMULAS[form]

    def meaning(data: FindingData) -> str:
        if data.verdict == "certified":
            return f"{formula} = {data.constant:g} for every leader with a gradient: {reading.why_equal}."
        if data.facts["vanishes"]:
            return (
                "At a leader where the total gradient is not zero the direct one is, within its numerical error: no "
                f"step along it raises the leader's objective, and {formula} >= c fails there for every c > 0."
            )
        if math.isnan(data.constant):
            return f"{formula} could not be taken at any of {_unusable(data.facts)}."
        text = f"The {extreme} {formula} found{_where(data.facts)} is {data.constant:.4g}"
        return f"{text}{_consequence(form, data)}{_collinear(data.facts)}."

    return meaning


def _where(facts: Entries) -> str:
    """At how many of the leaders looked at, where none was searched for."""
    if "lost" not in facts:
        return ""
    if not facts["lost"]:
        return f" at {facts['leaders']} leaders"
    unconverged = f", {facts['unconverged']} without an equilibrium found" if facts["unconverged"] else ""
    return (
        f" at {facts['leaders'] - facts['lost']} of {facts['leaders']} leaders ({facts['lost']} gave none{unconverged})"
    )


def _unusable(facts: Entries) -> str:
    """How many points were looked at, and why none of them has a ratio."""
    lost = f"{facts['leaders']} leaders, {facts['unconverged']} of them without an equilibrium"
    return f"{lost}: {_why_masked(facts['masked'])}"


def _why_masked(masked: Sequence[str]) -> str:
    """Which of the norms that a form divides by was within its own error everywhere."""
    if not masked:
        return "at every leader searched one of the two gradients is within its own numerical error"
    return f"every {' and every '.join(masked)} gradient searched is within its own numerical error"


def _consequence(form: str, data: FindingData) -> str:
    if form in ("relative-error", "norm-ratio"):
        if data.verdict == "inconclusive":
            return ", which bounds nothing: the direct gradient is not zero where the total one is (zeros-of-total)"
        # A ratio is known to the share of its denominator's error: one that is 1 up to that is not below it.
        certain = form == "relative-error" and data.constant < 1.0 - 2.0 / data.facts["resolution"]
        return ": below one, so that the direct gradient ascends wherever looked" if certain else ""
    if data.verdict == "inconclusive" and data.facts.get("few", False):
        return ": too few to support anything"
    if data.verdict == "inconclusive":
        return ", but a leader at which the direct gradient does not ascend was met and did not repeat"
    if data.verdict == "refuted":
        return ": there a small step along the direct gradient lowers the leader's objective"
    if data.constant < 0.0:
        return ", a sign within its numerical error"
    return ": no leader was found at which the direct gradient points against the total one"


def _collinear(facts: Entries) -> str:
    if facts["one_parameter"]:
        return " (one-parameter leader: both gradients lie on one line, so the cosine is 1 or -1)"
    return ""


def _frontier(data: FindingData) -> str:
    if math.isnan(data.constant):
        return f"No frontier: it could not be taken at any of {_unusable(data.facts)}."
    if data.verdict == "certified":
        return "<g, p> = ||g||^2 for every leader: no slack is needed."
    if data.verdict == "refuted" and data.facts["vanishes"]:
        return "<g, p> >= c ||g||^2 - e fails without slack for every c > 0: at a leader p is zero and g is not."
    if data.verdict == "refuted":
        return f"<g, p> >= c ||g||^2 - e fails for every c >= 0 unless the slack e is at least {data.constant:.4g}."
    if data.verdict == "inconclusive":
        return "<g, p> >= c ||g||^2 failed at a leader for every c > 0, and did not where it was looked at again."
    return "<g, p> >= c ||g||^2 with some c > 0 needs no slack, beyond numerical errors, at any leader looked at."


def _zeros(of: str, other: str, refuted: Rendering) -> Rendering:
    def meaning(data: FindingData) -> str:
        facts = data.facts
        if data.verdict == "certified":
            return "Both gradients are equal for every leader, so they vanish together."
        if not facts["compared"]:
            if facts["gradients"]:
                return (
                    "No zero was reached: the flows ended before both stationarity measures were within the tolerance."
                )
            return "No zero to tell: at no random leader is a gradient a number above its own numerical error."
        if data.verdict == "refuted":
            return refuted(data)
        return (
            f"At the zeros of the {of} gradient that {facts['reached']} of {facts['flows']} flows reached the {other} "
            f"one is zero as far as can be told (largest policy-space gap {data.constant:.2g})."
        )

    return meaning


def _leaves_a_stationary_policy(data: FindingData) -> str:
    return (
        f"At a leader where the total gradient is zero the direct one is not (policy-space gap {data.constant:.4g}): "
        "following it leaves a stationary policy of the leader's true objective."
    )


def _stops_elsewhere(data: FindingData) -> str:
    return (
        f"Following the direct gradient stops at a leader policy with objective {data.facts['objective']:.4g} that is "
        f"not stationary (policy-space gap {data.constant:.4g}); the best leader seen has "
        f"{data.facts['best_objective']:.4g}."
    )


def _independence(data: FindingData) -> str:
    if "proofs" not in data.facts:
        return _SINGLE_ACTION
    deviation = data.facts["deviation"]
    if data.verdict == "inconclusive":
        return f"Independence is proved, yet g and p differ by {deviation:.2g} of g: the arithmetic cannot be trusted."
    if data.verdict == "certified":
        return (
            "Neither the leader's reward nor the transition depends on mean field or follower's action, so the direct "
            f"gradient is the total gradient (measured difference {deviation:.2g})."
        )
    culprits = " and ".join(name.replace("_", " ") for name, proof in data.facts["proofs"].items() if not proof)
    return f"No proof that g = p: the {culprits} may depend on the mean field or on the follower's action."


_PROOFS = {
    "": "probes at 8 mean fields",
    "structure": "no equation leads from mean field or follower's action to it",
    "table": (
        "no equation leads from the mean field to it, and its whole table is the same for every follower's action"
    ),
}


def _how_independent(data: FindingData) -> str:
    if "proofs" not in data.facts:
        return _COUNTED
    return "; ".join(f"{name}: {_PROOFS[proof]}" for name, proof in data.facts["proofs"].items())


def _hull(data: FindingData) -> str:
    facts, constant = data.facts, data.constant
    if facts["case"] == "no-gradient":
        return "No hull: no total gradient looked at is a number well above its own numerical error."
    if facts["case"] == "no-solution":
        return f"No constant was found for the hull of the sampled gradients: the solver ended {facts['status']!r}."
    if not math.isfinite(constant):
        return "The solver's constant for the hull of the sampled gradients did not survive its verification."
    text = (
        f"<g, p> >= {at_least(constant):.4g} ||g||^2, less {facts['slack']:g} where each g has length 1, at "
        "every convex "
        f"combination of {facts['samples']} sampled pairs (g, p)"
    )
    if constant > 0.0:
        return f"{text}; about other leaders it says nothing."
    return f"{text}: no alignment of the combinations follows from it, and it refutes none."


_AT = "at one equilibrium of each leader (unique nearby; others are not excluded)"


def _certified_box(data: FindingData) -> str:
    facts, constant = data.facts, data.constant
    if data.verdict == "not-applicable":
        return f"Not applicable: {_no_cover(facts)}." if "why" in facts else _SINGLE_ACTION
    shares = f"{_shares(facts)}, {_AT}"
    if data.verdict == "refuted":
        return f"{shares}; in the middle of the box with the most negative bound cos(g, p) = {constant:.4g}."
    if data.verdict == "certified" and facts["all_positive"]:
        return (
            f"For every leader {_leaders(facts)} the direct gradient points with the total one, {_AT}: "
            f"<g, p> >= {at_least(constant):.4g}."
        )
    if data.verdict == "certified":
        return (
            f"{shares}; for the rest both gradients are below {facts['negligible']:g} of the largest entry met. "
            f"For all of them <g, p> >= {at_least(constant):.4g}."
        )
    if not math.isfinite(constant):
        return (
            f"{shares}; for {facts['unverified_share']:.2%} no equilibrium could be enclosed within the budget, so "
            "there is no bound for all."
        )
    return f"{shares}; for all of them only <g, p> >= {at_least(constant):.4g} is proved."


def _no_cover(facts: Entries) -> str:
    if facts["why"] == "single-action":
        return "the leader has a single action"
    if facts["why"] == "free-parameters":
        return f"the leader has {facts['free']} free parameters, at most {facts['largest']} can be covered"
    if facts["why"] == "no-enclosure":
        return "a function is curved in the mean field and has no enclosure"
    return f"what the followers face is not known over boxes of mean fields: {facts['reason']}"


def _leaders(facts: Entries) -> str:
    """The set that is covered."""
    return f"with log-probabilities at most {facts['log_ratio']:g} apart at each observation"


def _shares(facts: Entries) -> str:
    return (
        f"<g, p> > 0 is proved for {facts['positive_share']:.2%} of the leaders {_leaders(facts)} (by volume of "
        f"logits), < 0 for {facts['negative_share']:.2%}"
    )


def _how_box(data: FindingData) -> str:
    if data.verdict != "not-applicable":
        return "branch and bound over logits with Krawczyk's operator and interval adjoints"
    return "structure of the game" if "why" in data.facts else _COUNTED


def _readings(data: FindingData) -> str:
    return f"{_answer(data.facts['verdicts'])} The constant is that of {data.facts['statement']}."


def _answer(verdicts: Mapping[str, str]) -> str:
    failing = [reading for reading, verdict in verdicts.items() if verdict == "refuted"]
    if len(failing) == len(verdicts):
        return "Alignment fails in both readings of the direct gradient."
    if failing:
        (other,) = set(verdicts) - set(failing)
        return (
            f"Alignment fails in one reading only: it is refuted {_READINGS[failing[0]].within}, and "
            f"{verdicts[other]} {_READINGS[other].within}."
        )
    if all(verdict in ("supported", "certified") for verdict in verdicts.values()):
        lead = "Aligned in both readings"
    else:
        lead = "Refuted in neither reading"
    listed = "; ".join(f"{verdict} {_READINGS[reading].within}" for reading, verdict in verdicts.items())
    return f"{lead}: {listed}."


def _how_searched(data: FindingData) -> str:
    proved = data.facts["proved"]
    if data.facts.get("sampled"):
        return "leaders drawn at random and those of a run, none searched for"
    return "structure of the game" if proved else "random leaders, worst-case search, rest points"


def _renderings(meaning: Rendering, method: Rendering, reading: _ReadingWords | None) -> Renderings:
    return Renderings(
        meaning=unless_not_applicable(meaning, _SINGLE_ACTION),
        method=unless_not_applicable(method, _COUNTED),
        closing="" if reading is None else reading.says,
    )


def _of_reading(reading: _ReadingWords) -> dict[str, Renderings]:
    """The statements that each reading has."""
    meanings = {
        **{form: _form(form, reading) for form in _FORMULAS},
        "frontier": _frontier,
        "zeros-of-total": _zeros("total", "direct", _leaves_a_stationary_policy),
        "zeros-of-direct": _zeros("direct", "total", _stops_elsewhere),
    }
    return {
        f"{statement}{reading.suffix}": _renderings(meaning, _how_searched, reading)
        for statement, meaning in meanings.items()
    }


_HELD, _ANSWERED = _READINGS.values()
GRADIENT_ALIGNMENT = {
    **_of_reading(_HELD),
    "independence": Renderings(meaning=_independence, method=_how_independent, closing=_HELD.says),
    "hull": _renderings(_hull, always("semidefinite program over sampled gradients, verified by eigenvalues"), _HELD),
    "certified-box": Renderings(meaning=_certified_box, method=_how_box, closing=_HELD.says),
    **_of_reading(_ANSWERED),
    "readings": _renderings(_readings, always("the least favourable statement of each reading"), None),
}
