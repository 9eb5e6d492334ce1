"""What the findings of one-sided contraction say."""

import math

from smfg_verify.assumptions.sentence import FindingData, Rendering, Renderings, always, unless_not_applicable
from smfg_verify.numerals import at_least, at_most

_SINGLE_ENTRY = "Not applicable: the mean field has a single entry, so there is only one."


def _certified_rate(data: FindingData) -> str:
    facts, rate = data.facts, data.constant
    over = f", over {facts['cells']} cells of leader policies and mean fields" if facts["by_cells"] else ""
    if facts.get("zone_cells"):
        over = f", over {facts['zone_cells']} cells of mean fields with all leaders at once"
    if data.verdict == "certified":
        return (
            f"Proved{over}: the best-response map less the identity contracts at rate {at_least(rate):.4g} or better "
            f"in {_norm(data)}, for every leader: one equilibrium, Lipschitz in the leader."
        )
    if facts["by_cells"] and rate > 0.0:
        step = facts["rounding_step"]
        return f"No proof: the roundings of the game's functions may make the best-response map jump by {step:.4g}."
    if facts["by_cells"] and math.isfinite(rate):
        return f"Not decided: the rate is at least {at_least(rate):.4g}{over}, which proves nothing; more cells may."
    why = f"by cells: {facts['reason']}" if facts["reason"] else "cells gave none"
    if math.isfinite(rate):
        return (
            f"The proved l1 modulus {at_most(facts['modulus']):.4g} gives no positive rate over {facts['entries']} "
            f"entries of the mean field, and decides nothing, since it is conservative; {why}."
        )
    return f"No bound of the rate: the l1 modulus of the best-response map has no finite bound; {why}."


def _norm(data: FindingData) -> str:
    return "the Euclidean norm" if data.facts["euclidean"] else "a weighted norm"


def _rate(data: FindingData) -> str:
    facts, rate = data.facts, data.constant
    if data.verdict == "refuted":
        pairs = "One pair" if facts["pairs"] == 1 else f"{facts['pairs']} pairs"
        verb = "leaves" if facts["pairs"] == 1 else "leave"
        return (
            f"{pairs} of mean fields {verb} no weighted norm a rate above {at_most(rate):.4g}: the best-response map "
            "is one-sided contractive in none."
        )
    if not math.isfinite(rate):
        return "The best-response map had no value or no slope at any point looked at."
    if not rate > 0.0:
        return f"No norm was found with a positive rate (best {rate:.4g}), and no proof that there is none."
    if data.verdict == "inconclusive":
        return (
            f"The smallest rate found in {_norm(data)} is {rate:.4g}, but at some points the map gave no number, as "
            "where a chain is reducible."
        )
    return (
        f"The smallest rate found in {_norm(data)} is {rate:.4g}: no counter-example. Were it the true one, each "
        f"leader would have one equilibrium, moving by at most about {facts['leader_slope']:.3g} times the leader's "
        f"policy, and steps of the mean field below {facts['largest_step']:.3g} would bring it nearer."
    )


def _euclidean(data: FindingData) -> str:
    rate = data.constant
    if not math.isfinite(rate):
        return "The best-response map had no value or no slope at any point looked at."
    if data.verdict == "refuted":
        return (
            f"At one leader and mean field the rate in the Euclidean norm is {rate:.4g}, as two mean fields there "
            "show: another norm may still have a positive one."
        )
    if data.verdict == "supported":
        return f"The smallest rate found in the Euclidean norm is {rate:.4g}."
    if rate > 0.0:
        return f"The smallest rate found in the Euclidean norm is {rate:.4g}, but at some points there was no number."
    return f"A rate of {rate:.4g} was met that two nearby mean fields do not confirm, as at a kink: nothing follows."


def _how_rate(data: FindingData) -> str:
    if data.facts["pairs"]:
        return (
            "multipliers of a semidefinite program, checked by secants of the best-response map and the eigenvalues of "
            "their sum"
        )
    return (
        "random leaders and mean fields, then ascent of the growth of D Gamma in both; weights by semidefinite "
        "programs over the worst points, each searched anew"
    )


def _renderings(meaning: Rendering, method: Rendering) -> Renderings:
    return Renderings(
        meaning=unless_not_applicable(meaning, _SINGLE_ENTRY),
        method=unless_not_applicable(method, "number of entries of the mean field"),
    )


ONE_SIDED = {
    "certified-rate": _renderings(
        _certified_rate,
        always(
            "D Gamma enclosed by second-order models over cells of leader policies and mean fields, or its proved l1 "
            "modulus"
        ),
    ),
    "rate": _renderings(_rate, _how_rate),
    "euclidean": _renderings(
        _euclidean,
        always("random leaders and mean fields, then ascent of the growth of D Gamma in both, beside a secant"),
    ),
}
