"""Other ways to learn in a Stackelberg mean field game, each run, recorded and resumed as AC-SMFG is."""

from smfg_verify.stochastic.baselines.adage import Adage as Adage
from smfg_verify.stochastic.baselines.adage import adage as adage
from smfg_verify.stochastic.baselines.exact_ascent import ExactAscent as ExactAscent
from smfg_verify.stochastic.baselines.exact_ascent import exact_ascent as exact_ascent
from smfg_verify.stochastic.baselines.fictitious_play import FictitiousPlay as FictitiousPlay
from smfg_verify.stochastic.baselines.fictitious_play import fictitious_play as fictitious_play
from smfg_verify.stochastic.baselines.nested_loop import NestedLoop as NestedLoop
from smfg_verify.stochastic.baselines.nested_loop import nested_loop as nested_loop
from smfg_verify.stochastic.baselines.total_derivative import TotalDerivative as TotalDerivative
from smfg_verify.stochastic.baselines.total_derivative import total_derivative as total_derivative
from smfg_verify.stochastic.baselines.unrolled_adjoint import UnrolledAdjoint as UnrolledAdjoint
from smfg_verify.stochastic.baselines.unrolled_adjoint import unrolled_adjoint as unrolled_adjoint
