"""What the findings of the contraction of the best-response map say."""

import math

from smfg_verify.assumptions.sentence import FindingData, Rendering, Renderings, always, unless_not_applicable
from smfg_verify.numerals import at_most

_SINGLE_ENTRY = "Not applicable: the mean field has a single entry, so there is only one."


def _certified_bound(data: FindingData) -> str:
    facts, constant = data.facts, data.constant
    if facts["constant_map"] and math.isfinite(constant):
        return "Nothing the followers face depends on the mean field, so the best-response map is constant."
    if data.verdict == "certified":
        return (
            f"Proved: the best-response map contracts in l1 by {at_most(constant):.4g} or better, for every "
            "softmax leader."
        )
    if math.isfinite(constant):
        return (
            f"The proved bound is {at_most(constant):.4g}, not below 1: it decides nothing, since it is conservative."
        )
    if not math.isfinite(facts["mixing_factor"]):
        return "No finite bound: some followers' policies may never mix, as far as the certified constants tell."
    if not facts["reason"] and facts["slopes_bounded"]:
        step = facts["rounding_step"]
        return f"No bound: the roundings of the game's functions may make the best-response map jump by {step:.4g}."
    why = facts["reason"] or "the enclosure of a slope is unbounded, as at a jump or an infinite slope"
    return f"No finite bound: a constant of the game is not proved ({why})."


def _cell_bound(data: FindingData) -> str:
    facts, constant = data.facts, data.constant
    if facts["reason"] and not facts.get("by_zones"):
        return f"No bound by cells: {facts['reason']}."
    over = f"over {facts['cells']} cells of leader policies and mean fields"
    if facts.get("by_zones"):
        over = f"over {facts['zone_cells']} cells of mean fields with all leaders at once"
    if data.verdict == "certified":
        return f"Proved {over}: the best-response map contracts in l1 by {at_most(constant):.4g} or better."
    if not math.isfinite(constant):
        return f"No finite bound {over}: more of them may give one."
    if constant < 1.0:
        step = facts["rounding_step"]
        return f"No proof: the roundings of the game's functions may make the best-response map jump by {step:.4g}."
    return f"The l1 modulus is at most {at_most(constant):.4g}, proved {over}, not below 1: it decides nothing."


def _modulus(data: FindingData) -> str:
    value = data.constant
    if not math.isfinite(value):
        return "The best-response map had no value or no slope at any point looked at."
    if data.verdict == "inconclusive" and value < 1.0:
        return (
            f"The largest l1 modulus found is {value:.4g}, but at some points the map gave no number, as where a "
            "chain is reducible."
        )
    if data.verdict == "supported":
        return (
            f"The largest l1 modulus of the best-response map found is {value:.4g}: no counter-example to contraction."
        )
    if data.verdict == "refuted":
        return (
            f"At one leader and mean field the best-response map stretches l1 distances by {value:.4g}, so it does not "
            "contract in l1; in another norm it still may."
        )
    return f"A slope of {value:.4g} was met that two nearby mean fields do not confirm, as at a kink: nothing follows."


def _no_place(data: FindingData) -> str:
    if data.facts["converged"]:
        return "The best-response map is not differentiable, as differences of it show, at any equilibrium found."
    return "No equilibrium was found at which to look."


def _consequence(data: FindingData, below: str, above: str) -> str:
    """What follows of a criterion, above 1 only where differences of the map confirm it: there it is refuted."""
    if data.constant < 1.0:
        return below
    secant = data.facts["secant"]
    return above if data.verdict == "refuted" else f"differences of the map give {secant:.6g}: nothing follows"


def _spectral_radius(data: FindingData) -> str:
    if not math.isfinite(data.constant):
        return _no_place(data)
    consequence = _consequence(
        data,
        "plain best-response iteration converges near each of them",
        "near that equilibrium the map contracts in no norm, and plain best-response iteration need not converge",
    )
    return (
        f"The largest spectral radius of the best-response map at {data.facts['equilibria']} equilibria is "
        f"{data.constant:.4g}: {consequence}."
    )


