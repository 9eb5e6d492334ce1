"""Where the exact and the stochastic side meet: residuals of a run, their rates, and the verdict on the bound."""

from smfg_verify.bounds.rates import DecayRate as DecayRate
from smfg_verify.bounds.rates import Envelope as Envelope
from smfg_verify.bounds.rates import IntervalMethod as IntervalMethod
from smfg_verify.bounds.report import BoundReport as BoundReport
from smfg_verify.bounds.report import RateFinding as RateFinding
from smfg_verify.bounds.report import RateVerdict as RateVerdict
from smfg_verify.bounds.residuals import RESIDUAL_NAMES as RESIDUAL_NAMES
from smfg_verify.bounds.residuals import PointStatus as PointStatus
from smfg_verify.bounds.residuals import Residuals as Residuals
from smfg_verify.bounds.residuals import exact_residuals as exact_residuals
from smfg_verify.bounds.validate import RUNNING_MINIMUM as RUNNING_MINIMUM
from smfg_verify.bounds.validate import validate_bounds as validate_bounds
