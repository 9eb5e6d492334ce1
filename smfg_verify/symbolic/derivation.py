"""All that is derived of one game."""

import dataclasses
from typing import Literal

from smfg_verify.symbolic.constants import GameExpressions
from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.gradient import GradientFormula
from smfg_verify.symbolic.proofs.alignment import AlignmentFormula
from smfg_verify.symbolic.proofs.contraction import ContractionFormula
from smfg_verify.symbolic.rates import BestExponents, RateDerivation

Part = Literal["contraction", "alignment", "gradient", "constants", "rates"]
# Those that need a game's formulas, then those that any game has.
OF_FORMULAS: tuple[Part, ...] = ("contraction", "alignment", "gradient")
OF_ANY_GAME: tuple[Part, ...] = ("constants", "rates")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Derivation:
    """What `smfg-verify derive` prints.

    Attributes:
        parts: what was asked for, in the order of `Part`.
        game: the formulas; None for a game that has none.
        contraction: of the best response; None where not asked for, and for three states.
        alignment: along the leader's one parameter; None where not asked for, and for a game of another kind.
        gradient: in closed form; None where not asked for.
        constants: certified constants as expressions; None where not asked for.
        rates: of AC-SMFG at the exponents asked for, 1/2 without; None where not asked for.
        best: best exponents of AC-SMFG; None where rates are not asked for.
        two_scales: best exponents of two time scales; None where rates are not asked for.
    """

    parts: tuple[Part, ...]
    game: SymbolicGame | None = None
    contraction: ContractionFormula | None = None
    alignment: AlignmentFormula | None = None
    gradient: GradientFormula | None = None
    constants: GameExpressions | None = None
    rates: RateDerivation | None = None
    best: BestExponents | None = None
    two_scales: BestExponents | None = None
