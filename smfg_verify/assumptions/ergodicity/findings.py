"""Uniform ergodicity: whether the chains of all policies forget their start at one common rate."""

import numpy as np

from smfg_verify.assumptions.constants.game_constants import ENVELOPES, GameConstants, game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE, minorised_coefficient
from smfg_verify.assumptions.constants.transition_interval import interval_of, interval_witness
from smfg_verify.assumptions.constants.variations import variation_at
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.ergodicity.common_state import steps_to_common_state
from smfg_verify.assumptions.ergodicity.mixing_at_size import check_ergodicity_without_table, distance_after
from smfg_verify.assumptions.ergodicity.sentences import ERGODICITY
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
from smfg_verify.exact.precision import TINY
from smfg_verify.game import AbstractGame, traced
from smfg_verify.records.entries import Arguments, Entries

# Moduli that a finding keeps, the largest ones.
_KEPT = 100
PROPERTY = "ergodicity"
STATEMENTS = ("dobrushin", "doeblin", "mixing", "spectral-gap")
# Without a table "common-state" takes the place of the first two, and eigenvalues are not looked at.


def _doeblin_of(game: AbstractGame, witness: Entries) -> float:
    return minorised_coefficient(*interval_of(traced(game), witness), steps=int(witness["steps"]))


def _mixing_of(game: AbstractGame, witness: Entries) -> float:
    """The coefficient of as many steps as the witness says; of infinitely many (0) the second eigenvalue's modulus."""
    if "starts" in witness:
        return distance_after(game, witness)
    matrix = chain_of_witness(traced(game), witness)[None]
    steps = int(witness["steps"])
    return float(dobrushin(matrix, steps)[0] if steps else second_modulus(matrix)[0])


RECOMPUTE = {
    "dobrushin": lambda game, witness: variation_at(traced(game), "one_step", witness),
    "doeblin": _doeblin_of,
    "common-state": steps_to_common_state,
    "mixing": _mixing_of,
    "spectral-gap": _mixing_of,
}


@register_property(
    PROPERTY,
    recompute=RECOMPUTE,
    renderings=ERGODICITY,
    sufficient=("dobrushin", "doeblin", "common-state"),
    aside=("spectral-gap",),
    without_table=check_ergodicity_without_table,
)
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
            facts={"reason": bound.reason},
            witness=constants.sampled.witnesses.get("one_step", {}),
            searched=constants.searched,
        )
    certified = bound.upper < 1.0 - CLEARLY_BELOW_ONE
    half_life = {"half_life": _half_life(bound.upper)} if certified else {}
    return Finding(
        property=PROPERTY,
        statement="dobrushin",
        verdict=Verdict.CERTIFIED if certified else Verdict.INCONCLUSIVE,
        constant=bound.upper,
        side=Side.EXACT if bound.exact else Side.UPPER,
        evidence=Evidence.PROOF,
        facts={"exact": bool(bound.exact), **half_life},
        witness=bound.witness,
        searched=constants.searched,
        details={"measured": constants.measured["one_step"], "factor": 1.0 / max(1.0 - bound.upper, TINY)},
    )


def _half_life(coefficient: float) -> int:
    return 1 if coefficient <= 0.5 else int(np.ceil(np.log(0.5) / np.log(coefficient)))


def _doeblin_finding(constants: GameConstants) -> Finding:
    found = constants.minorisation
    certified = found.coefficient < 1.0 - CLEARLY_BELOW_ONE
    return Finding(
        property=PROPERTY,
        statement="doeblin",
        verdict=Verdict.CERTIFIED if certified else Verdict.INCONCLUSIVE,
        constant=found.coefficient,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts={"steps": int(found.steps), "most_steps": len(found.coefficients)},
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


def _mixing_finding(game: AbstractGame, chains: Chains, searched: Entries, curve: np.ndarray) -> Finding:
    shared: Arguments = {"property": PROPERTY, "statement": "mixing", "searched": searched}
    if game.num_states == 1:
        return Finding(
            **shared,
            verdict=Verdict.CERTIFIED,
            constant=0.0,
            side=Side.EXACT,
            evidence=Evidence.PROOF,
            facts={"case": "one-state"},
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
            facts={"case": "no-number"},
        )
    stuck = usable[never_mixing(chains.matrix[usable])]
    if stuck.size:
        return _refuted(game, chains, int(stuck[0]), len(stuck), shared)
    steps = steps_looked_at(game)
    worst = int(usable[np.argmax(dobrushin(chains.matrix[usable], steps))])
    witness = {**chains.witness(game, worst), "steps": steps}
    constant = _mixing_of(game, witness)
    supported = constant < 1.0 - CLEARLY_BELOW_ONE
    return Finding(
        **shared,
        verdict=Verdict.SUPPORTED if supported else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        facts={
            "case": "mixing",
            "chains": int(usable.size),
            "lost": int(len(chains.matrix) - usable.size),
            "steps": int(steps),
        },
        witness=witness,
        details={"search_curve": curve},
    )


def _refuted(game: AbstractGame, chains: Chains, index: int, number: int, shared: Arguments) -> Finding:
    witness = {**chains.witness(game, index), "steps": 0}
    classes, periods = recurrent_structure(chains.matrix[index])
    return Finding(
        **shared,
        verdict=Verdict.REFUTED,
        constant=_mixing_of(game, witness),
        side=Side.EXACT,
        evidence=Evidence.SEARCH,
        facts={
            "case": "never-mixing",
            "pure": _pure(chains, index),
            "classes": len(classes),
            "period": int(periods[0]),
        },
        witness=witness,
        details={
            "recurrent_classes": len(classes),
            "period": max(periods),
            "class_of_state": _class_of_state(classes, game.num_states),
            "chains_that_never_mix": number,
        },
    )


def _pure(chains: Chains, index: int) -> bool:
    both = (chains.follower[index], chains.leader[index])
    return all(bool(np.all((policy == 0.0) | (policy == 1.0))) for policy in both)


def _class_of_state(classes: list[np.ndarray], num_states: int) -> np.ndarray:
    """Number of the recurrent class of each state, -1 for transient ones."""
    label = np.full(num_states, -1)
    for number, members in enumerate(classes):
        label[members] = number
    return label


def _spectral_finding(game: AbstractGame, chains: Chains, searched: Entries) -> Finding:
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
        facts={"chains": int(usable.size)},
        witness=witness,
        searched=searched,
        details={"moduli": np.sort(moduli)[::-1][:_KEPT]},
    )
