"""The model is only sampled: AC-SMFG, its steps, samples and record, the baselines beside it, and N followers."""

from smfg_verify.stochastic.ac_smfg import ac_smfg as ac_smfg
from smfg_verify.stochastic.baselines import adage as adage
from smfg_verify.stochastic.baselines import exact_ascent as exact_ascent
from smfg_verify.stochastic.baselines import fictitious_play as fictitious_play
from smfg_verify.stochastic.baselines import nested_loop as nested_loop
from smfg_verify.stochastic.baselines import total_derivative as total_derivative
from smfg_verify.stochastic.baselines import unrolled_adjoint as unrolled_adjoint
from smfg_verify.stochastic.deviation import Deviation as Deviation
from smfg_verify.stochastic.engine.start_and_resume import resume as resume
from smfg_verify.stochastic.engine.start_and_resume import run_method as run_method
from smfg_verify.stochastic.finite_population import PopulationRun as PopulationRun
from smfg_verify.stochastic.finite_population import simulate_population as simulate_population
from smfg_verify.stochastic.iterate import Iterate as Iterate
from smfg_verify.stochastic.method import Method as Method
from smfg_verify.stochastic.method import register as register
from smfg_verify.stochastic.policy_floor import raised_to_floor as raised_to_floor
from smfg_verify.stochastic.sampling import sample_index as sample_index
from smfg_verify.stochastic.sampling import sample_transition as sample_transition
from smfg_verify.stochastic.schedules import Schedule as Schedule
from smfg_verify.stochastic.trace import Trace as Trace
from smfg_verify.stochastic.trace import TraceMetadata as TraceMetadata
from smfg_verify.stochastic.value_bounds import ValueBounds as ValueBounds
from smfg_verify.stochastic.value_bounds import reward_range as reward_range
from smfg_verify.stochastic.value_bounds import value_bounds as value_bounds
