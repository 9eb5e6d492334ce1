"""Which published theorem covers a game: statements with their hypotheses, and what decides each."""

# Imported for its entries in the registry.
import smfg_verify.theorems.published
from smfg_verify.theorems.answers import Answer as Answer
from smfg_verify.theorems.answers import Coverage as Coverage
from smfg_verify.theorems.answers import Decision as Decision
from smfg_verify.theorems.facts import Facts as Facts
from smfg_verify.theorems.matching import Match as Match
from smfg_verify.theorems.matching import match_theorems as match_theorems
from smfg_verify.theorems.sentences import Reason as Reason
from smfg_verify.theorems.statement import Hypothesis as Hypothesis
from smfg_verify.theorems.statement import Theorem as Theorem
from smfg_verify.theorems.statement import Wording as Wording
from smfg_verify.theorems.statement import find_theorem as find_theorem
from smfg_verify.theorems.statement import register_theorem as register_theorem
from smfg_verify.theorems.statement import theorem_names as theorem_names
from smfg_verify.theorems.steps import PowerSteps as PowerSteps
from smfg_verify.theorems.steps import power_steps as power_steps
