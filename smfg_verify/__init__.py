"""smfg_verify: verify the theory of learning in Stackelberg mean field games on concrete games.

The public names below are loaded on first use, so that importing the package is cheap.
"""

import importlib
from typing import TYPE_CHECKING

from smfg_verify.version import __version__ as __version__

if TYPE_CHECKING:
    from smfg_verify.assumptions import AssumptionReport as AssumptionReport
    from smfg_verify.assumptions import Finding as Finding
    from smfg_verify.assumptions import Verdict as Verdict
    from smfg_verify.assumptions import check as check
    from smfg_verify.assumptions import check_along as check_along
    from smfg_verify.bounds import BoundReport as BoundReport
    from smfg_verify.bounds import exact_residuals as exact_residuals
    from smfg_verify.bounds import validate_bounds as validate_bounds
    from smfg_verify.exact import Equilibrium as Equilibrium
    from smfg_verify.exact import NashEquilibrium as NashEquilibrium
    from smfg_verify.exact import StackelbergGradient as StackelbergGradient
    from smfg_verify.exact import leader_objective as leader_objective
    from smfg_verify.exact import optimise_leader as optimise_leader
    from smfg_verify.exact import solve_equilibrium as solve_equilibrium
    from smfg_verify.exact import solve_nash as solve_nash
    from smfg_verify.exact import stackelberg_gradient as stackelberg_gradient
    from smfg_verify.exact import tabulate as tabulate
    from smfg_verify.game import AbstractGame as AbstractGame
    from smfg_verify.game import SparseTabularGame as SparseTabularGame
    from smfg_verify.game import TabularGame as TabularGame
    from smfg_verify.game import validate as validate
    from smfg_verify.stochastic import Schedule as Schedule
    from smfg_verify.stochastic import Trace as Trace
    from smfg_verify.stochastic import ac_smfg as ac_smfg
    from smfg_verify.stochastic import resume as resume
    from smfg_verify.stochastic import simulate_population as simulate_population

_PUBLIC = {
    "game": ("AbstractGame", "SparseTabularGame", "TabularGame", "validate"),
    "exact": (
        "Equilibrium",
        "NashEquilibrium",
        "StackelbergGradient",
        "leader_objective",
        "optimise_leader",
        "solve_equilibrium",
        "solve_nash",
        "stackelberg_gradient",
        "tabulate",
    ),
    "assumptions": ("AssumptionReport", "Finding", "Verdict", "check", "check_along"),
    "stochastic": ("Schedule", "Trace", "ac_smfg", "resume", "simulate_population"),
    "bounds": ("BoundReport", "exact_residuals", "validate_bounds"),
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}
_SUBPACKAGES = (
    "assumptions",
    "bounds",
    "cases",
    "exact",
    "game",
    "games",
    "interop",
    "plot",
    "policies",
    "report",
    "stochastic",
    "symbolic",
)

__all__ = [*_MODULE_OF, *_SUBPACKAGES]


def __getattr__(name: str) -> object:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"smfg_verify.{_MODULE_OF[name]}"), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"smfg_verify.{name}")
    raise AttributeError(f"module 'smfg_verify' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
