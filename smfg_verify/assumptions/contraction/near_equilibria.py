"""Contraction near equilibria: spectral radius, a weighted norm, and the criterion of iterated softmax schemes."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from smfg_verify import conic
from smfg_verify.assumptions.contraction.at_witness import at_witness
from smfg_verify.assumptions.contraction.measured_modulus import random_points
from smfg_verify.assumptions.contraction.secants import (
    confirmed_above,
    confirmed_below,
    differentiable,
    secant_jacobians,
    spectral_radius,
)
from smfg_verify.assumptions.contraction.weighted_norm import (
    LARGEST_SIZE,
    LYAPUNOV,
    WeightedNorm,
    find_weighted_norm,
    verified_modulus,
)
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.response_jacobian import (
    LocalResponse,
    at_equilibria,
    on_tangents,
    scheme_ratio,
    tangent_basis,
    tangent_radius,
    tangent_spectrum,
    uniform_field,
)
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries

PROPERTY = "contraction"
_MOST_LEADERS = 32
# Jacobians that one weighted norm is asked to serve at once.
_COMMON = 4
# What a verified modulus must stay below 1 by: the rounding of the Jacobian, of its equilibrium and of the check.
_ROUNDING = 1e-8


class LocalPoints(NamedTuple):
    """Equilibria with the Jacobians of the map there, and what differences of the map say of these.

    Attributes:
        game: the game, traced.
        response: Jacobians and all that is known at each equilibrium.
        agrees: whether the Jacobian at an equilibrium agrees with one-sided differences, (N,).
    """

    game: AbstractGame
    response: LocalResponse
    agrees: Bool[np.ndarray, " N"]

    @property
    def counts(self) -> dict[str, int]:
        """How many points say nothing, and why, for `Finding.searched`."""
        converged = self.response.converged
        return {
            "leaders": len(converged),
            "unconverged": int(np.sum(~converged)),
            "not_differentiable": int(np.sum(converged & ~self.agrees)),
        }


def local_points(game: AbstractGame, settings: SearchSettings) -> LocalPoints:
    """The map at the equilibria of the uniform leader, first, and of random leaders."""
    number = min(settings.num_leaders, _MOST_LEADERS)
    logits = random_points(game, number, settings)[0]
    logits[0] = 0.0
    found = at_equilibria(game, logits, np.tile(uniform_field(game), (number, 1)))
    return LocalPoints(game, found, differentiable(game, found))


def radius_of(game: AbstractGame, witness: Entries) -> float:
    """Spectral radius of D Gamma at a witness."""
    return tangent_radius(at_witness(game, witness, solve=True).response[0])


def scheme_of(game: AbstractGame, witness: Entries) -> float:
    """Ratio of the softmax scheme at a witness."""
    found = at_witness(game, witness, solve=True)
    return scheme_ratio(found.response[0], found.frozen[0])


def weighted_of(game: AbstractGame, witness: Entries) -> float:
    """Modulus in the witness's weighted norm."""
    found = at_witness(game, witness, solve=True)
    return verified_modulus(on_tangents(found.response[0])[None], witness["weight"])


def _witness(points: LocalResponse, k: int) -> dict[str, np.ndarray]:
    return {"logits": points.logits[k], "mean_field": points.mean_field[k]}


def _local_finding(
    statement: str,
    value: float,
    secant: float,
    points: LocalPoints,
    k: int,
    details: Entries,
) -> Finding:
    """Of a criterion that holds below 1; at 1 and above it is refuted where a secant of the map itself says so."""
    known = np.isfinite(value)
    if not known:
        verdict = Verdict.INCONCLUSIVE
    elif value < 1.0:
        verdict = Verdict.SUPPORTED
    else:
        verdict = Verdict.REFUTED if confirmed_above(value, secant) else Verdict.INCONCLUSIVE
    return Finding(
        property=PROPERTY,
        statement=statement,
        verdict=verdict,
        constant=value,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        facts={
            "equilibria": int(np.sum(points.agrees)),
            "converged": bool(np.any(points.response.converged)),
            "secant": secant,
        },
        witness=_witness(points.response, k) if known else {},
        searched=points.counts,
        details={**details, "secant": secant},
    )