def _softmax_scheme(data: FindingData) -> str:
    if not math.isfinite(data.constant):
        return _no_place(data)
    consequence = _consequence(
        data,
        "started nearby, the iterated softmax scheme converges",
        "started nearby, the iterated softmax scheme need not converge",
    )
    return f"At the uniform leader's equilibrium the ratio is {data.constant:.4g}: {consequence}."


def _weighted_norm(data: FindingData) -> str:
    facts, modulus = data.facts, data.constant
    if "status" not in facts:
        return _no_place(data)
    if not facts["solved"]:
        return f"No weighted norm passed its check ({facts['status']})."
    if data.verdict == "certified":
        return (
            f"At the uniform leader's equilibrium the best-response map contracts by {at_most(modulus):.4g} "
            "in a weighted "
            "norm, verified by eigenvalues: a local statement about that equilibrium only."
        )
    if facts["below_one"]:
        return (
            f"A weighted norm has modulus {modulus:.4g} by the Jacobian at the uniform leader's equilibrium and "
            f"{facts['secant']:.4g} by differences of the map: nothing follows."
        )
    return (
        f"The best weighted norm found has modulus {modulus:.4g} at the uniform leader's equilibrium "
        f"(solver: {facts['status']}): nothing follows."
    )


def _how_weighted(data: FindingData) -> str:
    solver = data.facts["solver"]
    found_by = f"semidefinite program by {solver}" if data.facts["semidefinite"] else solver
    return (
        f"{found_by} and bisection for the modulus; the weight verified in float64 by its whitened Jacobian, "
        "and by that of differences of Gamma"
    )


def _within(data: FindingData) -> str:
    return f"between {data.facts['coldest']:g} and {data.facts['hottest']:g}"


def _smallest_temperature(data: FindingData) -> str:
    facts, constant, within = data.facts, data.constant, _within(data)
    finite = math.isfinite(constant)
    # Both bounds fall as the temperature rises, so what holds on the grid holds between and beyond.
    proved = f"at {at_most(constant):.4g} and every hotter temperature" if finite else f"at no temperature {within}"
    smallest = facts["smallest_by_search"]
    measured = f"from {smallest:.4g} on" if math.isfinite(smallest) else "at none"
    return (
        f"The proved bound is below 1 {proved}; the largest modulus searched for, on a grid of temperatures "
        f"{within}, {measured}; the game's own temperature is {facts['temperature']:.4g}."
    )


def _how_smallest_temperature(data: FindingData) -> str:
    return f"from hot to cold on a grid, then bisection in log tau, {_within(data)}"


def _renderings(meaning: Rendering, method: Rendering) -> Renderings:
    return Renderings(
        meaning=unless_not_applicable(meaning, _SINGLE_ENTRY),
        method=unless_not_applicable(method, "number of entries of the mean field"),
    )


CONTRACTION = {
    "certified-bound": _renderings(
        _certified_bound,
        always("smaller of two bounds: mixing factor times change of the rows, action values in sup norm or in span"),
    ),
    "cell-bound": _renderings(
        _cell_bound,
        always(
            "D Gamma enclosed by second-order models over cells of leader policies and mean fields, or by differences "
            "between states over cells of mean fields"
        ),
    ),
    "modulus": _renderings(
        _modulus, always("random leaders and mean fields, then ascent of the tangent l1 norm of D Gamma in both")
    ),
    "spectral-radius": _renderings(
        _spectral_radius,
        always(
            "eigenvalues of D Gamma on tangents at the equilibria of the uniform leader and of random ones, beside "
            "differences of Gamma"
        ),
    ),
    "weighted-norm": _renderings(_weighted_norm, _how_weighted),
    "softmax-scheme": _renderings(
        _softmax_scheme,
        always(
            "spectral radius of the action value's slope in the softmax policy's logits, over tau, beside differences "
            "of Gamma and of the stationary law"
        ),
    ),
    "smallest-temperature": _renderings(_smallest_temperature, _how_smallest_temperature),
}
