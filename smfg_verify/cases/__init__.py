"""Claims of the theory, one a file: what is measured, what is predicted, and how the two must stand."""

# Imported for their entries in the registry, in the order they are run.
# isort: off
import smfg_verify.cases.leader.gradient_identity
import smfg_verify.cases.follower.gradient_domination
import smfg_verify.cases.leader.gap_identity
import smfg_verify.cases.mean_field.stationary_sensitivity
import smfg_verify.cases.follower.soft_bellman_contraction
import smfg_verify.cases.follower.policy_lipschitz
import smfg_verify.cases.mean_field.contraction_bound
import smfg_verify.cases.critic.critic_convergence
import smfg_verify.cases.critic.critic_lower_bound
import smfg_verify.cases.mean_field.mean_field_tracking
import smfg_verify.cases.follower.follower_tracking
import smfg_verify.cases.rates.ac_smfg_rate
import smfg_verify.cases.rates.rate_failure
import smfg_verify.cases.rates.finite_time_bound
import smfg_verify.cases.rates.markov_ratio
import smfg_verify.cases.rates.markov_limit
import smfg_verify.cases.mean_field.finite_population

# isort: on
from smfg_verify.cases.record import CaseRecord as CaseRecord
from smfg_verify.cases.record import CaseVerdict as CaseVerdict
from smfg_verify.cases.record import Kind as Kind
from smfg_verify.cases.record import Version as Version
from smfg_verify.cases.record import judge as judge
from smfg_verify.cases.registry import Case as Case
from smfg_verify.cases.registry import CaseOutcome as CaseOutcome
from smfg_verify.cases.registry import case_names as case_names
from smfg_verify.cases.registry import find_case as find_case
from smfg_verify.cases.registry import register_case as register_case
from smfg_verify.cases.registry import run_case as run_case
from smfg_verify.cases.registry import run_cases as run_cases
