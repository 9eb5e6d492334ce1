"""Claims of the theory, one a file: what is measured, what is predicted, and how the two must stand."""

# Imported for their entries in the registry, in the order they are run.
# isort: off
from smfg_verify.cases import gradient_identity as gradient_identity
from smfg_verify.cases import gradient_domination as gradient_domination
from smfg_verify.cases import gap_identity as gap_identity
from smfg_verify.cases import stationary_sensitivity as stationary_sensitivity
from smfg_verify.cases import soft_bellman_contraction as soft_bellman_contraction
from smfg_verify.cases import policy_lipschitz as policy_lipschitz
from smfg_verify.cases import contraction_bound as contraction_bound
from smfg_verify.cases import critic_convergence as critic_convergence
from smfg_verify.cases import critic_lower_bound as critic_lower_bound
from smfg_verify.cases import mean_field_tracking as mean_field_tracking
from smfg_verify.cases import follower_tracking as follower_tracking
from smfg_verify.cases import ac_smfg_rate as ac_smfg_rate
from smfg_verify.cases import rate_failure as rate_failure
from smfg_verify.cases import markov_ratio as markov_ratio
from smfg_verify.cases import markov_limit as markov_limit
from smfg_verify.cases import finite_population as finite_population

# isort: on
from smfg_verify.cases._registry import Case as Case
from smfg_verify.cases._registry import CaseOutcome as CaseOutcome
from smfg_verify.cases._registry import case_names as case_names
from smfg_verify.cases._registry import find_case as find_case
from smfg_verify.cases._registry import register_case as register_case
from smfg_verify.cases._registry import run_case as run_case
from smfg_verify.cases._registry import run_cases as run_cases
from smfg_verify.cases.record import CaseRecord as CaseRecord
from smfg_verify.cases.record import CaseVerdict as CaseVerdict
from smfg_verify.cases.record import Kind as Kind
from smfg_verify.cases.record import Version as Version
from smfg_verify.cases.record import judge as judge
