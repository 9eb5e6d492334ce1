"""All that is derived of one game."""

import dataclasses

from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.gradient import GradientFormula
from smfg_verify.symbolic.proofs.alignment import AlignmentFormula
from smfg_verify.symbolic.proofs.contraction import ContractionFormula


@dataclasses.dataclass(frozen=True)
class Derivation:
    """What `smfg-verify derive` prints.

    Attributes:
        game: the formulas.
        gradient: in closed form.
        contraction: of the best response; None for three states.
        alignment: along the leader's one parameter; None where the game is not of that kind.
    """

    game: SymbolicGame
    gradient: GradientFormula
    contraction: ContractionFormula | None
    alignment: AlignmentFormula | None
