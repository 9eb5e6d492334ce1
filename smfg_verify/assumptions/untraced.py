"""What a finding is worth about a game that rests on code JAX does not see: never a proof."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from smfg_verify.assumptions.finding import Evidence, Finding, Verdict
from smfg_verify.exact import solve_equilibrium
from smfg_verify.game import AbstractGame, leader_logits_shape, require_source_agrees, untraced_functions

# Statements about numbers of the contract and step sizes alone, and bounds that hold for every transition.
_OF_NO_FUNCTION = {
    ("coverage", "initial"),
    ("coverage", "occupancy"),
    ("step-sizes", "order"),
    ("step-sizes", "range"),
}
_FIELDS = ("mean_field", "mean_fields")


def without_untraced_proofs(game: AbstractGame, findings: Iterable[Finding]) -> list[Finding]:
    """Findings of which none is certified by numbers of code that cannot be traced.

    Args:
        game: the game, its numbers known.
        findings: about it.

    Returns:
        The findings; where the game's functions rest on such code, those certified are supported, by a search.

    Raises:
        ValueError: the code says something else than the game at a mean field that a witness names.
    """
    functions = untraced_functions(game)
    if not functions:
        return list(findings)
    return [_without_proof(game, finding, functions) for finding in findings]


def _without_proof(game: AbstractGame, finding: Finding, functions: tuple[str, ...]) -> Finding:
    if _rests_on_none(finding, functions):
        return finding
    for name in _FIELDS:
        if name in finding.witness:
            require_source_agrees(game, np.asarray(finding.witness[name]))
    if finding.evidence is not Evidence.PROOF:
        return finding
    if finding.verdict is not Verdict.CERTIFIED:
        return dataclasses.replace(finding, evidence=Evidence.SEARCH)
    facts = {**finding.facts, "untraced": functions}
    return dataclasses.replace(finding, verdict=Verdict.SUPPORTED, evidence=Evidence.SEARCH, facts=facts)


def _rests_on_none(finding: Finding, functions: tuple[str, ...]) -> bool:
    name = (finding.property, finding.statement)
    if finding.verdict is Verdict.NOT_APPLICABLE or name in _OF_NO_FUNCTION:
        return True
    return finding.property == "lipschitz" and finding.statement.replace("-", "_") not in functions


def require_source_of_equilibrium(game: AbstractGame) -> None:
    """Refuse a game that says something else than the code it was read from where its followers settle.

    Later searches leave such equilibria out as not converged; nothing would be left to look at.

    Raises:
        ValueError: at the equilibrium of the uniform leader, if one is found, the two differ.
    """
    if hasattr(game, "source_gap"):
        gap = solve_equilibrium(game, np.zeros(leader_logits_shape(game)), throw=False).source_gap
        assert gap is not None
        gap.require_agreement()