def radius_finding(points: LocalPoints, settings: SearchSettings) -> Finding:
    """Largest spectral radius of D Gamma over the equilibria at which differences of the map agree with it."""
    found = points.response
    radii = np.array([tangent_radius(jacobian) for jacobian in found.response])
    radii = np.where(points.agrees, radii, np.nan)
    known = np.isfinite(radii).any()
    k = int(np.nanargmax(radii)) if known else 0
    value, secant = float(radii[k]), float("nan")
    if value >= 1.0:
        secant = spectral_radius(secant_jacobians(points.game, found, k).response)
    spectrum = tangent_spectrum(found.response[0])
    finding = _local_finding(
        "spectral-radius",
        value,
        secant,
        points,
        k,
        {"radii": radii, "eigenvalues_real": spectrum.real, "eigenvalues_imag": spectrum.imag},
    )
    return dataclasses.replace(finding, searched={**finding.searched, "seed": settings.seed})


def scheme_finding(points: LocalPoints) -> Finding:
    """The criterion of iterated softmax schemes at the uniform leader's equilibrium."""
    found, ratio, secant = points.response, float("nan"), float("nan")
    if points.agrees[0]:
        ratio = scheme_ratio(found.response[0], found.frozen[0])
    if ratio >= 1.0:
        basis = tangent_basis(found.mean_field.shape[1])
        secants = (basis @ matrix @ basis.T for matrix in secant_jacobians(points.game, found, 0))
        secant = scheme_ratio(*secants)
    first = points._replace(response=LocalResponse(*(leaf[:1] for leaf in found)), agrees=points.agrees[:1])
    return _local_finding(
        "softmax-scheme",
        ratio,
        secant,
        first,
        0,
        {"action_value_radius": ratio * found.temperature[0]},
    )


def weighted_finding(points: LocalPoints) -> Finding:
    """A weighted norm in which D Gamma contracts at the uniform leader's equilibrium, verified by eigenvalues."""
    response = points.response
    if not points.agrees[0]:
        return _weighted(None, float("nan"), {}, {}, {}, {"converged": bool(response.converged[0])})
    jacobians = np.array([on_tangents(jacobian) for jacobian in response.response])
    found = find_weighted_norm(jacobians[:1])
    chosen = np.flatnonzero(points.agrees)[:_COMMON]
    details: dict[str, object] = {"spectral_radius": tangent_radius(response.response[0])}
    if jacobians.shape[-1] <= LARGEST_SIZE:
        common = find_weighted_norm(jacobians[chosen], second_opinion=False)
        details |= {"common_leaders": len(chosen), "common_modulus": common.modulus}
    secant = float("nan")
    if found.weight is not None and found.solved and found.modulus < 1.0 - _ROUNDING:
        secant = verified_modulus(secant_jacobians(points.game, response, 0).response[None], found.weight)
        details["secant"] = secant
    witness = {**_witness(response, 0), "weight": found.weight} if found.solved else {}
    facts = {
        "status": found.counts["statuses"],
        "solved": bool(found.solved),
        "below_one": bool(found.modulus < 1.0 - _ROUNDING),
    }
    return _weighted(found, secant, witness, found.counts, details, facts)


def _weighted(
    found: WeightedNorm | None,
    secant: float,
    witness: Entries,
    searched: Entries,
    details: Entries,
    facts: Entries,
) -> Finding:
    solved = found is not None and found.solved
    modulus = found.modulus if found is not None and solved else float("nan")
    semidefinite = found is None or LYAPUNOV not in found.statuses
    return Finding(
        property=PROPERTY,
        statement="weighted-norm",
        verdict=Verdict.CERTIFIED if solved and confirmed_below(modulus, secant) else Verdict.INCONCLUSIVE,
        constant=modulus,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts={
            **facts,
            "semidefinite": semidefinite,
            "solver": conic.FIRST_SOLVER if semidefinite else LYAPUNOV,
            "secant": secant,
        },
        witness=witness,
        searched=searched,
        details=details,
    )
