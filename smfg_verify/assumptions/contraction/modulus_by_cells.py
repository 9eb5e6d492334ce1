r"""A proved l1 modulus of the best-response map: $D\Gamma$ enclosed over cells of leader policies and mean fields."""

import dataclasses

import numpy as np

from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.proved_bounds import (
    ALLOWED_MOVE,
    BoundInputs,
    inputs_from,
    smaller_bound,
    step_of_roundings,
    witness_of,
)
from smfg_verify.assumptions.enclosure.response.measures import modulus_over
from smfg_verify.assumptions.enclosure.response.proof import proof_by_cells
from smfg_verify.assumptions.enclosure.response.search import CellSupremum
from smfg_verify.assumptions.enclosure.response.zones.proof import proof_by_zones
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries


@dataclasses.dataclass(frozen=True)
class CellModulus:
    """What cells prove of the modulus.

    Attributes:
        modulus: upper bound, the smaller of that over cells and that over zones; infinite where there is none.
        cells: what was found over them; None where the game has no cells.
        zones: whether the bound is that over zones, whole leaders at once; and over how many cells of mean fields.
        rounding_step: how far the roundings of the game's functions may move the best-response map, in l1.
        reason: why there are no cells; empty where there are.
    """

    modulus: float
    cells: CellSupremum | None
    rounding_step: float
    reason: str
    zones: tuple[bool, int]

    @property
    def contracts(self) -> bool:
        """Whether the map is proved to contract, whatever roundings do."""
        smooth = self.rounding_step <= ALLOWED_MOVE * (1.0 - self.modulus)
        return bool(self.modulus < 1.0 - CLEARLY_BELOW_ONE and smooth)


def modulus_by_cells(game: AbstractGame, inputs: BoundInputs, num_boxes: int) -> CellModulus:
    """The bound of a game, of every leader policy and mean field.

    Args:
        game: the game, traced.
        inputs: of the proved bounds, for the roundings of its functions.
        num_boxes: of the budget.

    Returns:
        The bound.
    """
    proof, zones = proof_by_cells(game, modulus_over, num_boxes=num_boxes), proof_by_zones(game, num_boxes)
    cells, none = proof.cells, float("inf")
    modulus, mixing = (none, none) if cells is None else (cells.upper, cells.mixing)
    by_zones = zones.modulus < modulus
    if by_zones:
        modulus, mixing = zones.modulus, zones.mixing
    nothing = cells is None and not by_zones
    step = none if nothing else step_of_roundings(inputs, float(game.temperature), mixing)
    return CellModulus(modulus, cells, step, proof.reason, (by_zones, zones.cells))


def smallest_modulus(game: AbstractGame, inputs: BoundInputs, num_boxes: int) -> tuple[float, bool]:
    """The smallest proved modulus, of formulas, cells and zones, and whether it proves that the map contracts.

    Args:
        game: the game, traced.
        inputs: of the proved bounds.
        num_boxes: of the budget.

    Returns:
        The modulus, infinite where none is proved; and whether each leader has one equilibrium by it (Banach).
    """
    formula, found = smaller_bound(inputs, float(game.temperature)), modulus_by_cells(game, inputs, num_boxes)
    proved = (formula, formula < 1.0 - CLEARLY_BELOW_ONE), (found.modulus, found.contracts)
    return min(proved, key=lambda each: (not each[1], each[0]))


def cell_finding(game: AbstractGame, inputs: BoundInputs, num_boxes: int) -> Finding:
    """The bound as a finding, certified where it is below 1."""
    found = modulus_by_cells(game, inputs, num_boxes)
    known = np.isfinite(found.modulus)
    cells = 0 if found.cells is None else found.cells.cells
    return Finding(
        property="contraction",
        statement="cell-bound",
        verdict=Verdict.CERTIFIED if found.contracts else Verdict.INCONCLUSIVE,
        constant=found.modulus,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts={
            "reason": found.reason,
            "cells": cells,
            "rounding_step": found.rounding_step,
            "by_zones": found.zones[0],
            "zone_cells": found.zones[1],
        },
        witness={**witness_of(inputs), "num_boxes": np.asarray(num_boxes)} if known else {},
        searched={"cells": cells, "finished": bool(found.cells is not None and found.cells.finished)},
        details={} if found.cells is None else {"bound_curve": found.cells.curve},
    )


def cell_modulus_of(game: AbstractGame, witness: Entries) -> float:
    """The bound again, from a witness."""
    return modulus_by_cells(checked(game), inputs_from(game, witness), int(witness["num_boxes"])).modulus
