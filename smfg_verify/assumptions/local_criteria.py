"""Contraction near equilibria: spectral radius, a weighted norm, and the criterion of iterated softmax schemes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from smfg_verify.assumptions import conic
from smfg_verify.assumptions._registry import SearchSettings
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.local_response import (
    LocalResponse,
    at_equilibria,
    at_witness,
    on_tangents,
    scheme_ratio,
    tangent_radius,
    tangent_spectrum,
    uniform_field,
)
from smfg_verify.assumptions.modulus import random_points
from smfg_verify.assumptions.weighted_norm import (
    LARGEST_SIZE,
    LYAPUNOV,
    WeightedNorm,
    find_weighted_norm,
    verified_modulus,
)
from smfg_verify.game import AbstractGame

PROPERTY = "contraction"
_MOST_LEADERS = 32
# Jacobians that one weighted norm is asked to serve at once.
_COMMON = 4
# What a verified modulus must stay below 1 by: the rounding of the Jacobian, of its equilibrium and of the check.
_ROUNDING = 1e-8


def local_points(game: AbstractGame, settings: SearchSettings) -> LocalResponse:
    """The map at the equilibria of the uniform leader, first, and of random leaders."""
    number = min(settings.num_leaders, _MOST_LEADERS)
    logits = random_points(game, number, settings)[0]
    logits[0] = 0.0
    return at_equilibria(game, logits, np.tile(uniform_field(game), (number, 1)))


def radius_of(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    """Spectral radius of D Gamma at a witness."""
    return tangent_radius(at_witness(game, witness, solve=True).response[0])


def scheme_of(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    """Ratio of the softmax scheme at a witness."""
    found = at_witness(game, witness, solve=True)
    return scheme_ratio(found.response[0], found.frozen[0])


def weighted_of(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    """Modulus in the witness's weighted norm."""
    found = at_witness(game, witness, solve=True)
    return verified_modulus(on_tangents(found.response[0])[None], witness["weight"])


def _witness(points: LocalResponse, k: int) -> dict[str, np.ndarray]:
    return {"logits": points.logits[k], "mean_field": points.mean_field[k]}


def _local_finding(
    statement: str, value: float, method: str, meaning: str, witness, searched: dict, details: dict
) -> Finding:
    known = np.isfinite(value)
    verdict = Verdict.INCONCLUSIVE if not known else Verdict.SUPPORTED if value < 1.0 else Verdict.REFUTED
    return Finding(
        property=PROPERTY,
        statement=statement,
        verdict=verdict,
        constant=value,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        method=method,
        meaning=meaning if known else "No equilibrium was found at which to look.",
        witness=witness if known else {},
        searched=searched,
        details=details,
    )


def radius_finding(points: LocalResponse, settings: SearchSettings) -> Finding:
    """Largest spectral radius of D Gamma over the equilibria."""
    radii = np.array([tangent_radius(jacobian) for jacobian in points.response])
    radii = np.where(points.converged, radii, np.nan)
    known = np.isfinite(radii).any()
    k = int(np.nanargmax(radii)) if known else 0
    value = float(radii[k])
    consequence = (
        "plain best-response iteration converges near each of them"
        if value < 1.0
        else "near that equilibrium the map contracts in no norm, and plain best-response iteration need not converge"
    )
    spectrum = tangent_spectrum(points.response[0])
    return _local_finding(
        "spectral-radius",
        value,
        "eigenvalues of D Gamma on tangents at the equilibria of the uniform leader and of random ones",
        f"The largest spectral radius of the best-response map at {int(np.isfinite(radii).sum())} equilibria is "
        f"{value:.4g}: {consequence}.",
        _witness(points, k),
        {"leaders": len(radii), "unconverged": int(np.sum(~points.converged)), "seed": settings.seed},
        {"radii": radii, "eigenvalues_real": spectrum.real, "eigenvalues_imag": spectrum.imag},
    )


def scheme_finding(points: LocalResponse) -> Finding:
    """The criterion of iterated softmax schemes at the uniform leader's equilibrium."""
    converged = bool(points.converged[0])
    ratio = scheme_ratio(points.response[0], points.frozen[0]) if converged else float("nan")
    outcome = "converges" if ratio < 1.0 else "need not converge"
    return _local_finding(
        "softmax-scheme",
        ratio,
        "spectral radius of the action value's slope in the softmax policy's logits, over tau",
        f"At the uniform leader's equilibrium the ratio is {ratio:.4g}: started nearby, the iterated softmax scheme "
        f"{outcome}.",
        _witness(points, 0),
        {"leaders": 1, "unconverged": int(not converged)},
        {"action_value_radius": ratio * points.temperature[0]},
    )


def weighted_finding(points: LocalResponse) -> Finding:
    """A weighted norm in which D Gamma contracts at the uniform leader's equilibrium, verified by eigenvalues."""
    if not points.converged[0]:
        return _weighted("No equilibrium of the uniform leader was found at which to look.", None, {}, {}, {})
    jacobians = np.array([on_tangents(jacobian) for jacobian in points.response])
    found = find_weighted_norm(jacobians[:1])
    chosen = np.flatnonzero(points.converged)[:_COMMON]
    details: dict[str, Any] = {"spectral_radius": tangent_radius(points.response[0])}
    if jacobians.shape[-1] <= LARGEST_SIZE:
        common = find_weighted_norm(jacobians[chosen], second_opinion=False)
        details |= {"common_leaders": len(chosen), "common_modulus": common.modulus}
    status = found.counts["statuses"]
    if not found.solved:
        meaning = f"No weighted norm passed its check ({status})."
    elif found.modulus < 1.0 - _ROUNDING:
        meaning = (
            f"At the uniform leader's equilibrium the best-response map contracts by {found.modulus:.4g} in a weighted "
            "norm, verified by eigenvalues: a local statement about that equilibrium only."
        )
    else:
        meaning = (
            f"The best weighted norm found has modulus {found.modulus:.4g} at the uniform leader's equilibrium "
            f"(solver: {status}): nothing follows."
        )
    witness = {**_witness(points, 0), "weight": found.weight} if found.solved else {}
    return _weighted(meaning, found, witness, found.counts, details)


def _weighted(meaning: str, found: WeightedNorm | None, witness: dict, searched: dict, details: dict) -> Finding:
    solved = found is not None and found.solved
    modulus = found.modulus if found is not None and solved else float("nan")
    program = found is None or LYAPUNOV not in found.statuses
    solver = f"semidefinite program by {conic.FIRST_SOLVER}" if program else LYAPUNOV
    return Finding(
        property=PROPERTY,
        statement="weighted-norm",
        verdict=Verdict.CERTIFIED if solved and modulus < 1.0 - _ROUNDING else Verdict.INCONCLUSIVE,
        constant=modulus,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        method=f"{solver} and bisection for the modulus; the weight verified in float64 by its whitened Jacobian",
        meaning=meaning,
        witness=witness,
        searched=searched,
        details=details,
    )
