"""Uniform ergodicity: whether the chains of all policies forget their start at one common rate."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from smfg_verify.assumptions.constants.game_constants import ENVELOPES, GameConstants, game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE, minorised_coefficient
from smfg_verify.assumptions.constants.suprema import variation_at
from smfg_verify.assumptions.constants.transition_interval import interval_of, interval_witness
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.ergodicity.worst_chains import (
    Chains,
    chain_of_witness,
    dobrushin,
    joined,
    never_mixing,
    pure_chains,
    recurrent_structure,
    second_modulus,
    steps_looked_at,
    worst_mixing,
)
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.properties import register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import AbstractGame, traced

PROPERTY = "ergodicity"
STATEMENTS = ("dobrushin", "doeblin", "mixing", "spectral-gap")
_CLOSURE = "over the closure of the policies, pure ones included, and all mean fields"


def _doeblin_of(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    return minorised_coefficient(*interval_of(traced(game), witness), steps=int(witness["steps"]))


def _mixing_of(game: AbstractGame, witness: Mapping[str, Any]) -> float:
    """The coefficient of as many steps as the witness says; of infinitely many (0) the second eigenvalue's modulus."""
    matrix = chain_of_witness(traced(game), witness)[None]
    steps = int(witness["steps"])
    return float(dobrushin(matrix, steps)[0] if steps else second_modulus(matrix)[0])


RECOMPUTE = {
    "dobrushin": lambda game, witness: variation_at(traced(game), "one_step", witness),
    "doeblin": _doeblin_of,
    "mixing": _mixing_of,
    "spectral-gap": _mixing_of,
}


