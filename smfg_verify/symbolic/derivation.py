"""All that is derived of one game, part by part."""

import dataclasses
from typing import Literal, TypeAlias

from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.gradient import GradientFormula
from smfg_verify.symbolic.proofs.alignment import AlignmentFormula
from smfg_verify.symbolic.proofs.claims import NotDerived
from smfg_verify.symbolic.proofs.contraction import ContractionFormula

# In the order of how quick they usually are.
PartName = Literal["formulas", "contraction", "alignment", "rates", "constants"]


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A part that a game has not, where the others were derived.

    Attributes:
        what: the part.
        why: as it was refused.
    """

    what: PartName
    why: str


# What has formulas and claims; constants and rates are records with texts of their own.
Part: TypeAlias = SymbolicGame | GradientFormula | ContractionFormula | AlignmentFormula | NotDerived | Refusal
