"""Games as formulas (sympy): their gradient, alignment, constants and rates in closed form."""

from smfg_verify.symbolic.formula_game import FormulaGame as FormulaGame
from smfg_verify.symbolic.game import SymbolicGame as SymbolicGame
from smfg_verify.symbolic.game import from_game as from_game
from smfg_verify.symbolic.games.registry import load as load
from smfg_verify.symbolic.games.registry import names as names
from smfg_verify.symbolic.gradient import GradientFormula as GradientFormula
from smfg_verify.symbolic.gradient import equilibrium_values as equilibrium_values
from smfg_verify.symbolic.gradient import stackelberg_formula as stackelberg_formula
from smfg_verify.symbolic.proofs.alignment import AlignmentFormula as AlignmentFormula
from smfg_verify.symbolic.proofs.alignment import alignment_formula as alignment_formula
from smfg_verify.symbolic.proofs.claims import NotDerived as NotDerived
from smfg_verify.symbolic.proofs.contraction import ContractionFormula as ContractionFormula
from smfg_verify.symbolic.proofs.contraction import contraction_formula as contraction_formula
from smfg_verify.symbolic.symbols import follower_action as follower_action
from smfg_verify.symbolic.symbols import leader_action as leader_action
from smfg_verify.symbolic.symbols import mean_field as mean_field
from smfg_verify.symbolic.symbols import next_state as next_state
from smfg_verify.symbolic.symbols import state as state
