r"""Uniqueness by contraction where equilibria can be: among the laws that some chain of a piece of leaders has.

$\Gamma_\phi$ takes every mean field to the law of a chain, so a set that holds all these laws holds all equilibria,
and the map takes it into itself; so it is with the laws over that set, again and again. Such a set is much smaller than
the simplex for a small piece of leaders, and there the l1 modulus is proved below 1 for some games whose map no bound
over all leaders and mean fields proves to contract.
"""

import dataclasses
import math

import numpy as np

from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.proved_bounds import (
    ALLOWED_MOVE,
    BoundInputs,
    inputs_from,
    step_of_roundings,
    witness_of,
)
from smfg_verify.assumptions.enclosure.response.zones.leaders import LawProof
from smfg_verify.assumptions.enclosure.response.zones.proof import proof_on_laws
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries

STATEMENT = "contraction-on-laws"


@dataclasses.dataclass(frozen=True)
class OnLaws:
    """What pieces of leaders prove.

    Attributes:
        proof: over the pieces; None where the game has no zones, or nobody asked.
        rounding_step: how far the roundings of the game's functions may move the best-response map, in l1.
    """

    proof: LawProof | None
    rounding_step: float

    @property
    def modulus(self) -> float:
        """Upper bound over all leaders where their equilibria can be; infinite where none is proved."""
        return math.inf if self.proof is None else self.proof.modulus

    @property
    def proves(self) -> bool:
        """Whether each leader is proved to have one equilibrium, whatever roundings do."""
        smooth = self.rounding_step <= ALLOWED_MOVE * (1.0 - self.modulus)
        return bool(self.modulus < 1.0 - CLEARLY_BELOW_ONE and smooth)


NOT_ASKED = OnLaws(None, math.inf)


def modulus_on_laws(game: AbstractGame, inputs: BoundInputs, num_boxes: int) -> OnLaws:
    """The bound of a game.

    Args:
        game: the game, traced.
        inputs: of the proved bounds, for the roundings of its functions.
        num_boxes: of the budget.

    Returns:
        The bound.
    """
    proof = proof_on_laws(game, num_boxes)
    if proof is None or not math.isfinite(proof.modulus):
        return OnLaws(proof, math.inf)
    return OnLaws(proof, step_of_roundings(inputs, float(game.temperature), proof.mixing))


def on_laws_finding(inputs: BoundInputs, num_boxes: int, found: OnLaws, unasked: str) -> Finding:
    """The bound as a finding, certified where it is below 1.

    Args:
        inputs: of the proved bounds.
        num_boxes: of the budget.
        found: by pieces of leaders.
        unasked: the statement that left nothing to ask for, or nothing.

    Returns:
        The finding.
    """
    proof = found.proof
    counts = {} if proof is None else {"pieces": proof.pieces, "contracting": proof.leaves}
    return Finding(
        property="uniqueness",
        statement=STATEMENT,
        verdict=Verdict.CERTIFIED if found.proves else Verdict.INCONCLUSIVE,
        constant=found.modulus if math.isfinite(found.modulus) else math.nan,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts={
            "unasked": unasked,
            "known": proof is not None,
            "bounded": math.isfinite(found.modulus),
            "expected": math.inf if proof is None else proof.expected,
            "rounding_step": found.rounding_step,
            **counts,
        },
        witness={**witness_of(inputs), "num_boxes": np.asarray(num_boxes)} if math.isfinite(found.modulus) else {},
        searched=counts,
    )


def modulus_again(game: AbstractGame, witness: Entries) -> float:
    """The bound again, from a witness."""
    return modulus_on_laws(checked(game), inputs_from(game, witness), int(witness["num_boxes"])).modulus
