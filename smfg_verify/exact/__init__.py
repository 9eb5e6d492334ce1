"""Exact solvers: the model is known, nothing is sampled."""

from smfg_verify.exact.equilibrium.nash import NashEquilibrium as NashEquilibrium
from smfg_verify.exact.equilibrium.nash import NashStatus as NashStatus
from smfg_verify.exact.equilibrium.nash import solve_nash as solve_nash
from smfg_verify.exact.equilibrium.solve import Equilibrium as Equilibrium
from smfg_verify.exact.equilibrium.solve import EquilibriumMethod as EquilibriumMethod
from smfg_verify.exact.equilibrium.solve import Status as Status
from smfg_verify.exact.equilibrium.solve import solve_equilibrium as solve_equilibrium
from smfg_verify.exact.gradient.certificate import Certificate as Certificate
from smfg_verify.exact.gradient.stackelberg import StackelbergGradient as StackelbergGradient
from smfg_verify.exact.gradient.stackelberg import stackelberg_gradient as stackelberg_gradient
from smfg_verify.exact.implicit import ImplicitCertificate as ImplicitCertificate
from smfg_verify.exact.implicit import ImplicitVerdict as ImplicitVerdict
from smfg_verify.exact.implicit import implicit_certificate as implicit_certificate
from smfg_verify.exact.kernel import Kernel as Kernel
from smfg_verify.exact.kernel import tabulate as tabulate
from smfg_verify.exact.leader.ascent import AscentStatus as AscentStatus
from smfg_verify.exact.leader.optimise import LeaderOptimum as LeaderOptimum
from smfg_verify.exact.leader.optimise import optimise_leader as optimise_leader
from smfg_verify.exact.leader.pure_leaders import PureLeaders as PureLeaders
from smfg_verify.exact.objective import leader_objective as leader_objective
from smfg_verify.exact.riccati import linear_quadratic_equilibrium as linear_quadratic_equilibrium
