r"""Contraction of the best-response map $\Gamma_\phi$: proved bound, measured modulus, local criteria."""

import numpy as np

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.at_witness import at_witness
from smfg_verify.assumptions.contraction.measured_modulus import WorstModulus, find_modulus, secant_modulus
from smfg_verify.assumptions.contraction.modulus_by_cells import cell_finding, cell_modulus_of
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
from smfg_verify.assumptions.contraction.sentences import CONTRACTION
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
from smfg_verify.records.entries import Entries

STATEMENTS = (
    "certified-bound",
    "cell-bound",
    "modulus",
    "spectral-radius",
    "weighted-norm",
    "softmax-scheme",
    "smallest-temperature",
)


def _modulus_of(game: AbstractGame, witness: Entries) -> float:
    return float(tangent_norms(at_witness(game, witness, solve=False).response)[0])


RECOMPUTE = {
    "certified-bound": lambda game, witness: smaller_bound(inputs_from(game, witness), float(game.temperature)),
    "cell-bound": cell_modulus_of,
    "modulus": _modulus_of,
    "spectral-radius": radius_of,
    "weighted-norm": weighted_of,
    "softmax-scheme": scheme_of,
    "smallest-temperature": lambda game, witness: smallest_by_bound(inputs_from(game, witness)),
}


@register_property(
    PROPERTY,
    recompute=RECOMPUTE,
    renderings=CONTRACTION,
    sufficient=("certified-bound", "cell-bound"),
    aside=("spectral-radius", "weighted-norm", "softmax-scheme", "smallest-temperature"),
)
def check_contraction(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Whether $\|\Gamma_\phi(m) - \Gamma_\phi(m')\|_1 \le c \|m - m'\|_1$ with c < 1, for every leader policy phi.

    One of two proved bounds below 1 certifies it; a leader and a mean field with tangent norm of $D\Gamma_\phi$ at
    least 1 refute it. The other statements look at single equilibria, and at the temperatures from which on each
    criterion holds.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        One finding for each of `STATEMENTS`.

    Source: contraction of the best-response map, as assumed by analyses of learning in mean field games; bounds in
    `proved_bounds`.
    """
    if field_size(game) == 1:
        return [not_applicable(PROPERTY, statement) for statement in STATEMENTS]
    constants = game_constants(game, settings)
    inputs = inputs_of(game, constants)
    worst = find_modulus(game, settings)
    points = local_points(game, settings)
    return [
        cut_short(certified_finding(game, inputs, constants.reason), constants.cut, *USED),
        cut_short(cell_finding(game, inputs, settings.num_boxes), constants.cut, *USED),
        _modulus_finding(game, worst),
        radius_finding(points, settings),
        weighted_finding(points),
        scheme_finding(points),
        cut_short(_temperature_finding(game, settings, inputs, worst), constants.cut, *USED),
    ]


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
        facts={
            "constant_map": bool(inputs.constant_map),
            "mixing_factor": float(inputs.mixing_factor),
            "slopes_bounded": bool(np.isfinite(inputs.transition_lipschitz) and np.isfinite(inputs.follower_lipschitz)),
            "rounding_step": float(rounding_step(inputs, float(game.temperature))),
            "reason": reason,
        },
        witness=witness_of(inputs),
        searched={"reason": reason},
        details={"bounds": bounds},
    )


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
        witness={"logits": worst.logits, "mean_field": worst.mean_field} if known else {},
        searched=worst.searched,
        details={"search_curve": worst.curve, "secant": secant},
    )


def _temperature_finding(
    game: AbstractGame, settings: SearchSettings, inputs: BoundInputs, worst: WorstModulus
) -> Finding:
    constant = smallest_by_bound(inputs)
    sweep = sweep_temperatures(game, settings, inputs, worst.points)
    return Finding(
        property=PROPERTY,
        statement="smallest-temperature",
        verdict=Verdict.CERTIFIED if np.isfinite(constant) else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts={
            "coldest": float(COLDEST),
            "hottest": float(HOTTEST),
            "smallest_by_search": float(sweep.smallest["modulus"]),
            "temperature": float(game.temperature),
        },
        witness=witness_of(inputs),
        searched=sweep.searched,
        details={"smallest": dict(sweep.smallest), "sweep": dict(sweep.curves)},
    )
