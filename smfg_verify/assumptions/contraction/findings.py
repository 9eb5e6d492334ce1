r"""Contraction of the best-response map $\Gamma_\phi$: proved bound, measured modulus, local criteria."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.at_witness import at_witness
from smfg_verify.assumptions.contraction.measured_modulus import WorstModulus, find_modulus, secant_modulus
from smfg_verify.assumptions.contraction.near_equilibria import (
    PROPERTY,
    local_points,
    radius_finding,
    radius_of,
    scheme_finding,
    scheme_of,
    weighted_finding,
    weighted_of,
)
from smfg_verify.assumptions.contraction.proved_bounds import (
    BOUNDS,
    USED,
    BoundInputs,
    inputs_from,
    inputs_of,
    rounding_step,
    smaller_bound,
    witness_of,
)
from smfg_verify.assumptions.contraction.temperature_sweep import (
    COLDEST,
    HOTTEST,
    smallest_by_bound,
    sweep_temperatures,
)
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable
from smfg_verify.assumptions.properties import register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.response_jacobian import field_size, tangent_norms
from smfg_verify.game import AbstractGame

STATEMENTS = (
    "certified-bound",
    "modulus",
    "spectral-radius",
    "weighted-norm",
    "softmax-scheme",
    "smallest-temperature",
)


def _modulus_of(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    return float(tangent_norms(at_witness(game, witness, solve=False).response)[0])


RECOMPUTE = {
    "certified-bound": lambda game, witness: smaller_bound(inputs_from(game, witness), float(game.temperature)),
    "modulus": _modulus_of,
    "spectral-radius": radius_of,
    "weighted-norm": weighted_of,
    "softmax-scheme": scheme_of,
    "smallest-temperature": lambda game, witness: smallest_by_bound(inputs_from(game, witness)),
}


@register_property(
    PROPERTY,
    recompute=RECOMPUTE,
    sufficient=("certified-bound",),
    aside=("spectral-radius", "weighted-norm", "softmax-scheme", "smallest-temperature"),
)
def check_contraction(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Whether $\|\Gamma_\phi(m) - \Gamma_\phi(m')\|_1 \le c \|m - m'\|_1$ with c < 1, for every leader policy phi.

    A proved bound below 1 certifies it; a leader and a mean field with tangent norm of $D\Gamma_\phi$ at least 1 refute
    it. The other statements look at single equilibria, and at the temperatures from which on each criterion holds.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        One finding for each of `STATEMENTS`.

    Source: contraction of the best-response map, as assumed by analyses of learning in mean field games; bounds in
    `contraction_bounds`.
    """
    if field_size(game) == 1:
        return [_not_applicable(statement) for statement in STATEMENTS]
    constants = game_constants(game, settings)
    inputs = inputs_of(game, constants)
    worst = find_modulus(game, settings)
    points = local_points(game, settings)
    return [
        cut_short(certified_finding(game, inputs, constants.reason), constants.cut, *USED),
        _modulus_finding(game, worst),
        radius_finding(points, settings),
        weighted_finding(points),
        scheme_finding(points),
        cut_short(_temperature_finding(game, settings, inputs, worst), constants.cut, *USED),
    ]


def _not_applicable(statement: str) -> Finding:
    why = "the mean field has a single entry, so there is only one"
    return not_applicable(PROPERTY, statement, method="number of entries of the mean field", why=why)


def certified_finding(game: AbstractGame, inputs: BoundInputs, reason: str) -> Finding:
    """The proved bound, certified where it is below 1."""
    bounds = {name: bound(inputs, float(game.temperature)) for name, bound in BOUNDS.items()}
    constant = smaller_bound(inputs, float(game.temperature))
    certified = constant < 1.0 - CLEARLY_BELOW_ONE
    return Finding(
        property=PROPERTY,
        statement="certified-bound",
        verdict=Verdict.CERTIFIED if certified else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        method="smaller of two bounds: mixing factor times change of the rows, action values in sup norm or in span",
        meaning=_bound_meaning(inputs, constant, rounding_step(inputs, float(game.temperature)), reason),
        witness=witness_of(inputs),
        searched={"reason": reason},
        details={"bounds": bounds},
    )


