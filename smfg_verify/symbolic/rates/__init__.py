r"""Rates of learning derived from the exponents of the step sizes and the drift recursion of the residuals.

Everything is computed from the recursion with exact rationals or symbols; no rate is looked up in a table.
"""

from smfg_verify.symbolic.rates.best import best_exponents
from smfg_verify.symbolic.rates.derive import derive_rates
from smfg_verify.symbolic.rates.records import BestExponents, Condition, NoRate, Rate, RateDerivation, Reading
from smfg_verify.symbolic.rates.recursion import AC_SMFG, BILEVEL, Line, Motion, Recursion

__all__ = [
    "AC_SMFG",
    "BILEVEL",
    "BestExponents",
    "Condition",
    "Line",
    "Motion",
    "NoRate",
    "Rate",
    "RateDerivation",
    "Reading",
    "Recursion",
    "best_exponents",
    "derive_rates",
]