@register_property(PROPERTY, recompute=RECOMPUTE, sufficient=("dobrushin", "doeblin"), aside=("spectral-gap",))
def check_ergodicity(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Whether $\sup \delta(P_{\pi,\phi,m}^k) < 1$ for some k, the supremum over the policies and mean fields.

    One step is bounded by the largest total variation between rows, several steps by a minorant of the m-step laws;
    refuted by one chain with two recurrent classes or a periodic one. The closure of the softmax policies counts: their
    rates have no common bound where a limit of them does not mix.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        One finding for each of `STATEMENTS`.

    Source: Dobrushin's coefficient and Doeblin's condition (textbook); uniform ergodicity as assumed in analyses of
    actor-critic methods.
    """
    constants = game_constants(game, settings)
    bound = constants.bounds["transition_lipschitz"]
    pure, complete = pure_chains(game, settings, constant=bound.proved and bound.upper == 0.0)
    ends, search = worst_mixing(game, settings, pure)
    chains = joined(pure, ends)
    searched = {
        "pure_chains": len(pure.matrix),
        "all_pure_policies": complete,
        "chains_nan": int(np.sum(~chains.usable)),
        "steps": steps_looked_at(game),
        "seed": settings.seed,
        **search.counts,
    }
    curve = -search.best_curve
    return [
        cut_short(_dobrushin_finding(constants), constants.cut, "one_step"),
        cut_short(_doeblin_finding(constants), constants.cut, ENVELOPES["transition"]),
        _mixing_finding(game, chains, searched, curve),
        _spectral_finding(game, chains, searched),
    ]


def _dobrushin_finding(constants: GameConstants) -> Finding:
    bound = constants.bounds["one_step"]
    if not bound.proved:
        measured = constants.measured["one_step"]
        return Finding(
            property=PROPERTY,
            statement="dobrushin",
            verdict=Verdict.INCONCLUSIVE,
            constant=measured,
            side=Side.LOWER,
            evidence=Evidence.SEARCH,
            method="sampled mean fields",
            meaning=f"No proof: {bound.reason}; {_sampled_difference(measured)}.",
            witness=constants.sampled.witnesses.get("one_step", {}),
            searched=constants.searched,
        )
    certified = bound.upper < 1.0 - CLEARLY_BELOW_ONE
    if certified:
        meaning = (
            f"One step shrinks the distance between any two laws to at most {bound.upper:.4g} of it, whatever the "
            f"policies and the mean field: distances fall to half or less within {_half_life(bound.upper)} step(s)."
        )
    elif bound.exact:
        shared = 1.0 - bound.upper
        mass = "no mass" if shared <= 0.0 else f"{shared:.2g} of their mass, too little to tell from rounding"
        meaning = f"Some policies send two states to places that share {mass}: one step need not mix, more may."
    else:
        meaning = "The enclosure of the rows is too wide to show that every two of them share mass: nothing follows."
    return Finding(
        property=PROPERTY,
        statement="dobrushin",
        verdict=Verdict.CERTIFIED if certified else Verdict.INCONCLUSIVE,
        constant=bound.upper,
        side=Side.EXACT if bound.exact else Side.UPPER,
        evidence=Evidence.PROOF,
        method=_how(bound.exact, "largest total variation between rows of different states"),
        meaning=meaning,
        witness=bound.witness,
        searched=constants.searched,
        details={"measured": constants.measured["one_step"], "factor": 1.0 / max(1.0 - bound.upper, 1e-300)},
    )


def _sampled_difference(measured: float) -> str:
    if np.isnan(measured):
        return "no mean field sampled gave numbers"
    return f"rows differ by up to {measured:.4g} in total variation where sampled"


def _how(exact: bool, what: str) -> str:
    where = "exact at the vertices of the simplex" if exact else "interval enclosure with branch and bound"
    return f"{what}, {where}"


def _half_life(coefficient: float) -> int:
    return 1 if coefficient <= 0.5 else int(np.ceil(np.log(0.5) / np.log(coefficient)))


def _doeblin_finding(constants: GameConstants) -> Finding:
    found = constants.minorisation
    certified = found.coefficient < 1.0 - CLEARLY_BELOW_ONE
    if certified:
        meaning = (
            f"After {found.steps} step(s) any two laws share at least {1.0 - found.coefficient:.4g} of their mass, "
            "whatever the policies, also if they and the mean field change in time."
        )
    else:
        meaning = f"No number of steps up to {len(found.coefficients)} is shown to mix under every policy."
    return Finding(
        property=PROPERTY,
        statement="doeblin",
        verdict=Verdict.CERTIFIED if certified else Verdict.INCONCLUSIVE,
        constant=found.coefficient,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        method="least overlap of m-step laws by dynamic programming on the bounds of each entry of the transition",
        meaning=meaning,
        witness={**interval_witness(constants), "steps": found.steps},
        searched={"steps": len(found.coefficients)},
        details={
            "steps": found.steps,
            "factor": found.factor,
            "coefficients": found.coefficients,
            "mass": found.mass,
            "stationary_mass": found.stationary_mass,
            "best_factor": constants.mixing_factor,
        },
    )


def _mixing_finding(game: AbstractGame, chains: Chains, searched: Mapping[str, Any], curve: np.ndarray) -> Finding:
    shared: dict[str, Any] = {"property": PROPERTY, "statement": "mixing", "searched": searched}
    method = "pure policies on the graph of their moves, and gradient ascent over policies and mean field"
    if game.num_states == 1:
        return Finding(
            **shared,
            verdict=Verdict.CERTIFIED,
            constant=0.0,
            side=Side.EXACT,
            evidence=Evidence.PROOF,
            method="number of states",
            meaning="There is one state, so there is nothing to forget.",
            witness={**chains.witness(game, 0), "steps": steps_looked_at(game)},
        )
    usable = np.flatnonzero(chains.usable)
    if usable.size == 0:
        return Finding(
            **shared,
            verdict=Verdict.INCONCLUSIVE,
            constant=float("nan"),
            side=Side.LOWER,
            evidence=Evidence.SEARCH,
            method=method,
            meaning="The transition gave no number at any mean field looked at.",
        )
    stuck = usable[never_mixing(chains.matrix[usable])]
    if stuck.size:
        return _refuted(game, chains, int(stuck[0]), len(stuck), shared, method)
    steps = steps_looked_at(game)
    worst = int(usable[np.argmax(dobrushin(chains.matrix[usable], steps))])
    witness = {**chains.witness(game, worst), "steps": steps}
    constant = _mixing_of(game, witness)
    supported = constant < 1.0 - CLEARLY_BELOW_ONE
    found = f"{steps} steps shrink distances to at most {constant:.4g} of them" if supported else "with no common rate"
    return Finding(
        **shared,
        verdict=Verdict.SUPPORTED if supported else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        method=method,
        meaning=(
            f"Each of the {usable.size} chains looked at mixes ({len(chains.matrix) - usable.size} more gave no "
            f"numbers), of pure policies and of policies ascended to, at some mean fields: {found}."
        ),
        witness=witness,
        details={"search_curve": curve},
    )


def _refuted(
    game: AbstractGame, chains: Chains, index: int, number: int, shared: dict[str, Any], method: str
) -> Finding:
    witness = {**chains.witness(game, index), "steps": 0}
    classes, periods = recurrent_structure(chains.matrix[index])
    if len(classes) > 1:
        failure = f"has {len(classes)} sets of states that are never left, so where it ends depends on the start"
    else:
        failure = f"returns in cycles of period {periods[0]}, so the law never settles"
    return Finding(
        **shared,
        verdict=Verdict.REFUTED,
        constant=_mixing_of(game, witness),
        side=Side.EXACT,
        evidence=Evidence.SEARCH,
        method=method,
        meaning=f"Not uniform {_CLOSURE}: the chain of a pair of {_kind(chains, index)} {failure}.",
        witness=witness,
        details={
            "recurrent_classes": len(classes),
            "period": max(periods),
            "class_of_state": _class_of_state(classes, game.num_states),
            "chains_that_never_mix": number,
        },
    )


def _kind(chains: Chains, index: int) -> str:
    both = (chains.follower[index], chains.leader[index])
    return "pure policies" if all(np.all((policy == 0.0) | (policy == 1.0)) for policy in both) else "policies"


def _class_of_state(classes: list[np.ndarray], num_states: int) -> np.ndarray:
    """Number of the recurrent class of each state, -1 for transient ones."""
    label = np.full(num_states, -1)
    for number, members in enumerate(classes):
        label[members] = number
    return label


def _spectral_finding(game: AbstractGame, chains: Chains, searched: Mapping[str, Any]) -> Finding:
    usable = np.flatnonzero(chains.usable)
    moduli = second_modulus(chains.matrix[usable])
    witness = {**chains.witness(game, int(usable[np.argmax(moduli)])), "steps": 0} if usable.size else {}
    constant = _mixing_of(game, witness) if witness else float("nan")
    return Finding(
        property=PROPERTY,
        statement="spectral-gap",
        verdict=Verdict.SUPPORTED if constant < 1.0 - CLEARLY_BELOW_ONE else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        method="eigenvalues of every chain looked at",
        meaning=(
            f"In the long run the slowest chain found keeps {constant:.4g} of its distance to stationarity a step."
            if witness
            else "The transition gave no number at any mean field looked at."
        ),
        witness=witness,
        searched=searched,
        details={"moduli": np.sort(moduli)[::-1][:100]},
    )