def _bound_meaning(inputs: BoundInputs, constant: float, step: float, reason: str) -> str:
    if inputs.constant_map and np.isfinite(constant):
        return "Nothing the followers face depends on the mean field, so the best-response map is constant."
    if constant < 1.0 - CLEARLY_BELOW_ONE:
        return f"Proved: the best-response map contracts in l1 by {constant:.4g} or better, for every softmax leader."
    if np.isfinite(constant):
        return f"The proved bound is {constant:.4g}, not below 1: it decides nothing, since it is conservative."
    if not np.isfinite(inputs.mixing_factor):
        return "No finite bound: some followers' policies may never mix, as far as the certified constants tell."
    if not reason and np.isfinite(inputs.transition_lipschitz) and np.isfinite(inputs.follower_lipschitz):
        return f"No bound: the roundings of the game's functions may make the best-response map jump by {step:.4g}."
    why = reason or "the enclosure of a slope is unbounded, as at a jump or an infinite slope"
    return f"No finite bound: a constant of the game is not proved ({why})."


def _modulus_finding(game: AbstractGame, worst: WorstModulus) -> Finding:
    known = np.isfinite(worst.value)
    secant = secant_modulus(game, worst.logits, worst.mean_field) if known else float("nan")
    if not known:
        verdict = Verdict.INCONCLUSIVE
    elif worst.value < 1.0:
        verdict = Verdict.INCONCLUSIVE if worst.searched["sample_nan"] else Verdict.SUPPORTED
    else:
        verdict = Verdict.REFUTED if secant >= 1.0 else Verdict.INCONCLUSIVE
    return Finding(
        property=PROPERTY,
        statement="modulus",
        verdict=verdict,
        constant=worst.value,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        method="random leaders and mean fields, then ascent of the tangent l1 norm of D Gamma in both",
        meaning=_modulus_meaning(verdict, worst.value),
        witness={"logits": worst.logits, "mean_field": worst.mean_field} if known else {},
        searched=worst.searched,
        details={"search_curve": worst.curve, "secant": secant},
    )


def _modulus_meaning(verdict: Verdict, value: float) -> str:
    if not np.isfinite(value):
        return "The best-response map had no value or no slope at any point looked at."
    if verdict is Verdict.INCONCLUSIVE and value < 1.0:
        return (
            f"The largest l1 modulus found is {value:.4g}, but at some points the map gave no number, as where a "
            "chain is reducible."
        )
    if verdict is Verdict.SUPPORTED:
        return (
            f"The largest l1 modulus of the best-response map found is {value:.4g}: no counter-example to contraction."
        )
    if verdict is Verdict.REFUTED:
        return (
            f"At one leader and mean field the best-response map stretches l1 distances by {value:.4g}, so it does not "
            "contract in l1; in another norm it still may."
        )
    return f"A slope of {value:.4g} was met that two nearby mean fields do not confirm, as at a kink: nothing follows."


def _temperature_finding(
    game: AbstractGame, settings: SearchSettings, inputs: BoundInputs, worst: WorstModulus
) -> Finding:
    constant = smallest_by_bound(inputs)
    sweep = sweep_temperatures(game, settings, inputs, worst.points)
    finite = np.isfinite(constant)
    within = f"between {COLDEST:g} and {HOTTEST:g}"
    # Both bounds fall as the temperature rises, so what holds on the grid holds between and beyond.
    proved = f"at {constant:.4g} and every hotter temperature" if finite else f"at no temperature {within}"
    smallest = sweep.smallest["modulus"]
    measured = f"from {smallest:.4g} on" if np.isfinite(smallest) else "at none"
    return Finding(
        property=PROPERTY,
        statement="smallest-temperature",
        verdict=Verdict.CERTIFIED if finite else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        method=f"from hot to cold on a grid, then bisection in log tau, {within}",
        meaning=(
            f"The proved bound is below 1 {proved}; the largest modulus searched for, on a grid of temperatures "
            f"{within}, {measured}; the game's own temperature is {float(game.temperature):.4g}."
        ),
        witness=witness_of(inputs),
        searched=sweep.searched,
        details={"smallest": dict(sweep.smallest), "sweep": dict(sweep.curves)},
    )
